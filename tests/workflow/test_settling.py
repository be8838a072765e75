"""Who may say that a group is gone, and when: it ends a grant that Okta still holds."""

import pytest

from bot.workflow import upkeep
from tests.workflow.world import HOUR, World, why

pytestmark = pytest.mark.anyio


async def test_a_removal_that_is_only_late_is_nobodys_to_settle(world: World) -> None:
    """A crafted click: no message with this button was ever written."""
    await world.held()
    world.org.fail("DELETE /api/v1/groups/.*/users/", "503", times=9)
    world.wait(HOUR)
    await world.work()
    assert "still shows" in why(await world.settle_gone("lead"))
    world.org.mend()
    await world.settle()
    assert world.members == []


async def test_nobody_settles_their_own_access(world: World) -> None:
    world.open_office(owner="[{user: ann@example.com}]")
    await upkeep.discover(world.office)
    await world.held()
    world.org.delete_group("prod-db")
    world.wait(HOUR)
    await world.work()
    assert world.told("gone") == ["ann"]
    assert "your own access" in why(await world.settle_gone("ann"))
