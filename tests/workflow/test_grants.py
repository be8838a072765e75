"""A grant, from approved to proven ended, whatever Okta does meanwhile."""

import asyncio
from functools import partial

import anyio
import pytest
from sqlmodel import Session

from bot.core.words import Cause, GrantStatus, Refused, StaleState
from bot.sandbox.faults import Kind
from bot.store import claims, moves, queries
from bot.store.tables import AccessGrant, Event
from bot.workflow import grants
from bot.workflow.grants import giving, taking
from bot.workflow.reading import Office
from tests.hand import let_leases_run_out
from tests.store.rows import request_row
from tests.workflow.world import HOUR, MINUTE, START, World, known, why

pytestmark = pytest.mark.anyio

ADD = "PUT /api/v1/groups/.*/users/"
REMOVE = "DELETE /api/v1/groups/.*/users/"


def kinds(world: World) -> list[str]:
    """Return what the audit tells of grants, in order."""
    return [kind for kind in world.events() if kind.startswith("grant ")]


async def test_an_approval_is_given_read_back_and_told(world: World) -> None:
    grant = await world.held()
    assert world.members == ["ann"]
    assert grant.status is GrantStatus.ACTIVE
    assert grant.was_member is False
    assert grant.unsure_until is None
    assert grant.added_at is not None
    assert HOUR - MINUTE < grant.expires_at - grant.added_at <= HOUR
    assert world.told("granted") == ["ann"]
    assert kinds(world) == [
        "grant granting",
        "grant intended",
        "grant added",
        "grant active",
    ]


async def test_the_end_counts_from_the_add_and_not_from_the_approval(
    world: World,
) -> None:
    approved = await world.approved()
    world.wait(3 * HOUR)
    await world.work()
    assert world.grant().expires_at - approved.expires_at >= 3 * HOUR


# What is decided again before the first add


async def refused(world: World, says: str) -> None:
    """Nothing was sent, and those concerned were told why."""
    grant = world.grant()
    assert grant.status is GrantStatus.FAILED
    assert says in (grant.problem or "")
    assert world.changes("PUT") == world.changes("DELETE") == 0
    assert world.told("failed") == ["ann"]
    assert says in world.alerts("lead")


async def test_one_made_a_member_after_the_approval_stays_one(world: World) -> None:
    await world.approved()
    world.org.add_member("prod-db", "ann@example.com")
    await world.work()
    await refused(world, "member")
    world.wait(24 * HOUR)
    await world.work()
    assert world.members == ["ann"]


async def test_an_approver_who_is_no_owner_any_more_gives_nothing(world: World) -> None:
    await world.approved()
    world.org.remove_member("DBAs", "bob@example.com")
    await world.work()
    await refused(world, "may not decide")


async def test_an_approver_who_left_gives_nothing(world: World) -> None:
    await world.approved()
    world.org.set_user("bob@example.com", status="SUSPENDED")
    await world.work()
    await refused(world, "may not decide")


async def test_another_owner_since_the_approval_and_nothing_is_given(
    world: World,
) -> None:
    await world.approved()
    world.org.add_group("Owners", members=["lead@example.com"])
    world.org.set_group("prod-db", resourceOwner="Owners")
    await world.work()
    await refused(world, "may not decide")


async def test_an_owner_by_profile_must_still_have_it(world: World) -> None:
    world.open_office(resource_owner="[{key: desk, attribute: profile.desk}]")
    world.org.set_group("prod-db", desk="D7")
    world.org.set_user("bob@example.com", desk="D7")
    await world.approved()
    world.org.set_user("bob@example.com", desk="D8")
    await world.work()
    await refused(world, "may not decide")


async def test_a_grantee_who_left_is_given_nothing(world: World) -> None:
    await world.approved()
    world.org.set_user("ann@example.com", status="SUSPENDED")
    await world.work()
    await refused(world, "not active")


async def test_a_group_that_gained_an_admin_role_is_not_given(world: World) -> None:
    await world.approved()
    world.org.set_group_admin("prod-db")
    await world.work()
    await refused(world, "admin role")


async def test_an_approval_okta_could_not_serve_in_time_is_told_as_failed(
    world: World,
) -> None:
    await world.approved()
    world.org.down()
    assert await world.work() != []
    world.wait(24 * HOUR)
    await world.work()
    await refused(world, "in time")


