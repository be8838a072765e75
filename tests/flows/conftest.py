"""A world for each flow, and what holds after every one of them."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.migrations import migrate
from bot.store.tables import AccessGrant, AccessRequest, Notice
from tests.conformance import reference
from tests.flows.judged import Exchanges, judge, recorded
from tests.flows.world import AUDIT_KEY, DATABASE, World


@pytest.fixture(scope="session")
def flow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of this version, keyed for the flows."""
    path = tmp_path_factory.mktemp("flows") / DATABASE
    migrate(f"sqlite:///{path}", Chain(AUDIT_KEY.encode()))
    return path


@pytest.fixture(scope="session")
def _exchanges(_sandbox: Sandbox) -> Iterator[Exchanges]:
    with recorded(_sandbox) as exchanges:
        yield exchanges


@pytest.fixture
def exchanges(_exchanges: Exchanges, sandbox: Sandbox) -> Exchanges:
    """What is sent to the Okta org in this flow, and what it answers."""
    _exchanges.clear()
    return _exchanges


@pytest.fixture
def world(
    exchanges: Exchanges, sandbox: Sandbox, tmp_path: Path, flow_database: Path
) -> World:
    """Rita asks, Olga and Otto own, Ivan and Ada stand behind them.

    They are reached over Socket Mode; over HTTP where `FLOWS_OVER=http` says so.
    """
    shutil.copy(flow_database, tmp_path / DATABASE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world = World(sandbox=sandbox, folder=tmp_path, port=port)
    if os.environ.get("FLOWS_OVER") == "http":
        world.speak_http()
    return world


@pytest.fixture(params=["socket", "http"])
def either_way(request: pytest.FixtureRequest, world: World) -> World:
    """The same world, reached over Socket Mode and over signed HTTP."""
    if request.param == "http":
        world.speak_http()
    return world


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What the bot logs in this flow."""
    with capture_logs() as lines:
        yield lines
    print(*lines, sep="\n")  # noqa: T201 -- pytest shows it with a failure


@pytest.fixture(autouse=True)
def _proven(
    world: World,
    exchanges: Exchanges,
    logged: list[Any],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[None]:
    """Hold every flow to what the bot promises, however it went."""
    yield
    if not world.is_tampered:
        assert world.findings() == []
    held = [row for t in DUE for row in world.all_of(t) if row.lease_owner]
    assert held == [], "at rest no lease is held"
    failures = [line for line in logged if line["log_level"] in ("error", "critical")]
    assert failures == [] or world.is_tampered
    told = [each for each in caplog.get_records("call") if each.levelname == "ERROR"]
    assert [each.getMessage() for each in told] == []
    if reference.is_here():
        judge(world.slack, exchanges)


DUE: tuple[type[AccessRequest] | type[AccessGrant] | type[Notice], ...] = (
    AccessRequest,
    AccessGrant,
    Notice,
)
