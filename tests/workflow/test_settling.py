"""Who may say that a group is gone, and when: it ends a grant that Okta still holds."""

import pytest

from bot.core.words import GrantStatus
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


async def test_a_group_that_shows_again_is_nobodys_to_settle(world: World) -> None:
    await world.held()
    world.org.fail("(GET|DELETE) /api/v1/groups/", "404", times=None)
    world.wait(HOUR)
    await world.work()
    assert world.told("gone") == ["lead"]
    world.org.mend()
    assert "still shows" in why(await world.settle_gone("lead"))
    await world.settle()
    assert world.members == []


async def test_an_owner_who_is_suspended_settles_nothing(world: World) -> None:
    await world.held()
    world.org.delete_group("prod-db")
    world.wait(HOUR)
    await world.work()
    world.org.set_user("lead@example.com", status="SUSPENDED")
    await world.look_at_person("lead")
    refused = await world.settle_as(world.ids["lead"])
    assert "Only an integration owner" in why(refused)
    assert world.grant().status is GrantStatus.REVOKING
