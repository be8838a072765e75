"""Approval steps: who is asked, when a step is done, and what the clock does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.words import GrantStatus, Refused, RequestStatus
from bot.store import evidence
from bot.store.tables import AccessRequest, Answer
from bot.workflow import requests
from tests.workflow.world import HOUR, MINUTE, World, known, why

pytestmark = pytest.mark.anyio

TWO_STEPS = "[{any_of: [owner]}, {any_of: [{group: Security}]}]"


def open_flow(world: World, *lines: str, **changes: str) -> None:
    """Put another file in force: the flow of engineers, with more in it."""
    world.open_office(more="".join(f"\n    {line}" for line in lines), **changes)


async def company(world: World, *lines: str, **changes: str) -> None:
    """Add Security (Sam, Sue) and Max, Ann's manager; put a file in force."""
    for name in ("sam", "sue", "max"):
        world.add_person(name)
    world.add_group("Security", ["sam", "sue"])
    world.org.set_user("ann@example.com", managerId=world.ids["max"])
    open_flow(world, *lines, **changes)
    await world.open("sam", "sue", "max")


async def look_again(world: World) -> None:
    """Read what is asked for anew, as a listener does before a click on old rows."""
    await world.look_at("prod-db")
    await world.look_at_person("ann")


async def test_the_second_step_is_asked_when_the_first_is_done(world: World) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked()
    assert world.told("card") == ["bob", "bea"]
    known(await world.answer(request, "bob"))
    assert world.request(request.id).status is RequestStatus.PENDING
    await world.work()
    assert world.request(request.id).step == 2
    assert world.told("card") == ["bob", "bea", "sam", "sue"]
    known(await world.answer(request, "sue", step_shown=2))
    assert world.request(request.id).status is RequestStatus.APPROVED
    await world.work()
    assert world.grant().status is GrantStatus.ACTIVE
    assert world.members == ["ann"]


async def test_one_person_answers_one_step_only(world: World) -> None:
    await company(world, "approval: [{any_of: [owner]}, {any_of: [owner]}]")
    request = await world.asked()
    known(await world.answer(request, "bob"))
    await world.work()
    refused = await world.answer(request, "bob", step_shown=2)
    assert why(refused) == "You have answered this already."
    known(await world.answer(request, "bea", step_shown=2))
    await world.work()
    assert world.members == ["ann"]


async def test_an_answer_to_a_step_that_is_over_decides_nothing(world: World) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked()
    known(await world.answer(request, "bob"))
    await world.work()
    refused = await world.answer(request, "bea", step_shown=1)
    assert why(refused) == "This has been answered already."


async def test_who_answers_the_second_step_does_not_answer_the_first(
    world: World,
) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked()
    assert isinstance(await world.answer(request, "sam"), Refused)


async def test_one_deny_ends_it_at_any_step(world: World) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked()
    known(await world.answer(request, "bob"))
    await world.work()
    known(await world.answer(request, "sam", approves=False, step_shown=2))
    assert world.request(request.id).status is RequestStatus.DENIED
    await world.work()
    assert world.changes("PUT") == 0


async def test_two_of_a_group_must_approve(world: World) -> None:
    await company(world, "approval: [{any_of: [{group: Security}], approvals: 2}]")
    request = await world.asked()
    known(await world.answer(request, "sam"))
    assert world.request(request.id).status is RequestStatus.PENDING
    known(await world.answer(request, "sue"))
    await world.work()
    assert world.members == ["ann"]


async def test_an_answer_that_a_hand_wrote_approves_nothing(world: World) -> None:
    await company(world, "approval: [{any_of: [{group: Security}], approvals: 2}]")
    request = await world.asked()
    world.edit(
        "insert into answer (request_id, person_id, step, approves, at) "
        "values (:request, :person, 1, true, :at)",
        request=request.id,
        person=world.ids["sam"],
        at=world.clock(),
    )
    known(await world.answer(request, "sue"))
    assert world.request(request.id).status is RequestStatus.PENDING


async def test_all_of_asks_a_different_person_of_each_entry(world: World) -> None:
    await company(world, "approval: [{all_of: [manager, {group: Security}]}]")
    request = await world.asked()
    assert set(world.told("card")) == {"max", "sam", "sue"}
    known(await world.answer(request, "sam"))
    known(await world.answer(request, "sue"))
    assert world.request(request.id).status is RequestStatus.PENDING
    known(await world.answer(request, "max"))
    await world.work()
    assert world.members == ["ann"]


async def test_the_manager_answers(world: World) -> None:
    await company(world, "approval: [{any_of: [manager]}]")
    request = await world.asked()
    assert world.told("card") == ["max"]
    assert world.request(request.id).routing["rung"] == "manager"
    assert isinstance(await world.answer(request, "bob"), Refused)
    known(await world.answer(request, "max"))
    await world.work()
    assert world.members == ["ann"]


