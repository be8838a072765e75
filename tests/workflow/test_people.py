"""A Slack account as an Okta person: linked once, then believed or refused."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import StatementError

from bot.core.words import GrantStatus, Person, RequestStatus
from bot.store import directory
from bot.store.tables import AccessRequest, PersonLink, SlackAccount
from bot.workflow import people, upkeep
from bot.workflow.reading import ROSTER
from tests.workflow.world import HOUR, MINUTE, START, TEAM, World, account, known, why

pytestmark = pytest.mark.anyio


def links(world: World) -> dict[str, str]:
    """Return which Okta id each Slack account is linked to."""
    return {link.slack_id: link.person_id for link in world.rows(PersonLink)}


async def meet(
    world: World, name: str, slack_id: str = "", **changes: str | None
) -> None:
    """Read a Slack account anew."""
    await world.run(people.remember_account, account(name, slack_id, **changes))


async def test_a_confirmed_email_that_is_a_login_links_once(world: World) -> None:
    ann = known(await world.who("ann"))
    assert ann.id == world.ids["ann"]
    assert known(await world.who("ann")) == ann
    assert links(world)["U-ann"] == ann.id
    assert world.events().count("person linked") == len(links(world))


async def test_an_account_nobody_has_met_is_refused(world: World) -> None:
    assert "do not know" in why(await world.who("eve"))


async def test_a_refused_account_is_nobody(world: World) -> None:
    known(await world.who("ann"))
    await meet(world, "ann", refusal="Guests cannot ask.")
    assert why(await world.who("ann")) == "Guests cannot ask."


async def test_an_email_that_fits_nobody_active_is_refused(world: World) -> None:
    await meet(world, "eve")
    assert "no active Okta user" in why(await world.who("eve"))
    world.org.add_user("eve@example.com", status="SUSPENDED")
    assert "no active Okta user" in why(await world.who("eve"))
    assert "U-eve" not in links(world)


async def test_a_second_account_with_the_same_email_is_refused_and_told(
    world: World,
) -> None:
    known(await world.who("ann"))
    await meet(world, "ann", "U-two")
    twice = await people.identify(world.office, TEAM, "U-two", world.clock())
    assert "Another Slack account" in why(twice)
    assert "U-two" in world.alerts("ops")
    assert links(world)["U-ann"] == world.ids["ann"]
    assert isinstance(await world.who("ann"), Person)


async def test_who_changes_their_email_becomes_nobody_else(world: World) -> None:
    known(await world.who("ann"))
    await meet(world, "ann", email="lead@example.com")
    assert "no longer fit" in why(await world.who("ann"))
    assert "U-ann" in world.alerts("ops")
    assert links(world)["U-ann"] == world.ids["ann"]


async def test_who_has_the_account_of_another_is_told_nothing_of_theirs(
    world: World,
) -> None:
    await world.held()
    await meet(world, "ann", email="carl@example.com")
    assert "people relink ann@example.com" in world.alerts("ops")
    world.wait(2 * HOUR)
    await world.settle()
    assert world.grant().status is GrantStatus.REVOKED
    assert world.told("ended") == []


async def test_whom_slack_shows_without_an_email_is_told_as_before(
    world: World,
) -> None:
    await world.held()
    await meet(world, "ann", email=None)
    world.wait(2 * HOUR)
    await world.settle()
    assert world.told("ended") == ["ann"]


async def test_a_login_changed_in_okta_is_refused_too(world: World) -> None:
    known(await world.who("ann"))
    world.org.set_user("ann@example.com", login="anna@example.com")
    world.wait(11 * MINUTE)
    assert "no longer fit" in why(await world.who("ann"))


async def test_an_owner_whose_account_no_longer_fits_is_not_asked(world: World) -> None:
    known(await world.who("bob"))
    await meet(world, "bob", email="robert@example.com")
    await world.asked()
    assert world.told("card") == ["bea"]


async def test_an_account_that_takes_an_owners_email_does_not_stop_the_routing(
    world: World,
) -> None:
    known(await world.who("ann"))
    await meet(world, "bea", refusal="This account is deactivated.")
    await meet(world, "ann", email="bea@example.com")
    request = known(await world.ask_as(world.ids["ann"]))
    assert await world.work() == []
    assert world.told("card") == ["bob"]
    assert links(world)["U-ann"] == world.ids["ann"]
    assert world.request(request.id).status is RequestStatus.PENDING
    assert "U-ann" in world.alerts("ops")


async def test_two_okta_users_with_one_email_are_none_where_email_decides(
    world: World,
) -> None:
    world.open_office(identity="identity: {match: email}")
    await meet(world, "eve")
    world.org.add_user("eve-1@example.com", email="eve@example.com")
    world.org.add_user("eve-2@example.com", email="eve@example.com")
    assert "Several" in why(await world.who("eve"))
    world.org.set_user("eve-2@example.com", status="DEPROVISIONED")
    assert known(await world.who("eve")).login == "eve-1@example.com"


async def test_an_attribute_that_holds_the_slack_id_decides_alone(world: World) -> None:
    world.open_office(identity="identity: {attribute: slackId}")
    await meet(world, "bob", "U-eve")
    world.org.add_user("eve@example.com", slackId="U-eve")
    assert known(await world.who("eve")).login == "eve@example.com"
    world.org.set_user("eve@example.com", slackId="U-other")
    world.wait(11 * MINUTE)
    assert "no longer fit" in why(await world.who("eve"))


@pytest.mark.parametrize("value", ["u-eve", ["U-eve"]], ids=str)
async def test_an_attribute_must_be_the_slack_id_exactly(
    world: World, value: object
) -> None:
    world.open_office(identity="identity: {attribute: slackId}")
    await meet(world, "eve")
    world.org.add_user("eve@example.com", slackId=value)
    assert "no active Okta user" in why(await world.who("eve"))


async def test_rows_are_believed_for_a_while_and_then_okta_is_asked(
    world: World,
) -> None:
    known(await world.who("ann"))
    world.org.down()
    known(await world.who("ann"))
    world.wait(11 * MINUTE)
    assert "could not reach Okta" in why(await world.who("ann"))


async def test_an_okta_that_refuses_the_app_is_said_as_out_of_reach(
    world: World,
) -> None:
    world.org.set_scopes(world.app["client_id"], [])
    world.org.revoke_tokens()
    assert "could not reach Okta" in why(await world.who("ann"))


async def test_an_okta_too_slow_for_a_click_is_not_waited_for(world: World) -> None:
    world.open_office()
    world.org.fail("GET /api/v1/users", "timeout_before", times=None)
    assert "could not reach Okta" in why(await world.who("ann"))


async def test_one_deleted_in_okta_is_refused(world: World) -> None:
    known(await world.who("ann"))
    world.org.delete_user("ann@example.com")
    world.wait(11 * MINUTE)
    assert "gone" in why(await world.who("ann"))


async def test_only_the_active_ask_though_still_linked(world: World) -> None:
    known(await world.who("ann"))
    world.org.set_user("ann@example.com", status="LOCKED_OUT")
    world.wait(11 * MINUTE)
    assert "not active" in why(await world.ask())
    assert world.rows(AccessRequest) == []


async def test_an_older_reading_never_takes_the_place_of_a_newer_one(
    world: World,
) -> None:
    ann = known(await world.who("ann"))
    before = START - timedelta(days=1)
    await world.run(directory.remember_person, "corp", ann, before)
    again = world.look(lambda session: directory.person(session, "corp", ann.id))
    assert again is not None
    assert again.read_at == ann.read_at


async def test_an_older_listing_does_not_undo_what_slack_said_since(
    world: World,
) -> None:
    guest = account("ann", read_at=START + HOUR, refusal="Guests cannot use this.")
    await world.run(people.remember_account, guest)
    await upkeep.meet(world.database, [account("ann")], START + 2 * HOUR)
    [kept] = [each for each in world.rows(SlackAccount) if each.slack_id == "U-ann"]
    assert kept.refusal == "Guests cannot use this."


async def test_a_workspace_is_kept_some_at_a_time_and_known_whole_with_the_last(
    world: World,
) -> None:
    world.edit(f"delete from upkeep where name = '{ROSTER}'")  # noqa: S608
    many = [account(f"person{number}") for number in range(250)]
    unreadable = account("last", read_at=START.replace(tzinfo=None))
    with pytest.raises(StatementError):
        await upkeep.meet(world.database, [*many, unreadable], world.clock())
    kept = {row.slack_id for row in world.rows(SlackAccount)}
    assert {each.slack_id for each in many} < kept
    assert not world.look(lambda session: directory.remembered(session, ROSTER))
    await upkeep.meet(world.database, many, world.clock())
    assert world.look(lambda session: directory.remembered(session, ROSTER))
