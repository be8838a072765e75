"""What changed in Okta is known here: who left, who was removed outside."""

from datetime import timedelta

import pytest

from bot.core.words import Cause, DirectoryError, GrantStatus, RequestStatus
from bot.store import queries
from bot.store.tables import Notice
from bot.workflow import upkeep
from bot.workflow.upkeep import braking, outsiders, reconciling
from tests.workflow.world import HOUR, MINUTE, World, known

pytestmark = pytest.mark.anyio


async def look(world: World, times: int = 1, apart: timedelta = 2 * MINUTE) -> int:
    """Reconcile so many times, some time apart; return how many grants ended."""
    ended = 0
    for _ in range(times):
        ended += await upkeep.reconcile(world.office)
        world.wait(apart)
    return ended


@pytest.mark.parametrize("status", ["SUSPENDED", "DEPROVISIONED"])
async def test_who_left_loses_what_they_hold_and_wait_for(
    world: World, status: str
) -> None:
    await world.held()
    waits = known(await world.ask(group="prod-logs"))
    world.org.set_user("ann@example.com", status=status)
    assert await look(world) == 1
    assert world.grant().status is GrantStatus.REVOKING
    assert world.request(waits.id).status is RequestStatus.DENIED
    await world.settle()
    assert world.grant().cause is Cause.PERSON_LEFT
    assert world.members == []


AHEAD = [11 * MINUTE, 6 * HOUR, -11 * MINUTE]
"""How far our clock may be ahead of Okta's: more than a reading goes back."""


@pytest.mark.parametrize("ahead", AHEAD)
async def test_who_left_is_seen_whatever_our_clock_says(
    world: World, ahead: timedelta
) -> None:
    world.set_ahead(ahead)
    await world.held()
    await look(world)
    world.set_ahead(ahead)
    world.org.set_user("ann@example.com", status="SUSPENDED")
    assert await look(world) == 1


@pytest.mark.parametrize(
    ("ahead", "said"),
    [(3 * MINUTE, "3 min ahead of"), (-HOUR, "1 h behind")],
)
async def test_admins_are_told_once_a_day_of_a_clock_that_is_wrong(
    world: World, ahead: timedelta, said: str
) -> None:
    for _ in range(3):
        world.set_ahead(ahead)
        await look(world, apart=MINUTE)
    assert world.alerts("ops").count(said) == 1


async def test_a_clock_that_is_a_little_off_is_no_matter(world: World) -> None:
    world.set_ahead(timedelta(seconds=40))
    await look(world)
    assert "clock" not in world.alerts("ops")


@pytest.mark.parametrize("status", ["LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY"])
async def test_who_only_cannot_sign_in_keeps_it(world: World, status: str) -> None:
    await world.held()
    world.org.set_user("ann@example.com", status=status)
    assert await look(world, 3) == 0
    assert world.grant().status is GrantStatus.ACTIVE


async def test_who_was_removed_outside_has_ended_after_two_readings(
    world: World,
) -> None:
    await world.held()
    world.org.remove_member("prod-db", "ann@example.com")
    assert await look(world) == 0
    assert world.grant().status is GrantStatus.ACTIVE
    assert await look(world) == 1
    grant = world.grant()
    assert (grant.status, grant.cause) == (GrantStatus.REVOKED, Cause.ENDED_OUTSIDE)
    assert world.told("ended") == ["ann"]
    assert "not by me" in world.alerts("lead")
    assert world.changes("DELETE") == 0


async def test_two_readings_at_one_moment_are_one(world: World) -> None:
    await world.held()
    world.org.remove_member("prod-db", "ann@example.com")
    assert await look(world, 4, apart=timedelta(seconds=1)) == 0
    assert world.grant().status is GrantStatus.ACTIVE


async def test_who_shows_again_was_never_gone(world: World) -> None:
    await world.held()
    world.org.remove_member("prod-db", "ann@example.com")
    await look(world)
    world.org.add_member("prod-db", "ann@example.com")
    assert await look(world, 3) == 0
    world.org.remove_member("prod-db", "ann@example.com")
    assert await look(world) == 0


async def test_a_reading_by_one_endpoint_alone_ends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person's groups are partial; the group itself still shows them."""
    await world.held()
    directory = world.office.directory

    async def none(_person_id: str) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(directory, "groups_of", none)
    assert await look(world, 3) == 0
    assert world.grant().status is GrantStatus.ACTIVE