async def test_who_has_no_manager_goes_up_the_ladder(world: World) -> None:
    await company(world, "approval: [{any_of: [manager]}]")
    world.org.set_user("ann@example.com", managerId="")
    request = await world.asked()
    assert world.told("card") == ["lead"]
    known(await world.answer(request, "lead"))
    await world.work()
    assert world.members == ["ann"]


async def test_a_manager_who_changed_since_is_asked_instead(world: World) -> None:
    await company(world, "approval: [{any_of: [manager]}]")
    request = await world.asked()
    world.org.set_user("ann@example.com", managerId=world.ids["sam"])
    await world.look_at_person("ann")
    assert "changed since" in why(await world.answer(request, "max"))
    await world.work()
    assert world.told("card") == ["max", "sam"]
    known(await world.answer(request, "sam"))
    await world.work()
    assert world.members == ["ann"]


async def test_an_approver_who_left_the_group_before_the_add_gives_nothing(
    world: World,
) -> None:
    await company(world, "approval: [{any_of: [{group: Security}]}]")
    request = await world.asked()
    known(await world.answer(request, "sam"))
    world.org.remove_member("Security", "sam@example.com")
    await world.work()
    assert world.grant().status is GrantStatus.FAILED
    assert world.changes("PUT") == 0


async def test_who_approved_the_first_step_is_looked_at_again_too(world: World) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked()
    known(await world.answer(request, "bob"))
    await world.work()
    known(await world.answer(request, "sam", step_shown=2))
    world.org.remove_member("DBAs", "bob@example.com")
    await world.work()
    assert world.changes("PUT") == 0


async def test_less_than_asked_by_anyone_is_what_is_given(world: World) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked(duration=4 * HOUR)
    known(await world.answer(request, "bob", duration=HOUR))
    await world.work()
    known(await world.answer(request, "sam", step_shown=2, duration=2 * HOUR))
    assert world.grant().duration_seconds == HOUR.total_seconds()


async def test_a_reason_that_is_asked_for_must_be_given(world: World) -> None:
    await company(world, "approver_reason: required")
    request = await world.asked()
    assert "Say why you approve" in why(await world.answer(request))
    known(await world.answer(request, reason="On call tonight"))


async def test_who_asks_may_answer_only_where_the_flow_says_so(world: World) -> None:
    await company(world, "approval: [{any_of: [{user: ann@example.com}, owner]}]")
    request = await world.asked()
    assert isinstance(await world.answer(request, "ann"), Refused)
    open_flow(
        world,
        "requester_may_approve: true",
        "approval: [{any_of: [{user: ann@example.com}]}]",
    )
    await world.run(requests.cancel, request.id, world.ids["ann"], world.clock())
    mine = await world.asked()
    known(await world.answer(mine, "ann"))
    await world.work()
    assert world.members == ["ann"]


# What the clock does


async def test_a_tier_is_asked_too_when_its_time_has_come(world: World) -> None:
    tier = "escalate: [{after: 30m, to: [{group: Security}]}]"
    await company(world, f"approval: [{{any_of: [owner], {tier}}}]")
    request = await world.asked()
    assert isinstance(await world.answer(request, "sam"), Refused)
    world.wait(30 * MINUTE)
    await world.work()
    await look_again(world)
    assert world.told("card") == ["bob", "bea", "sam", "sue"]
    assert "request escalated" in world.events()
    known(await world.answer(request, "sam"))
    await world.work()
    assert world.members == ["ann"]


async def test_those_asked_before_a_tier_keep_their_say(world: World) -> None:
    tier = "escalate: [{after: 30m, to: [{group: Security}]}]"
    await company(world, f"approval: [{{any_of: [owner], {tier}}}]")
    request = await world.asked()
    world.wait(30 * MINUTE)
    await world.work()
    await look_again(world)
    known(await world.answer(request, "bob"))
    await world.work()
    assert world.members == ["ann"]


async def test_who_has_not_answered_is_reminded_by_day(world: World) -> None:
    await company(world, "remind_every: 1h", "lapse_after: 2d")
    request = await world.asked()
    world.wait(HOUR)
    await world.work()
    assert sorted(world.told("reminder")) == ["bea", "bob"]
    world.wait(13 * HOUR)  # it is night
    await world.work()
    assert len(world.told("reminder")) == 2
    assert (world.request(request.id).due_at or world.clock()) > world.clock()


async def test_a_request_that_is_reminded_of_still_lapses(world: World) -> None:
    await company(world, "remind_every: 1h", "lapse_after: 90m")
    request = await world.asked()
    for _ in range(2):
        world.wait(HOUR)
        await world.work()
    assert world.request(request.id).status is RequestStatus.LAPSED


