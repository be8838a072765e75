"""Hands in the database that have no key: nothing is given, all of it still ends."""

import pytest

from bot.core.words import GrantStatus, Refused
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow import grants
from tests.conftest import sqlite_alone
from tests.workflow.world import HOUR, World, known

pytestmark = [pytest.mark.anyio, sqlite_alone]


@pytest.mark.parametrize(
    "cut",
    [
        "kind = 'grant intended'",
        "kind in ('grant intended', 'grant added', 'grant active')",
        "kind like 'grant %' and kind <> 'grant granting'",
    ],
)
async def test_what_was_added_is_removed_though_its_events_are_cut_out(
    world: World, cut: str
) -> None:
    await world.held()
    world.edit(f"delete from event where {cut}")  # noqa: S608
    await world.look_after()
    world.wait(2 * HOUR)
    await world.settle()
    assert world.members == []
    assert world.grant().status is GrantStatus.REVOKED


async def test_an_event_that_cannot_be_read_does_not_stop_the_end(world: World) -> None:
    await world.held()
    world.edit("update event set data = '{' where kind = 'grant added'")
    world.wait(HOUR)
    await world.settle()
    assert world.members == []


async def test_an_ended_grant_put_back_to_its_birth_is_not_given_again(
    world: World,
) -> None:
    """With each event cut out that told more of it, and its old row put back."""
    before = await world.approved()
    await world.settle()
    await world.give_back(world.grant())
    await world.settle()
    assert world.members == []
    await world.ask(group="prod-logs")
    world.edit(
        "delete from event where grant_id is not null and kind <> 'grant granting'"
    )
    world.edit(
        "update access_grant set status = 'granting', version = 1, cause = null, "
        "was_member = null, added_at = null, ended_at = null, unsure_until = null, "
        "seal = :seal, expires_at = :end, due_at = :now",
        seal=before.seal,
        end=f"{before.expires_at:%Y-%m-%d %H:%M:%S.%f}",
        now="2020-01-01 00:00:00.000000",
    )
    world.wait(HOUR)
    await world.work(3)
    assert world.changes("PUT") == 1
    assert world.members == []


async def test_another_approver_written_over_who_approved_gives_nothing(
    world: World,
) -> None:
    """Lead owns no database; a hand says that it was Bob who approved."""
    request = await world.asked()
    world.edit(
        "update okta_person set group_ids = :groups, read_at = :late "
        "where login = 'lead@example.com'",
        groups=f'["{world.ids["DBAs"]}"]',
        late="2026-01-05 09:30:00.000000",
    )
    await world.answer(request, "lead")
    world.edit("update access_request set decided_by = :bob", bob=world.ids["bob"])
    await world.work(2)
    assert world.members == []
    assert world.changes("PUT") == 0


async def test_an_approver_written_into_the_routing_does_not_approve(
    world: World,
) -> None:
    request = await world.asked()
    world.edit(
        "update access_request set routing = json_set(routing, '$.users[0]', :who)",
        who=world.ids["ops"],
    )
    assert isinstance(await world.answer(request, "ops"), Refused)
    assert world.rows(AccessGrant) == []
    assert "was changed outside this program" in world.alerts("ops")
    assert world.rows(AccessRequest)[0].decided_by == "policy"


@pytest.mark.parametrize(
    "hand",
    [
        "update access_grant set status = 'revoked', due_at = null",
        "update access_grant set status = 'failed', due_at = null, added_at = null",
        "update access_grant set status = 'none of ours'",
        "update access_grant set cause = 'none of ours'",
        "update access_grant set ended_at = '', due_at = null",
        "update access_grant set expires_at = 'never', due_at = null",
        "delete from access_grant",
    ],
)
async def test_a_grant_that_a_hand_hid_is_found_by_the_chain_and_ended(
    world: World, hand: str
) -> None:
    await world.held()
    world.edit(hand)
    assert await world.look_after() + await grants.look_for_lost(world.office) == 1
    await world.settle()
    assert world.members == []
    assert world.grant().status is GrantStatus.REVOKED
    assert "was changed outside this program" in world.alerts("ops")


async def test_one_that_resists_keeps_no_other_from_being_looked_after(
    world: World,
) -> None:
    first = await world.held()
    world.edit("update access_grant set approved_event = 'none of ours'")
    world.edit("update access_grant set seal = x'00'")
    known(await world.answer(await world.asked(group="prod-logs"), "lead"))
    await world.settle()
    world.edit(
        "update access_grant set duration_seconds = 99 where id <> :first",
        first=first.id,
    )
    assert await world.look_after() == 2
    await world.settle()
    assert world.members == world.org.members("prod-logs") == []


async def test_nothing_is_lost_while_nobody_wrote_over_it(world: World) -> None:
    await world.held()
    assert await grants.look_for_lost(world.office) == 0
    world.wait(HOUR)
    await world.settle()
    assert await grants.look_for_lost(world.office) == 0


@pytest.mark.parametrize(
    "hand",
    [
        "due_at = '2030-01-01 00:00:00.000000'",
        "lease_owner = 'nobody', lease_until = '2030-01-01 00:00:00.000000'",
        "due_at = '2030-01-01 00:00:00.000000', expires_at = due_at",
    ],
)
async def test_a_removal_that_a_hand_put_off_is_done(world: World, hand: str) -> None:
    grant = await world.held()
    await world.give_back(grant)
    world.edit(f"update access_grant set {hand}")  # noqa: S608
    assert await world.work() == []
    assert world.members == ["ann"]
    await world.look_after()
    await world.settle()
    assert world.members == []