async def test_a_group_that_is_hidden_ends_nothing(world: World) -> None:
    await world.held()
    world.org.delete_group("prod-db")
    assert await look(world, 3) == 0
    assert world.grant().status is GrantStatus.ACTIVE


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/groups"])
async def test_a_listing_that_fails_ends_nothing(world: World, path: str) -> None:
    await world.held()
    world.org.remove_member("prod-db", "ann@example.com")
    await look(world)
    world.org.fail(f"GET {path}", "500", times=20)
    with pytest.raises(DirectoryError):
        await look(world)
    assert world.grant().status is GrantStatus.ACTIVE


@pytest.fixture
async def many(world: World) -> World:
    """Ann holds three groups, loses them all, and the brake is at two."""
    world.open_office(cleanup="brake: {most: 2, share: 10%}")
    for number in range(3):
        world.add_group(f"prod-{number}", resourceOwner="DBAs")
    await world.discover()
    for number in range(3):
        request = await world.asked(group=f"prod-{number}", duration=8 * HOUR)
        known(await world.answer(request))
        await world.work()
    for number in range(3):
        world.org.remove_member(f"prod-{number}", "ann@example.com")
    return world


def asked(world: World) -> list[str]:
    """Return when the admins were asked, the oldest first."""
    return sorted(n.facts["asked"] for n in world.rows(Notice) if n.kind == "brake")


async def say(world: World, decision: str, to: int = -1) -> bool:
    """Let an admin say what is to become of many ends; tell whether it counts."""
    when, now = asked(world)[to], world.clock()
    decide = braking.decide
    return await world.run(decide, world.office, when, decision, "okta:x", now)


def statuses(world: World) -> set[GrantStatus]:
    return {grant.status for grant in world.rows_of_grants()}


async def test_many_ends_at_once_wait_for_an_admin(many: World) -> None:
    assert await look(many, 4) == 0
    assert statuses(many) == {GrantStatus.ACTIVE}
    assert many.told("brake") == ["ops"]
    [shown] = [n for n in many.rows(Notice) if n.kind == "brake"]
    assert "3 of 3 memberships" in shown.facts["text"]


async def test_carry_on_ends_them_once(many: World) -> None:
    await look(many, 2)
    await say(many, braking.CARRY_ON)
    assert await look(many) == 3
    assert statuses(many) == {GrantStatus.REVOKED}
    assert "brake: carry on" in many.events()
    assert not await say(many, braking.CARRY_ON)


async def test_an_answer_counts_for_what_was_asked_and_for_a_while(
    many: World,
) -> None:
    await look(many, 2)
    await say(many, braking.DISCARD)
    many.wait(2 * HOUR)
    assert await look(many, 2) == 0
    assert len(asked(many)) == 1
    many.wait(braking.DAY)
    assert await look(many, 2) == 0
    assert len(asked(many)) == 2
    assert not await say(many, braking.CARRY_ON, to=0)
    assert await say(many, braking.CARRY_ON)
    many.wait(2 * HOUR)
    assert await look(many) == 0
    assert len(asked(many)) == 3
    assert statuses(many) == {GrantStatus.ACTIVE}


async def test_more_than_was_asked_about_is_asked_anew(many: World) -> None:
    known(await many.answer(await many.asked(duration=8 * HOUR)))
    await many.work()
    await look(many, 2)
    many.org.remove_member("prod-db", "ann@example.com")
    await look(many, 2)
    await say(many, braking.CARRY_ON)
    assert await look(many) == 0
    assert len(asked(many)) == 2
    assert "4 of 4" in many.rows(Notice)[-1].facts["text"]


async def test_what_nobody_answers_is_asked_again_the_next_day(many: World) -> None:
    await look(many, 4)
    assert len(asked(many)) == 1
    many.wait(timedelta(days=1, seconds=1))
    await look(many)
    assert len(asked(many)) == 2


async def test_discard_leaves_them_until_their_end(many: World) -> None:
    await look(many, 2)
    await say(many, braking.DISCARD)
    assert await look(many, 3) == 0
    assert statuses(many) == {GrantStatus.ACTIVE}


@pytest.fixture
async def one_by_one(many: World) -> World:
    """Two of the three ended so, and now the third is not shown either."""
    for number in range(1, 3):
        many.org.add_member(f"prod-{number}", "ann@example.com")
    assert await look(many, 2) == 1
    many.org.remove_member("prod-1", "ann@example.com")
    assert await look(many, 2) == 1
    many.org.remove_member("prod-2", "ann@example.com")
    assert await look(many, 3) == 0
    return many