async def test_a_nudge_comes_not_sooner_than_a_reminder(world: World) -> None:
    await company(world, "remind_every: 4h")
    request = await world.asked()
    asker = request.id, world.ids["ann"]
    assert "a little while ago" in why(
        await world.run(requests.nudge, *asker, world.clock())
    )
    world.wait(4 * HOUR - MINUTE)
    assert isinstance(await world.run(requests.nudge, *asker, world.clock()), Refused)
    world.wait(MINUTE)
    known(await world.run(requests.nudge, *asker, world.clock()))
    assert sorted(world.told("reminder")) == ["bea", "bob"]
    assert isinstance(await world.run(requests.nudge, *asker, world.clock()), Refused)


async def test_only_who_asked_nudges(world: World) -> None:
    request = await world.asked()
    refused = await world.run(
        requests.nudge, request.id, world.ids["bob"], world.clock()
    )
    assert why(refused) == "Only who asked can nudge."


async def test_the_step_an_approval_was_for_is_in_the_chain(world: World) -> None:
    await company(world, f"approval: {TWO_STEPS}")
    request = await world.asked()
    known(await world.answer(request, "bob"))
    await world.work()
    known(await world.answer(request, "sam", step_shown=2))
    told = world.look(lambda session: evidence.approvals(session, request.id))
    assert told == [(1, world.ids["bob"]), (2, world.ids["sam"])]
    assert len(world.rows(Answer)) == 2


# What nobody is asked for


async def test_an_automatic_flow_gives_at_once(world: World) -> None:
    await company(world, "approval: automatic")
    request = await world.asked()
    assert world.request(request.id).decided_by == "automatic"
    await world.work()
    assert world.members == ["ann"]
    assert world.told("card") == []


async def test_a_group_that_slips_under_an_automatic_flow_waits_for_an_admin(
    world: World,
) -> None:
    await company(world, "approval: automatic")
    world.add_group("prod-new")
    await world.discover()
    assert "prod-new" in world.alerts("ops")
    request = await world.asked(group="prod-new")
    assert world.request(request.id).status is RequestStatus.PENDING
    assert world.told("card") == ["ops"]


AUTOMATIC = (
    "automatic_when: {duration_at_most: 1h, requesters: {any: [{group: On Call}]}, "
    "at_most: {times: 1, per: 24h}}"
)


async def end_all(world: World) -> None:
    """Give back what is held, and let it be removed."""
    for grant in world.rows_of_grants():
        if grant.status is GrantStatus.ACTIVE:
            known(await world.give_back(grant))
    await world.settle()
    world.wait(HOUR)


async def test_the_rule_gives_within_its_bounds_and_its_budget(world: World) -> None:
    world.add_group("On Call", ["ann"])
    await company(world, AUTOMATIC)
    longer = await world.asked(duration=2 * HOUR)
    assert world.request(longer.id).status is RequestStatus.PENDING
    await world.run(requests.cancel, longer.id, world.ids["ann"], world.clock())
    first = await world.asked(duration=HOUR)
    assert world.request(first.id).status is RequestStatus.APPROVED
    await world.work()
    assert world.members == ["ann"]
    await end_all(world)
    second = await world.asked(duration=HOUR)
    assert world.request(second.id).status is RequestStatus.PENDING


async def test_requests_that_are_routed_side_by_side_share_one_budget(
    world: World,
) -> None:
    world.add_group("On Call", ["ann"])
    wanted = ["prod-db", "prod-one", "prod-two", "prod-three"]
    for group in wanted[1:]:
        world.add_group(group)
    await world.discover()
    await company(world, AUTOMATIC)
    for group in wanted:
        known(await world.ask(group=group))
    due = await world.claim(AccessRequest)
    await asyncio.gather(*(world.carry_out(row) for row in due))
    await world.settle()
    decided = sorted(str(each.decided_by) for each in world.rows(AccessRequest))
    assert decided == ["None", "None", "None", "automatic"]


async def test_a_rule_that_is_gone_before_the_add_gives_nothing(world: World) -> None:
    world.add_group("On Call", ["ann"])
    await company(world, AUTOMATIC)
    await world.asked(duration=HOUR)
    world.org.remove_member("On Call", "ann@example.com")
    await world.work()
    assert world.grant().status is GrantStatus.FAILED
    assert world.changes("PUT") == 0


# Asking for somebody else


async def test_a_manager_asks_for_a_report(world: World) -> None:
    await company(world, "request_for: [direct_reports]", "grantees: {any: [everyone]}")
    world.org.add_member("Engineering", "max@example.com")
    await world.look_at_person("ann")
    request = known(await world.ask("max", grantee_id=world.ids["ann"]))
    await world.work()
    known(await world.answer(request, "bob"))
    await world.work()
    assert world.members == ["ann"]
    assert sorted(world.told("granted")) == ["ann", "max"]


