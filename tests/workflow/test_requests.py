"""A request, from asked to decided."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.core.words import GrantStatus, RequestStatus, StaleState
from bot.store.tables import AccessGrant, AccessRequest, Answer, Upkeep
from bot.workflow import requests
from bot.workflow.reading import NAMED_ONCE, ROSTER, NotYet
from tests.conftest import sqlite_alone
from tests.workflow.world import HOUR, MINUTE, World, known, why

pytestmark = pytest.mark.anyio


async def test_whom_the_group_names_is_asked(world: World) -> None:
    request = await world.asked()
    assert sorted(world.told("card")) == ["bea", "bob"]
    assert world.told("sent") == ["ann"]
    assert request.routing["rung"] == "resource"
    assert request.routing["passed"] == []


async def test_without_a_resource_owner_the_integrations_is_asked(world: World) -> None:
    world.org.set_group("prod-db", resourceOwner=None)
    request = await world.asked()
    assert world.told("card") == ["lead"]
    assert request.routing["passed"] == ["the resource owner names nobody"]


async def test_the_admins_are_asked_where_nobody_else_can_be(world: World) -> None:
    world.org.set_group("prod-db", resourceOwner="No such group")
    world.org.set_user("lead@example.com", status="SUSPENDED")
    request = await world.asked()
    assert world.told("card") == ["ops"]
    assert "No such group" in request.routing["passed"][0]
    assert "integration" in request.routing["passed"][1]


async def test_an_owner_without_a_slack_account_is_skipped(world: World) -> None:
    world.org.remove_member("DBAs", "bob@example.com")
    world.org.remove_member("DBAs", "bea@example.com")
    world.org.add_user("cut@example.com")
    world.org.add_member("DBAs", "cut@example.com")
    await world.asked()
    assert world.told("card") == ["lead"]


async def test_nobody_on_any_rung_is_a_refusal_and_the_admins_are_told(
    world: World,
) -> None:
    world.org.set_group("prod-db", resourceOwner=None)
    world.org.set_user("lead@example.com", status="SUSPENDED")
    world.org.set_user("ops@example.com", status="SUSPENDED")
    request = await world.asked()
    assert request.status is RequestStatus.DENIED
    assert "Nobody can approve" in (request.reason or "")
    assert world.told("denied") == ["ann"]
    assert "Nobody can approve" in world.alerts("ops")


async def test_owners_deleted_in_okta_are_passed_and_do_not_hold_up_the_rest(
    world: World,
) -> None:
    world.org.set_group("prod-db", resourceOwner=None)
    world.org.delete_user("lead@example.com")
    await world.asked()
    assert world.told("card") == ["ops"]


async def test_an_owner_group_deleted_in_okta_is_nobody(world: World) -> None:
    world.org.set_group("prod-db", resourceOwner=world.ids["DBAs"])
    world.org.delete_group("DBAs")
    await world.asked()
    assert world.told("card") == ["lead"]


async def test_an_owner_group_named_by_its_id_is_led_to_it(world: World) -> None:
    world.org.set_group("prod-db", resourceOwner=world.ids["DBAs"])
    await world.asked()
    assert sorted(world.told("card")) == ["bea", "bob"]


async def test_a_group_named_like_anothers_id_does_not_take_its_place(
    world: World,
) -> None:
    world.org.set_group("prod-db", resourceOwner=world.ids["DBAs"])
    world.org.add_group(world.ids["DBAs"], members=["ann@example.com"])
    request = await world.asked()
    assert world.ids["DBAs"] in request.routing["passed"][0]
    assert world.told("card") == ["lead"]


async def test_a_name_that_two_groups_have_names_nobody(world: World) -> None:
    world.org.add_group("DBAs", members=["ann@example.com"])
    await world.asked()
    assert world.told("card") == ["lead"]


async def test_owners_by_login_by_email_and_by_profile(world: World) -> None:
    world.org.set_user("bea@example.com", email="beatrice@example.com", desk="D7")
    for key, value in [
        ("user", "bea@example.com"),
        ("user", "beatrice@example.com"),
        ("user", world.ids["bea"]),
        ("profile.desk", "D7"),
    ]:
        world.open_office(resource_owner=f"[{{key: contact, attribute: {key}}}]")
        world.org.set_group("prod-db", contact=value)
        request = await world.asked()
        assert request.routing["users"] == [world.ids["bea"]], key
        await world.run(requests.cancel, request.id, world.ids["ann"], world.clock())


async def test_an_attribute_may_name_only_whom_the_file_lets_it(world: World) -> None:
    bounded = '[{key: resourceOwner, attribute: group, only: [{group: "owners-*"}]}]'
    world.open_office(resource_owner=bounded)
    await world.asked()
    assert world.told("card") == ["lead"]


async def test_a_standing_member_is_refused_when_asking(world: World) -> None:
    world.org.add_member("prod-db", "ann@example.com")
    assert "already, without this bot" in why(await world.ask())
    assert world.rows(AccessRequest) == []


async def test_one_made_a_member_before_the_card_is_refused_then(world: World) -> None:
    request = known(await world.ask())
    world.org.add_member("prod-db", "ann@example.com")
    await world.work()
    assert world.request(request.id).status is RequestStatus.DENIED
    assert world.told("card") == []
    assert world.members == ["ann"]


async def test_a_group_that_a_rule_fills_by_now_gets_no_card(world: World) -> None:
    request = known(await world.ask())
    world.org.add_rule("fill", ["prod-db"])
    await world.work()
    assert world.request(request.id).status is RequestStatus.DENIED
    assert world.told("card") == []


async def test_the_same_delivery_asks_once(world: World) -> None:
    first = known(await world.ask(delivery="V1"))
    again = known(await world.ask(delivery="V1"))
    assert again.id == first.id
    assert len(world.rows(AccessRequest)) == 1


async def test_the_same_wish_twice_is_one_request(world: World) -> None:
    both = await asyncio.gather(world.ask(delivery="V1"), world.ask(delivery="V2"))
    assert sum(isinstance(one, AccessRequest) for one in both) == 1
    assert len(world.rows(AccessRequest)) == 1


async def test_okta_out_of_reach_leaves_the_request_to_be_routed_later(
    world: World,
) -> None:
    request = known(await world.ask())
    world.org.down()
    assert len(await world.work()) == 1
    world.org.up()
    assert await world.work() == []
    assert world.request(request.id).step == 1
    assert sorted(world.told("card")) == ["bea", "bob"]


@pytest.mark.parametrize("unread", [ROSTER, NAMED_ONCE.format("corp")])
async def test_nobody_is_said_to_be_unable_to_answer_before_people_are_read(
    world: World, unread: str
) -> None:
    await world.run(_forget, unread)
    request = known(await world.ask())
    with pytest.raises(NotYet):
        await requests.carry_out(world.office, request)
    assert world.told("denied") == world.told("card") == []


def _forget(session: Session, name: str) -> None:
    session.delete(session.get_one(Upkeep, name))


async def test_an_approval_gives_birth_to_a_grant(world: World) -> None:
    grant = await world.approved()
    assert grant.status is GrantStatus.GRANTING
    assert grant.duration_seconds == 3600
    assert world.request(grant.request_id).decided_by == world.ids["bob"]
    assert world.members == []


async def test_less_than_asked_may_be_approved_and_never_more(world: World) -> None:
    request = await world.asked()
    refused = await world.answer(request, duration=timedelta(seconds=-1))
    assert "second" in why(refused)
    known(await world.answer(request, duration=20 * HOUR))
    assert world.grant().duration_seconds == 3600


async def test_approving_for_less_gives_less(world: World) -> None:
    grant = await world.approved(duration=20 * MINUTE)
    assert grant.duration_seconds == 1200


async def test_one_no_ends_it_and_the_reason_is_kept(world: World) -> None:
    request = await world.asked()
    known(await world.answer(request, "bea", approves=False, reason="Use the replica"))
    request = world.request(request.id)
    assert request.status is RequestStatus.DENIED
    assert (request.decided_by, request.reason) == (
        world.ids["bea"],
        "Use the replica",
    )
    assert world.told("denied") == ["ann"]
    assert "answered already" in why(await world.answer(request))
    assert world.rows(AccessGrant) == []


async def test_two_answers_at_once_have_one_winner(world: World) -> None:
    request = await world.asked()
    bob, bea = await asyncio.gather(
        world.answer(request, "bob"), world.answer(request, "bea", approves=False)
    )
    assert isinstance(bob, AccessRequest) != isinstance(bea, AccessRequest)
    assert len(world.rows(Answer)) == 1
    decided = world.request(request.id)
    assert len(world.rows(AccessGrant)) == (decided.status is RequestStatus.APPROVED)


@sqlite_alone
async def test_an_answer_is_unique_in_the_database_itself(world: World) -> None:
    request = await world.asked()
    world.edit(
        "insert into answer (request_id, person_id, step, approves, at)"
        " values (:request, :person, 0, true, '2026-01-05 09:00:00')",
        request=request.id,
        person=world.ids["bob"],
    )
    assert "answered this already" in why(await world.answer(request))
    world.edit("delete from answer")
    world.edit(
        "create trigger late before insert on answer begin "
        "select raise(abort, 'UNIQUE constraint failed'); end"
    )
    with pytest.raises(StaleState):
        await world.answer(request)
    assert world.rows(AccessGrant) == []


async def test_the_requester_cannot_answer_though_an_owner(world: World) -> None:
    world.org.add_member("DBAs", "ann@example.com")
    request = await world.asked()
    assert "your own" in why(await world.answer(request, "ann"))


@pytest.mark.parametrize("name", ["lead", "ops"])
async def test_who_is_on_another_rung_cannot_answer(world: World, name: str) -> None:
    request = await world.asked()
    assert "who own this group" in why(await world.answer(request, name))


async def test_an_owner_of_today_may_answer_though_no_card_was_sent(
    world: World,
) -> None:
    request = await world.asked()
    world.org.add_member("DBAs", "lead@example.com")
    world.wait(11 * MINUTE)
    await world.look_at("prod-db")
    await world.who("ann")
    known(await world.answer(request, "lead"))
    assert world.grant().status is GrantStatus.GRANTING


async def test_rows_too_old_to_be_believed_decide_nothing(world: World) -> None:
    request = await world.asked()
    world.wait(11 * MINUTE)
    assert "could not read" in why(await world.answer(request))
    assert world.request(request.id).status is RequestStatus.PENDING


async def test_when_the_owners_change_before_the_answer_the_new_ones_are_asked(
    world: World,
) -> None:
    request = await world.asked()
    world.org.add_group("Owners", members=["lead@example.com"])
    world.org.set_group("prod-db", resourceOwner="Owners")
    await world.look_at("prod-db")
    assert "owners of this group changed" in why(await world.answer(request))
    await world.work()
    assert world.told("card")[-1] == "lead"
    assert "who own this group" in why(await world.answer(request))
    known(await world.answer(request, "lead"))


async def test_todays_file_must_still_allow_what_is_approved(world: World) -> None:
    request = await world.asked()
    world.org.set_group_admin("prod-db")
    await world.look_at("prod-db")
    assert "admin role" in why(await world.answer(request))
    assert world.request(request.id).status is RequestStatus.DENIED
    assert world.told("denied") == ["ann"]


async def test_only_who_asked_cancels_and_only_in_time(world: World) -> None:
    request = await world.asked()
    cancel = requests.cancel
    refused = await world.run(cancel, request.id, world.ids["bob"], world.clock())
    assert "Only who asked" in why(refused)
    known(await world.run(cancel, request.id, world.ids["ann"], world.clock()))
    assert world.request(request.id).status is RequestStatus.CANCELLED
    assert "answered already" in why(await world.answer(request))
    again = await world.run(cancel, request.id, world.ids["ann"], world.clock())
    assert "answered already" in why(again)


async def test_nobody_answering_lapses_it_by_time(world: World) -> None:
    request = await world.asked()
    world.wait(24 * HOUR)
    await world.work()
    assert world.request(request.id).status is RequestStatus.LAPSED
    assert world.told("lapsed") == ["ann"]
    assert world.events()[-1] == "request lapsed"


async def test_a_request_past_its_time_is_not_approved_though_nobody_lapsed_it(
    world: World,
) -> None:
    request = await world.asked()
    world.wait(24 * HOUR)
    await world.look_at("prod-db")
    await world.who("ann")
    assert "lapsed" in why(await world.answer(request))
    assert world.rows(AccessGrant) == []


async def test_a_request_never_routed_lapses_all_the_same(world: World) -> None:
    known(await world.ask())
    world.org.down()
    world.wait(24 * HOUR)
    assert await world.work() == []
    [request] = world.rows(AccessRequest)
    assert request.status is RequestStatus.LAPSED


@pytest.mark.parametrize(
    ("column", "value"),
    [("group_id", "prod-logs"), ("grantee_id", "bea"), ("duration_seconds", 28800)],
)
async def test_a_request_changed_by_hand_while_it_waits_is_not_approved(
    world: World, column: str, value: str | int
) -> None:
    request = await world.asked()
    edit = f"update access_request set {column} = :value"  # noqa: S608 our own words
    world.edit(edit, value=world.ids.get(str(value), value))
    await world.look_at("prod-logs")
    assert "not as it was written" in why(await world.answer(request))
    assert world.request(request.id).status is RequestStatus.DENIED
    assert world.rows(AccessGrant) == []
    assert request.id in world.alerts("ops")


async def test_a_membership_the_bot_gave_makes_no_owner_of_another_group(
    world: World,
) -> None:
    known(await world.answer(await world.asked("bob"), "bea"))
    await world.work()
    assert world.members == ["bob"]
    world.org.set_group("prod-logs", resourceOwner="prod-db")
    request = await world.asked("ann", group="prod-logs")
    assert world.told("card")[-1] == "lead"
    assert request.routing["rung"] == "integration"
    assert "who own this group" in why(await world.answer(request))
