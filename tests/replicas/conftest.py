"""A world whose bot is many processes, on a PostgreSQL of the tests' own."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.tables import AccessGrant, AccessRequest, Due, Notice
from tests.flows.world import AUDIT_KEY, World
from tests.postgres import Cluster
from tests.replicas.swarm import Swarm


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path, cluster: Cluster) -> Iterator[World]:
    """Rita asks, Olga and Otto own; at rest all verifies and nothing is leased."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with cluster.migrated(Chain(AUDIT_KEY.encode())) as url:
        world = World(sandbox=sandbox, folder=tmp_path, port=port, database_url=url)
        # What is looked at is lateness by a kill, not by Okta's limits: this load is
        # more than an org carries, and a full bucket holds everybody for a minute.
        for bucket in ("groups", "group", "users", "user", "user changes"):
            world.okta.require_limit(bucket, 100_000)
        yield world
        assert world.findings() == []
        assert [row for row in _due(world) if row.lease_owner] == []


@pytest.fixture
def swarm(world: World, tmp_path: Path) -> Iterator[Swarm]:
    """No process yet; those left at the end are stopped."""
    environment = {**world.environment(), "PORT": str(world.port)}
    swarm = Swarm(tmp_path, environment)
    yield swarm
    swarm.stop()


def _due(world: World) -> list[Due]:
    tables: tuple[type[Due], ...] = (AccessRequest, AccessGrant, Notice)
    return [row for table in tables for row in world.all_of(table)]
