"""A world for each test, on both databases, whose audit must verify afterwards."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox import Sandbox
from bot.store.database import Database
from bot.store.verification import verify
from tests.conftest import both_engines, lasting_database
from tests.workflow.world import World, leases

engine = both_engines
database = lasting_database


@pytest.fixture
async def world(sandbox: Sandbox, database: Database) -> AsyncIterator[World]:
    """A company with its office open. At rest no lease is held and all verifies."""
    world = World(sandbox.okta, database)
    async with world.client:
        await world.open()
        yield world
    assert leases(world) == []
    if not world.tampered:
        assert world.look(lambda session: list(verify(session))) == []