async def test_a_few_at_a_time_are_many_in_a_day(one_by_one: World) -> None:
    assert one_by_one.told("brake") == ["ops"]
    [shown] = [n for n in one_by_one.rows(Notice) if n.kind == "brake"]
    assert "1 of 1 memberships" in shown.facts["text"]
    assert "Another 2 ended so" in shown.facts["text"]
    await say(one_by_one, braking.CARRY_ON)
    assert await look(one_by_one) == 1


async def test_discard_ends_nothing_where_others_ended_before(
    one_by_one: World,
) -> None:
    await say(one_by_one, braking.DISCARD)
    assert await look(one_by_one, 3) == 0
    assert GrantStatus.ACTIVE in statuses(one_by_one)


async def test_carry_on_is_for_as_many_as_were_shown_and_no_more(
    one_by_one: World,
) -> None:
    for group in ("prod-0", "prod-1"):
        known(await one_by_one.answer(await one_by_one.asked(group=group)))
        await one_by_one.work()
    await look(one_by_one)
    for group in ("prod-0", "prod-1"):
        one_by_one.org.remove_member(group, "ann@example.com")
    await look(one_by_one, 2)
    await say(one_by_one, braking.CARRY_ON)
    assert await look(one_by_one) == 0
    assert "3 of 3 memberships" in one_by_one.rows(Notice)[-1].facts["text"]


async def test_what_other_integrations_hold_is_no_part_of_the_share(
    many: World,
) -> None:
    held = await many.office.database.read(queries.count_live, many.office.name)
    assert held == await many.office.database.read(queries.count_live) == 3
    assert await many.office.database.read(queries.count_live, "other") == 0


async def test_a_pass_reads_no_more_than_its_part_and_the_rest_in_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "A_PASS", 2)
    monkeypatch.setattr(reconciling, "IN_TURN", 1)
    names = ("ann", "ben", "cid", "dan")
    for name in names[1:]:
        world.add_person(name)
        world.org.add_member("Engineering", f"{name}@example.com")
    await world.open(*names[1:])
    for name in names:
        known(await world.answer(await world.asked(name, duration=8 * HOUR)))
        assert await world.work() == []
    read = []
    for _ in names:
        before = len(world.org.journal)
        await look(world)
        read.append(_people_read(world, before))
    assert all(len(each) <= 2 for each in read)
    assert set().union(*read) == {world.ids[name] for name in names}


def _people_read(world: World, since: int) -> set[str]:
    """Return of whom the groups were read since so many calls."""
    paths = [call.path.split("/") for call in world.org.journal[since:]]
    return {p[4] for p in paths if p[3] == "users" and p[5:] == ["groups"]}


async def _days(world: World, count: float) -> None:
    world.wait(timedelta(days=count))
    await look(world)


async def test_who_was_added_by_others_is_told_once_a_day_and_left_alone(
    world: World,
) -> None:
    await world.held(duration=8 * HOUR)
    await look(world)
    world.org.add_member("prod-db", "bea@example.com")
    await look(world)
    assert world.told("outside") == []
    await _days(world, 1)
    assert world.told("outside") == ["lead"]
    [notice] = [n for n in world.rows(Notice) if n.kind == "outside"]
    assert (
        "“prod-db” in Okta since yesterday, not by me: bea@example.com."
        in (notice.facts["text"])
    )
    await _days(world, 1)
    assert world.told("outside") == ["lead"]
    assert world.members == ["ann", "bea"]


async def test_a_group_that_is_muted_is_reported_no_more(world: World) -> None:
    await world.held(duration=8 * HOUR)
    await look(world)
    group = world.ids["prod-db"]
    assert await world.run(
        outsiders.mute, "corp", group, by="okta:lead", now=world.clock()
    )
    world.org.add_member("prod-db", "bea@example.com")
    await look(world)
    await _days(world, 1)
    assert world.told("outside") == []
    assert not world.look(lambda s: outsiders.is_heard(s, "corp", group))


async def test_whom_the_bot_adds_is_nobody_of_others(world: World) -> None:
    await world.held(duration=8 * HOUR)
    await look(world)
    await _days(world, 1)
    assert world.told("outside") == []