async def test_nobody_asks_for_whom_a_flow_shuts_out(world: World) -> None:
    await company(
        world,
        "request_for: [self, others]",
        requesters="{any: [{group: Engineering}], none: [{group: Security}]}",
    )
    await world.look_at_person("sam")
    refused = await world.ask("ann", grantee_id=world.ids["sam"])
    assert "no group" in why(refused)


async def test_asking_for_others_is_refused_where_the_flow_does_not_let(
    world: World,
) -> None:
    await world.look_at_person("bob")
    refused = await world.ask("ann", grantee_id=world.ids["bob"])
    assert "no group" in why(refused)


# Limits


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ("limits: {open: 1}", "1 requests of yours wait for an answer"),
        ("limits: {asks_per_hour: 1}", "You asked 1 times within an hour"),
    ],
)
async def test_one_person_asks_for_so_much_and_no_more(
    world: World, limits: str, reason: str
) -> None:
    world.open_office(limits=limits)
    known(await world.ask("ann"))
    refused = await world.ask("ann", "prod-logs")
    assert reason in why(refused)


async def test_what_was_denied_is_not_asked_for_again_at_once(world: World) -> None:
    request = await world.asked()
    known(await world.answer(request, approves=False))
    assert "You can ask again in 1" in why(await world.ask())
    world.wait(15 * MINUTE)
    known(await world.ask())


async def test_asking_is_bound_to_the_hours_of_the_flow(world: World) -> None:
    days = (
        "timeframe: {days: [mon], from: '08:00', to: '10:00', time_zone: Europe/Paris}"
    )
    open_flow(world, days)
    assert "Not at this time" in why(await world.ask())  # 09:00 UTC is 10:00 in Paris
    world.wall -= MINUTE.total_seconds()
    world.clock = type(world.clock)(wall=world._tick, monotonic=lambda: 0.0)
    known(await world.ask())


# Extensions


async def test_an_extension_moves_the_end_when_it_is_approved(world: World) -> None:
    grant = await world.held()
    ends = grant.expires_at
    request = known(await world.ask_to_extend())
    await world.work()
    assert world.grant().expires_at == ends
    known(await world.answer(request, "bea"))
    assert world.grant().expires_at == ends + HOUR
    assert world.told("extended") == ["ann"]
    world.wait(HOUR)
    await world.work()
    assert world.members == ["ann"]
    world.wait(HOUR)
    await world.settle()
    assert world.members == []


async def test_an_extension_may_be_automatic(world: World) -> None:
    open_flow(world, "extensions: {max: 1, each: 30m, approval: automatic}")
    ends = (await world.held()).expires_at
    known(await world.ask_to_extend())
    await world.work()
    assert world.grant().expires_at == ends + 30 * MINUTE
    assert "cannot be extended further" in why(await world.ask_to_extend())


async def test_the_whole_hold_stays_within_the_longest(world: World) -> None:
    open_flow(world, "extensions: {max: 9, each: 5h}")
    known(await world.answer(await world.asked(duration=7 * HOUR)))
    await world.work()
    ends = world.grant().expires_at
    request = known(await world.ask_to_extend())
    assert HOUR - MINUTE < timedelta(seconds=request.duration_seconds) <= HOUR
    await world.work()
    known(await world.answer(request, "bea"))
    assert world.grant().expires_at <= ends + HOUR
    assert "8 h in all" in why(await world.ask_to_extend())


async def test_an_extension_lapses_when_its_grant_ends(world: World) -> None:
    await world.held()
    request = known(await world.ask_to_extend())
    await world.work()
    assert request.lapse_at == world.grant().expires_at
    world.wait(HOUR)
    await world.settle()
    assert world.request(request.id).status is RequestStatus.LAPSED
    assert world.members == []


async def test_what_has_ended_is_not_extended(world: World) -> None:
    grant = await world.held()
    request = known(await world.ask_to_extend())
    await world.work()
    known(await world.give_back(grant))
    decided: Any = await world.answer(request, "bea")
    assert "has ended" in why(decided)
    assert world.request(request.id).status is RequestStatus.DENIED
    await world.settle()
    assert world.members == []


async def test_one_extension_waits_at_a_time(world: World) -> None:
    await world.held()
    known(await world.ask_to_extend())
    assert "waits for an answer already" in why(await world.ask_to_extend())


async def test_only_who_holds_or_asked_extends(world: World) -> None:
    await world.held()
    assert "Only who holds" in why(await world.ask_to_extend("bob"))


async def test_extensions_can_be_off(world: World) -> None:
    open_flow(world, "extensions: {max: 0}")
    await world.held()
    assert "cannot be extended" in why(await world.ask_to_extend())
