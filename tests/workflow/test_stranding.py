"""A file that drops or moves an org: nothing held or asked there is stranded."""

from datetime import timedelta

import pytest

from bot.app.changes import put_in_force
from bot.core.catalogue import load
from bot.core.words import RequestStatus, SettingError
from bot.store.files import keep_file, last_good_file
from bot.workflow.upkeep import strays
from tests.workflow.world import FILE, HOUR, USUAL, World, known

pytestmark = pytest.mark.anyio


def text(world: World, *, name: str = "corp", url: str = "") -> str:
    usual = FILE.format(url=url or world.org.url, **USUAL)
    return usual.replace("corp", name)


async def put(world: World, **changes: str) -> None:
    """Put a file in force, as a start or a reload does."""
    new = text(world, **changes)
    await world.run(put_in_force, new, load(new), world.clock())


def in_force(world: World) -> str:
    kept = world.look(last_good_file)
    return kept.text if kept else ""


@pytest.fixture
async def served(world: World) -> World:
    await put(world)
    return world


ELSEWHERE = [{"name": "other"}, {"url": "https://elsewhere.example.com"}]


@pytest.mark.parametrize("changes", ELSEWHERE)
async def test_what_is_asked_of_an_org_that_goes_is_denied_and_told(
    served: World, changes: dict[str, str]
) -> None:
    request = await served.asked()
    await put(served, **changes)
    ended = served.request(request.id)
    assert ended.status is RequestStatus.DENIED
    assert ended.reason == "Access to this Okta org is no longer given here."
    assert served.told("denied") == ["ann"]


@pytest.mark.parametrize("changes", ELSEWHERE)
async def test_an_org_that_holds_something_does_not_go(
    served: World, changes: dict[str, str]
) -> None:
    await served.held()
    waits = known(await served.ask(group="prod-logs"))
    with pytest.raises(SettingError, match=r"still holds access: corp \(1 held\)"):
        await put(served, **changes)
    assert in_force(served) == text(served)
    assert served.request(waits.id).status is RequestStatus.PENDING


async def test_an_add_that_may_still_land_is_held(served: World) -> None:
    grant = await served.held()
    await served.give_back(grant)
    await served.settle()
    served.edit("update access_grant set unsure_until = '2027-01-01 00:00:00'")
    with pytest.raises(SettingError, match="1 held"):
        await put(served, name="other")


async def test_a_stray_membership_that_waits_for_its_end_is_held(
    served: World,
) -> None:
    now = served.clock()
    stray = strays.Membership(
        person_id=served.ids["ann"], group_id=served.ids["prod-db"], at=now
    )
    until = now + HOUR
    await served.run(strays.give_end, "corp", stray, until, by="ops", now=now)
    with pytest.raises(SettingError, match="1 held"):
        await put(served, name="other")


async def test_what_is_held_where_no_file_says_anything_is_not_passed_over(
    served: World,
) -> None:
    """Another process let the org go at the moment in which this was given."""
    await served.held()
    other = text(served, name="other")
    await served.run(keep_file, other, load(other).hash, by="bot", now=served.clock())
    with pytest.raises(SettingError, match=r"corp \(1 held\)"):
        await put(served, name="other")


async def test_an_org_of_which_nothing_is_left_goes(served: World) -> None:
    await served.give_back(await served.held())
    await served.settle()
    served.wait(timedelta(hours=2))
    await served.settle()
    await put(served, name="other")
    assert in_force(served) == text(served, name="other")