# What Okta does to the add


@pytest.mark.parametrize(
    "kind",
    ["429", "500", "cut_before", "cut_after", "timeout_before", "timeout_after"],
)
async def test_an_add_that_is_not_answered_well_is_sent_again(
    world: World, kind: Kind
) -> None:
    await world.approved()
    world.org.fail(ADD, kind, times=None if kind == "429" else 1)
    assert len(await world.work()) == 1
    assert world.grant().status is GrantStatus.GRANTING
    assert world.told("granted") == []
    world.org.mend()
    await world.settle()
    assert world.grant().status is GrantStatus.ACTIVE
    assert world.members == ["ann"]
    assert world.told("granted") == ["ann"]


@pytest.mark.parametrize("kind", ["403", "404"])
async def test_an_add_refused_for_good_fails_and_removes_nothing(
    world: World, kind: Kind
) -> None:
    await world.approved()
    world.org.fail(ADD, kind)
    assert await world.work() == []
    grant = world.grant()
    assert grant.status is GrantStatus.FAILED
    assert kind in (grant.problem or "")
    assert (world.told("failed"), world.changes("DELETE")) == (["ann"], 0)


async def test_an_add_that_may_have_landed_is_undone_when_the_next_is_refused(
    world: World,
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_before")
    await world.work()
    world.org.fail(ADD, "403")
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKING
    world.org.add_member("prod-db", "ann@example.com")  # as the lost PUT would
    await world.settle()
    grant = world.grant()
    assert (grant.status, grant.cause) == (GrantStatus.REVOKED, Cause.FAILED)
    assert world.members == []
    assert world.told("failed") == ["ann"]


async def test_an_add_of_which_nothing_was_sent_leaves_no_doubt(world: World) -> None:
    await world.approved()
    [grant] = await world.claim(AccessGrant)

    def lost() -> None:
        raise StaleState("the lease has run out")

    with pytest.raises(StaleState):
        await grants.carry_out(world.office, grant, lost)
    assert world.grant().unsure_until is None
    assert world.changes("PUT") == 0
    world.org.add_member("prod-db", "ann@example.com")
    let_leases_run_out(world.database)
    await world.work()
    assert world.grant().status is GrantStatus.FAILED
    world.wait(2 * HOUR)
    await world.settle()
    assert world.members == ["ann"]


async def test_an_add_that_waits_its_turn_as_the_bot_stops_leaves_no_doubt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.approved()
    [grant] = await world.claim(AccessGrant)
    waits = anyio.Event()

    async def wait_its_turn(*_: object, **__: object) -> str:
        waits.set()
        await anyio.sleep_forever()
        return ""

    monkeypatch.setattr(world.office.directory, "add_member", wait_its_turn)
    giving = asyncio.create_task(grants.carry_out(world.office, grant, lambda: None))
    await waits.wait()
    giving.cancel()
    await asyncio.gather(giving, return_exceptions=True)
    assert world.grant().unsure_until is None
    assert kinds(world)[-1] == "grant not added"
    await world.run(claims.let_go, grant)


async def test_an_add_that_nobody_answers_and_lands_keeps_its_end(
    world: World,
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_after")
    await world.work()
    world.org.mend()
    ends = world.grant().expires_at
    world.wait(HOUR / 2)
    await world.settle()
    grant = world.grant()
    assert (grant.status, grant.expires_at) == (GrantStatus.ACTIVE, ends)
    assert world.changes("PUT") == 1


async def test_an_add_that_nobody_answers_and_lands_is_undone_at_its_end(
    world: World,
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_after")
    await world.work()
    world.org.mend()
    world.wait(HOUR)
    await world.settle()
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    assert world.members == []


async def test_what_a_bot_may_not_give_is_undone_at_its_end_and_overdue_till_then(
    world: World,
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_after")
    await world.work()
    world.org.mend()
    assert await grants.end_unconfirmed(world.office) == 0
    assert world.look(partial(queries.count_overdue, now=world.clock())) == 0
    world.wait(HOUR)
    assert world.look(partial(queries.count_overdue, now=world.clock())) == 1
    assert world.look(partial(queries.oldest_overdue, now=world.clock()))
    assert await grants.end_unconfirmed(world.office) == 1
    await world.settle()
    assert world.members == []


async def test_an_add_that_lands_while_it_is_decided_on_anew_is_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_before")
    await world.work()
    world.org.mend()
    shows = taking.is_member

    async def show_and_land(office: Office, pair: taking.Pair) -> bool:
        shown = await shows(office, pair)
        world.org.add_member("prod-db", "ann@example.com")  # as the lost PUT would
        return shown

    monkeypatch.setattr(giving, "is_member", show_and_land)
    await world.settle()
    assert world.grant().status is GrantStatus.ACTIVE


async def test_an_add_of_which_nothing_shows_is_decided_on_anew(world: World) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_before")
    await world.work()
    world.org.mend()
    world.org.set_user("ann@example.com", status="SUSPENDED")
    world.wait(6 * HOUR)
    await world.settle()
    await world.settle()
    assert world.grant().cause is Cause.FAILED
    assert world.changes("PUT") == 1


async def test_an_add_that_lands_after_all_doubt_is_over_is_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.approved()
    [held] = await world.claim(AccessGrant)
    add = world.office.directory.add_member

    async def sleep_and_add(*pair: str, **_: object) -> str:
        """Send when another worker has ended it, and nothing is in doubt any more."""
        let_leases_run_out(world.database)
        known(await world.give_back(world.grant()))
        await world.settle()
        world.wait(2 * HOUR)
        await world.settle()
        return await add(*pair, before_send=lambda: None)

    monkeypatch.setattr(world.office.directory, "add_member", sleep_and_add)
    with pytest.raises(StaleState):
        await grants.carry_out(world.office, held, lambda: None)
    assert world.members == ["ann"]
    await world.settle()
    assert world.members == []


async def late_add(world: World) -> None:
    """An add times out, is given back, and lands when all seems over."""
    await world.approved()
    world.org.fail(ADD, "late", delay=1.6)
    assert len(await world.work()) == 1
    known(await world.give_back(world.grant()))
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    with anyio.fail_after(5):
        while world.members != ["ann"]:
            await anyio.sleep(0.01)


async def test_an_add_that_lands_late_is_found_and_undone(world: World) -> None:
    await late_add(world)
    world.wait(MINUTE)
    await world.settle()
    assert world.members == []
    assert "grant late add removed" in kinds(world)
    world.wait(2 * HOUR)
    await world.settle()
    assert kinds(world)[-1] == "grant settled"
    assert world.grant().due_at is None
    world.org.add_member("prod-db", "ann@example.com")
    world.wait(24 * HOUR)
    await world.settle()
    assert world.members == ["ann"]


async def test_a_late_add_is_waited_out_before_the_next_grant_of_the_pair(
    world: World,
) -> None:
    await late_add(world)
    request = known(await world.ask())
    await world.settle()
    known(await world.answer(world.request(request.id)))
    await world.settle()
    world.wait(2 * MINUTE)
    await world.settle()
    assert world.members == ["ann"]


async def test_what_a_later_grant_gives_during_the_watch_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_before")
    await world.settle()
    known(await world.give_back(world.grant()))
    await world.settle()
    world.wait(MINUTE)
    [watched] = await world.claim(AccessGrant)
    shows = taking.is_member

    async def meanwhile(office: Office, pair: taking.Pair) -> bool:
        known(await world.answer(await world.asked()))
        await world.settle()
        return await shows(office, pair)

    monkeypatch.setattr(taking, "is_member", meanwhile)
    await world.carry_out(watched)
    assert world.members == ["ann"]


async def test_an_earlier_add_without_an_answer_is_watched_for_after_the_end(
    world: World,
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_before")
    await world.settle()
    assert world.grant().status is GrantStatus.ACTIVE
    known(await world.give_back(world.grant()))
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    world.org.add_member("prod-db", "ann@example.com")  # as the lost PUT would
    world.wait(2 * MINUTE)
    await world.settle()
    assert world.members == []


async def test_granted_is_told_only_when_the_membership_shows(world: World) -> None:
    await world.approved()
    world.org.set_read_lag(0.3)
    assert len(await world.work()) == 1
    assert world.grant().status is GrantStatus.GRANTING
    assert (world.members, world.told("granted")) == (["ann"], [])
    await world.settle()
    assert world.grant().status is GrantStatus.ACTIVE
    assert world.changes("PUT") == 1


async def test_an_add_that_never_shows_does_not_outlive_its_end(world: World) -> None:
    await world.approved()
    world.org.set_read_lag(1000)
    assert len(await world.work()) == 1
    assert world.members == ["ann"]
    world.wait(HOUR)
    await world.settle()
    await world.settle()
    assert world.grant().cause is Cause.FAILED
    assert world.members == []


# Ending


async def test_it_ends_on_time_and_those_concerned_are_told(world: World) -> None:
    await world.held()
    world.wait(HOUR)
    await world.settle()
    grant = world.grant()
    assert (grant.status, grant.cause) == (GrantStatus.REVOKED, Cause.EXPIRED)
    assert world.members == []
    assert world.told("ended") == ["ann"]
    assert kinds(world)[-2:] == ["grant revoking", "grant revoked"]
    assert kinds(world).count("grant revoking") == 1


async def test_a_stale_list_does_not_end_what_was_extended(world: World) -> None:
    await world.held()
    world.wait(HOUR)
    [grant] = await world.claim(AccessGrant)

    def extend(session: Session) -> None:
        row = session.get_one(AccessGrant, grant.id)
        later = row.expires_at + HOUR
        moves.advance(
            session, row, "extended", by="test", now=world.clock(), expires_at=later
        )

    await world.run(extend)
    with pytest.raises(StaleState):
        await grants.carry_out(world.office, grant, lambda: None)
    assert world.grant().status is GrantStatus.ACTIVE
    assert world.members == ["ann"]
    let_leases_run_out(world.database)
    await world.settle()


async def test_given_back_before_the_add_nothing_is_ever_sent(world: World) -> None:
    known(await world.give_back(await world.approved()))
    await world.settle()
    grant = world.grant()
    assert (grant.status, grant.cause) == (GrantStatus.REVOKED, Cause.GIVEN_BACK)
    assert world.changes("PUT") == world.changes("DELETE") == 0


async def test_given_back_while_the_add_is_under_way_it_is_undone(world: World) -> None:
    await world.approved()
    world.org.fail(ADD, "slow", delay=0.2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.work)
        with anyio.fail_after(5):
            while world.members != ["ann"]:
                await anyio.sleep(0.01)
        known(await world.give_back(world.grant()))
    await world.settle()
    grant = world.grant()
    assert (grant.status, grant.cause) == (GrantStatus.REVOKED, Cause.GIVEN_BACK)
    assert world.members == []
    assert world.told("granted") == []


async def test_given_back_after_the_add_and_before_it_shows_it_is_undone(
    world: World,
) -> None:
    await world.approved()
    world.org.set_read_lag(1000)
    await world.work()
    assert world.members == ["ann"]
    known(await world.give_back(world.grant()))
    await world.settle()
    assert world.members == []


async def test_only_who_holds_it_gives_it_back_and_only_once(world: World) -> None:
    grant = await world.held()
    other = world.ids["bob"]
    decision = await world.run(grants.give_back, grant.id, other, world.clock())
    assert "Only who holds" in why(decision)
    known(await world.give_back(grant))
    assert "ended already" in why(await world.give_back(grant))
    await world.settle()


async def test_a_removal_is_tried_until_okta_agrees_and_told_when_late(
    world: World,
) -> None:
    await world.held()
    world.org.fail(REMOVE, "500", times=None)
    world.wait(HOUR)
    assert len(await world.work()) == 1
    assert world.alerts("lead") == ""
    for minutes in (5, 1, 60):
        world.wait(minutes * MINUTE)
        await world.work()
    assert world.alerts("lead").count("could not be removed") == 2
    assert world.told("ended") == []
    world.org.mend()
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    assert (world.members, world.told("ended")) == ([], ["ann"])


async def test_okta_refusing_the_app_itself_is_told_when_late(world: World) -> None:
    await world.held()
    world.org.set_scopes(world.app["client_id"], [])
    world.org.revoke_tokens()
    world.wait(HOUR)
    await world.work()
    world.wait(6 * MINUTE)
    assert len(await world.work()) == 1
    assert "could not be removed" in world.alerts("lead")
    world.org.set_scopes(
        world.app["client_id"], ["okta.groups.manage", "okta.users.read"]
    )
    await world.settle()
    assert world.members == []


async def test_a_removal_that_does_not_show_yet_is_not_believed(world: World) -> None:
    await world.held()
    world.org.set_read_lag(0.3)
    world.wait(HOUR)
    assert len(await world.work()) == 1
    assert world.grant().status is GrantStatus.REVOKING
    assert world.told("ended") == []
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED


async def test_a_group_that_is_not_shown_any_more_proves_no_end(world: World) -> None:
    await world.held()
    world.org.delete_group("prod-db")
    world.wait(HOUR)
    assert len(await world.work()) == 1
    assert world.grant().status is GrantStatus.REVOKING
    assert world.told("gone") == ["lead"]


async def test_an_owner_says_that_it_is_gone_and_nobody_else(world: World) -> None:
    await world.held()
    world.org.delete_group("prod-db")
    world.wait(HOUR)
    await world.work()
    for name in ("ann", "bea"):
        refused = await world.settle_gone(name)
        assert isinstance(refused, Refused)
    await world.settle_gone("lead")
    assert (world.grant().status, world.grant().cause) == ("revoked", Cause.GONE)
    assert isinstance(await world.settle_gone("lead"), Refused)


async def test_not_found_is_no_proof_while_the_person_cannot_be_read(
    world: World,
) -> None:
    await world.held()
    world.org.delete_user("ann@example.com")
    world.wait(HOUR)
    assert len(await world.work()) == 1
    assert world.grant().status is GrantStatus.REVOKING
    assert world.told("gone") == ["lead"]


async def test_a_removal_answered_not_found_is_believed_only_when_read_back(
    world: World,
) -> None:
    await world.held()
    world.org.fail(REMOVE, "404")
    world.wait(HOUR)
    assert len(await world.work()) == 1
    assert world.grant().status is GrantStatus.REVOKING
    await world.settle()
    assert world.members == []


async def test_asked_again_right_after_the_end_the_lag_is_waited_out(
    world: World,
) -> None:
    await world.held()
    world.wait(HOUR)
    await world.settle()
    request = known(await world.ask())
    world.org.add_member("prod-db", "ann@example.com")
    world.org.set_read_lag(1.5)
    world.org.remove_member("prod-db", "ann@example.com")
    world.org.set_read_lag(0)
    assert len(await world.work()) == 1
    await world.settle()
    known(await world.answer(world.request(request.id)))
    await world.settle()
    statuses = sorted(grant.status for grant in world.rows(AccessGrant))
    assert statuses == [GrantStatus.ACTIVE, GrantStatus.REVOKED]


# Warning


@pytest.mark.parametrize(
    ("minutes", "warn_before", "warned_at"),
    [
        (60, [86400, 900], [45]),
        (8 * 60, [86400, 900], [465]),
        (3 * 24 * 60, [86400, 900], [2880, 4305]),
        (30, [900], [22.5]),  # a wait is shorter than half of it, never half
        (20, [86400, 900], [15]),
        (4, [3600], [3]),
    ],
)
def test_one_is_warned_as_the_terms_say_or_once_at_a_quarter(
    minutes: int, warn_before: list[float], warned_at: list[float]
) -> None:
    request = request_row(terms={"warn_before": warn_before})
    grant = AccessGrant.model_construct(
        duration_seconds=minutes * 60, expires_at=START + minutes * MINUTE
    )
    assert grants.warnings(grant, request) == [
        START + minute * MINUTE for minute in warned_at
    ]
    assert grants.next_due(grant, request, START) == START + warned_at[0] * MINUTE
    assert grants.next_due(grant, request, grant.expires_at) == grant.expires_at


async def test_each_warning_is_told_once_and_none_after_the_end(world: World) -> None:
    world.open_office(warn_before="[25m, 10m]")
    await world.held()
    world.wait(34 * MINUTE)
    await world.work()
    assert world.told("warning") == []
    world.wait(2 * MINUTE)
    await world.work(2)
    assert world.told("warning") == ["ann"]
    world.wait(15 * MINUTE)
    await world.work(2)
    assert world.told("warning") == ["ann", "ann"]
    assert world.grant().status is GrantStatus.ACTIVE
    world.wait(HOUR)
    await world.settle()
    assert world.told("warning") == ["ann", "ann"]


async def test_a_bot_that_slept_past_the_end_warns_of_nothing(world: World) -> None:
    await world.held()
    world.wait(2 * HOUR)
    await world.settle()
    assert (world.told("warning"), world.told("ended")) == ([], ["ann"])


# A hand in the database


async def test_an_end_moved_by_hand_ends_it_and_the_admins_are_told(
    world: World,
) -> None:
    await world.held()
    world.edit("update access_grant set expires_at = '2036-01-01 00:00:00'")
    assert await world.look_after() == 1
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    assert world.members == []
    assert "changed outside" in world.alerts("ops")


async def test_an_end_moved_before_the_add_and_nothing_is_given(world: World) -> None:
    await world.approved()
    world.edit("update access_grant set duration_seconds = 864000")
    await world.work()
    await refused(world, "not as it was written")
    assert "changed outside" in world.alerts("ops")


INSERT = """
insert into access_grant (id, request_id, integration, grantee_id, group_id,
  duration_seconds, status, version, expires_at, approved_event, seal, deliver_by,
  due_at, fence, tries)
values ('forged', :request, 'corp', :person, :group, 3600, 'granting', 1,
  '2036-01-01 00:00:00', :event, :seal, '2036-01-01 00:00:00',
  '2026-01-05 09:00:00', 0, 0)
"""


@pytest.mark.parametrize("request_id", ["own", "none"])
async def test_a_grant_put_in_by_hand_gives_nothing(
    world: World, request_id: str
) -> None:
    held = await world.held()
    [approval] = [
        event for event in world.rows(Event) if event.kind == "request approved"
    ]
    world.edit(
        INSERT,
        request=held.request_id if request_id == "own" else "no-such-request",
        person=world.ids["bob"],
        group=world.ids["prod-logs"],
        event=approval.seq,
        seal=held.seal,
    )
    assert await world.look_after() == 1
    await world.settle()
    forged = next(grant for grant in world.rows(AccessGrant) if grant.id == "forged")
    assert forged.status is GrantStatus.FAILED
    assert world.org.members("prod-logs") == []
    assert world.members == ["ann"]
    assert "forged" in world.alerts("ops")


async def test_a_grant_that_ended_is_not_set_back_by_hand(world: World) -> None:
    await world.held()
    world.wait(HOUR)
    await world.settle()
    world.edit(
        "update access_grant set status = 'granting', added_at = null,"
        " due_at = '2026-01-05 09:00:00', ended_at = null"
    )
    await world.settle()
    await world.settle()
    assert world.members == []
    assert world.changes("PUT") == 1
    assert "changed outside" in world.alerts("ops")


async def test_added_at_cleared_by_hand_the_membership_still_ends(world: World) -> None:
    await world.held()
    world.edit("update access_grant set added_at = null, was_member = true")
    assert await world.look_after() == 1
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    assert world.members == []


async def test_what_was_sent_is_told_by_the_chain_and_not_by_the_row(
    world: World,
) -> None:
    await world.approved()
    world.org.fail(ADD, "timeout_before")
    await world.work()
    world.edit("update access_grant set unsure_until = null")
    world.org.fail(ADD, "403")
    await world.settle()
    world.org.add_member("prod-db", "ann@example.com")  # as the lost PUT would
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    assert world.members == []


@pytest.mark.parametrize("column", ["unsure_until", "added_at"])
async def test_a_standing_membership_survives_a_hand_that_calls_it_ours(
    world: World, column: str
) -> None:
    await world.approved()
    world.org.add_member("prod-db", "ann@example.com")
    world.edit(
        f"update access_grant set {column} = '2026-01-05 23:00:00'"  # noqa: S608 a name of ours
    )
    await world.settle()
    assert world.grant().status is GrantStatus.FAILED
    world.edit(
        "update access_grant set unsure_until = '2026-01-05 23:00:00',"
        " due_at = '2026-01-05 09:00:00'"
    )
    await world.settle()
    world.wait(24 * HOUR)
    await world.settle()
    assert world.members == ["ann"]
    assert world.changes("DELETE") == 0


async def test_a_due_time_cleared_by_hand_is_found_again(world: World) -> None:
    await world.held()
    world.edit("update access_grant set due_at = null")
    world.wait(HOUR)
    assert await world.work() == []
    assert world.members == ["ann"]
    assert await world.look_after() == 0
    await world.settle()
    assert world.members == []


async def test_looking_after_what_is_as_it_was_written_changes_nothing(
    world: World,
) -> None:
    before = await world.held()
    told = world.events()
    assert await world.look_after() == 0
    assert world.grant() == before
    assert world.events() == told
