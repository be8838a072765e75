"""What people are told: once for each cause, and to who can be reached."""

import pytest
from sqlmodel import Session

from bot.store.tables import Notice, Upkeep
from bot.workflow import upkeep
from bot.workflow.notices import EVERYBODY, show_home, tell, tell_people
from tests.workflow.world import START, World, known

pytestmark = pytest.mark.anyio


async def test_one_cause_is_told_once(world: World) -> None:
    assert await world.run(tell, "alert", "U-ann", key="k", now=START) is not None
    assert await world.run(tell, "alert", "U-ann", key="k", now=START) is None
    assert len(world.rows(Notice)) == 1


async def test_each_admin_is_told_once_for_a_key(world: World) -> None:
    for _ in range(2):
        await world.run(tell_people, "corp", "admins", "Look.", key="k", now=START)
    assert world.alerts("ops") == "Look."
    assert world.alerts("lead") == ""


async def test_what_nobody_owns_is_told_to_the_admins(world: World) -> None:
    def forget_owner(session: Session) -> None:
        row = session.get_one(Upkeep, EVERYBODY.format("corp"))
        row.facts = {role: row.facts[role] for role in row.facts if role != "owner"}

    await world.run(forget_owner)
    await world.run(tell_people, "corp", "owner", "Look.", key="k", now=START)
    assert world.alerts("ops") == "Look."


async def test_a_home_tab_is_one_row_made_due_again_and_again(world: World) -> None:
    known(await world.who("ann"))
    for _ in range(3):
        await world.run(show_home, "U-ann", START)
    [home] = world.rows(Notice)
    assert (home.kind, home.wanted_version, home.due_at) == ("home", 3, START)


async def test_what_is_told_before_anybody_is_known_waits_for_them(
    world: World,
) -> None:
    everybody = EVERYBODY.format("corp")
    await world.run(lambda s: s.delete(s.get_one(Upkeep, everybody)))
    for _ in range(2):
        await world.run(tell_people, "corp", "admins", "Look.", key="k", now=START)
    [waiting] = world.rows(Notice)
    assert waiting.due_at is None
    await upkeep.meet_roles(world.office, START)
    [told] = world.rows(Notice)
    assert (told.recipient, told.due_at) == ("U-ops", START)
    assert world.alerts("ops") == "Look."
