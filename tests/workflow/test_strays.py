"""Memberships that no row explains, given an end by an operator: they end once."""

import json
from datetime import timedelta

import pytest

from bot.core.words import GrantStatus, SettingError
from bot.workflow.upkeep import end_strays
from bot.workflow.upkeep.strays import (
    ENDING,
    Membership,
    Whose,
    endings,
    forget,
    give_end,
    has_end,
    is_shown,
)
from bot.workflow.upkeep.watching import unexplained
from tests.workflow.world import HOUR, START, World

pytestmark = pytest.mark.anyio

ANN = "ann@example.com"


async def ours(_: Membership) -> Whose:
    """Nobody has changed it since it was given, by Okta's log."""
    return Whose.OURS


async def anothers(_: Membership) -> Whose:
    return Whose.OTHERS


async def unknown(_: Membership) -> Whose:
    raise SettingError("Okta's log shows the app nothing at all.", "Let it read.")


@pytest.fixture
async def stray(world: World) -> Membership:
    """Ann is in prod-db, by our app and unknown to the rows, for an hour more."""
    world.org.add_member("prod-db", ANN)
    stray = Membership(
        person_id=world.ids["ann"], group_id=world.ids["prod-db"], at=START
    )
    until = START + HOUR
    await world.run(give_end, "corp", stray, until, by="cli:ops", now=world.clock())
    return stray


@pytest.mark.usefixtures("stray")
async def test_it_is_removed_when_its_end_has_come_and_not_before(world: World) -> None:
    assert await end_strays(world.office, ours) == 0
    assert world.members == ["ann"]
    world.wait(HOUR)
    assert await end_strays(world.office, ours) == 1
    assert world.members == []
    world.org.add_member("prod-db", ANN)
    assert await end_strays(world.office, ours) == 0
    assert world.members == ["ann"]
    assert world.events()[-2:] == [
        "stray membership: taken back",
        "stray membership: gone",
    ]


async def test_what_was_given_an_end_is_explained_and_no_other(
    world: World, stray: Membership
) -> None:
    later = Membership(
        person_id=stray.person_id, group_id=stray.group_id, at=START + HOUR
    )
    assert world.look(lambda session: has_end(session, "corp", stray))
    assert not world.look(lambda session: has_end(session, "corp", later))
    assert not world.look(lambda session: unexplained(session, "elsewhere", []))


@pytest.mark.usefixtures("stray")
async def test_what_a_grant_gave_since_is_left_to_the_grant(world: World) -> None:
    world.org.remove_member("prod-db", ANN)
    await world.look_at_person("ann")
    await world.held(duration=8 * HOUR)
    world.wait(2 * HOUR)
    assert await end_strays(world.office, ours) == 0
    assert world.members == ["ann"]
    assert world.grant().status is GrantStatus.ACTIVE
    assert world.events()[-1] == "stray membership: given anew"


@pytest.mark.usefixtures("stray")
async def test_where_okta_fails_the_owner_is_told_once_and_it_is_tried_again(
    world: World,
) -> None:
    world.wait(HOUR)
    world.org.fail("^DELETE", "403", times=2)
    assert await end_strays(world.office, ours) == 0
    assert await end_strays(world.office, ours) == 0
    assert world.alerts("lead").count("could not be taken back") == 1
    assert await end_strays(world.office, ours) == 1
    assert world.members == []


@pytest.mark.usefixtures("stray")
async def test_what_somebody_else_has_given_since_is_left_to_them(world: World) -> None:
    world.wait(HOUR)
    assert await end_strays(world.office, anothers) == 0
    assert world.members == ["ann"]
    assert world.events()[-1] == "stray membership: changed by others"
    assert world.alerts("lead").count("somebody else has given it anew since") == 1
    assert await end_strays(world.office, ours) == 0
    assert world.members == ["ann"]


@pytest.mark.usefixtures("stray")
async def test_where_it_is_not_known_whose_it_is_the_owner_is_told(
    world: World,
) -> None:
    world.wait(HOUR)
    assert await end_strays(world.office, unknown) == 0
    assert world.members == ["ann"]
    assert "could not be taken back" in world.alerts("lead")


@pytest.mark.usefixtures("stray")
async def test_it_is_gone_with_who_was_deleted_but_not_with_a_group_that_is_hidden(
    world: World,
) -> None:
    world.wait(HOUR)
    world.org.set_role(world.app["client_id"], "GROUP_MEMBERSHIP_ADMIN", [])
    assert await end_strays(world.office, ours) == 0
    world.org.set_role(world.app["client_id"], "GROUP_MEMBERSHIP_ADMIN")
    world.org.delete_user(ANN)
    assert await end_strays(world.office, ours) == 1


@pytest.mark.usefixtures("stray")
async def test_with_a_group_that_was_deleted_it_is_tried_in_silence_until_forgotten(
    world: World,
) -> None:
    await world.look_at_person("ann")
    world.wait(HOUR)
    world.org.delete_group("prod-db")
    assert [await end_strays(world.office, ours) for _ in range(3)] == [0, 0, 0]
    assert world.events().count("stray membership: taken back") == 1
    assert "ann@example.com in prod-db" in world.alerts("lead")
    assert "access-bot recover --forget --reason WHY" in world.alerts("lead")
    [ending] = world.look(lambda session: endings(session, "corp"))
    assert not await is_shown(world.office, ending.stray)
    now = world.clock()
    await world.run(forget, "corp", ending, "deleted", by="cli:ops", now=now)
    assert world.events()[-1] == "stray membership: forgotten"
    world.wait(timedelta(days=1))
    assert await end_strays(world.office, ours) == 0
    assert world.alerts("lead").count("could not be taken back") == 1


async def test_a_row_that_somebody_wrote_takes_nothing_from_anybody(
    world: World,
) -> None:
    world.org.add_member("prod-db", ANN)
    world.edit(
        "insert into upkeep (name, facts, at) values (:name, :facts, :at)",
        name=ENDING.format("corp"),
        facts='{"1": "2020-01-01T00:00:00+00:00"}',
        at=str(START.replace(tzinfo=None)),
    )
    world.wait(timedelta(days=1))
    assert await end_strays(world.office, ours) == 0
    assert world.members == ["ann"]


@pytest.mark.usefixtures("stray")
async def test_an_end_that_somebody_moved_in_the_audit_is_none(world: World) -> None:
    world.edit(
        "update event set data = :data where kind = 'stray membership: given an end'",
        data=json.dumps(
            {"given": START.isoformat(), "until": "2020-01-01T00:00:00+00:00"}
        ),
    )
    assert await end_strays(world.office, ours) == 0
    assert world.members == ["ann"]
