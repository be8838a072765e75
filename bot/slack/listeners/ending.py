"""Ending: taken back, given back, or gone with its group."""

import asyncio

from sqlmodel import Session

from bot.core.owners import Rung, ladder, stands_on
from bot.core.policy import is_admin
from bot.core.words import DirectoryError, Person, Refused, StaleState
from bot.slack.listeners.desk import NOT_SERVED, Body, Desk, Reply, person_at, say
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow import grants
from bot.workflow.grants import give_back
from bot.workflow.people import NOT_NOW
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests import cancel as cancel_request
from bot.workflow.upkeep import announcing, braking, outsiders

NOT_KNOWN = Refused("I do not know this any more.")
FASTER = Refused("Something else happened to this at the same moment.")


async def cancel(desk: Desk, body: Body) -> Reply:
    """Take a pending request back."""
    return await _end(desk, body, AccessRequest)


async def end(desk: Desk, body: Body) -> Reply:
    """Give a grant back before its end."""
    return await _end(desk, body, AccessGrant)


async def settle_gone(desk: Desk, body: Body) -> Reply:
    """Take a grant as ended whose group an owner says is gone."""
    grant_id = str(body["actions"][0].get("value") or "")
    grant = await desk.database.read(_row, AccessGrant, grant_id)
    office = desk.offices.get(grant.integration) if grant else None
    if not isinstance(grant, AccessGrant) or office is None:
        return say(body, NOT_KNOWN.reason)
    person = await person_at(desk, body, office)
    if isinstance(person, Refused):
        return say(body, person.reason)
    try:
        async with asyncio.timeout(desk.timing.okta_read_at_click.total_seconds()):
            is_shown = await grants.is_shown(office, grant)
    except (TimeoutError, DirectoryError):
        return say(body, NOT_NOW.reason)
    settled = await desk.write(
        grants.settle_gone,
        office,
        grant_id,
        person.id,
        desk.clock(),
        is_shown=is_shown,
    )
    return say(body, settled.reason) if isinstance(settled, Refused) else Reply()


async def carry_on(desk: Desk, body: Body) -> Reply:
    """Let many ends go on that were only inferred, as an admin says."""
    return await _decide(desk, body, braking.CARRY_ON)


async def discard(desk: Desk, body: Body) -> Reply:
    """Leave many grants as they are that Okta does not show, as an admin says."""
    return await _decide(desk, body, braking.DISCARD)


async def keep(desk: Desk, body: Body) -> Reply:
    """Leave an account alone that clean-up would end, as its owner or an admin says."""
    at = await _above(desk, body)
    if isinstance(at, Refused):
        return say(body, at.reason)
    name, person_id, by = at
    if not await desk.write(announcing.keep, name, person_id, by=by, now=desk.clock()):
        return say(body, "It is too late for that, or somebody kept it already.")
    return say(body, "Noted: I leave this account alone.")


async def mute(desk: Desk, body: Body) -> Reply:
    """Report additions to a group no more, as its owner or an admin says."""
    at = await _above(desk, body)
    if isinstance(at, Refused):
        return say(body, at.reason)
    name, group_id, by = at
    if not await desk.write(outsiders.mute, name, group_id, by=by, now=desk.clock()):
        return say(body, "I report no additions to this group as it is.")
    return say(body, "Noted: I report additions to this group no more.")


async def _above(desk: Desk, body: Body) -> tuple[str, str, str] | Refused:
    """Return the integration, what a button names in it, and who may press it."""
    name, _, named = str(body["actions"][0].get("value") or "").partition(":")
    office = desk.offices.get(name)
    if office is None:
        return NOT_SERVED
    person = await person_at(desk, body, office)
    if isinstance(person, Refused):
        return person
    if not await desk.database.read(_is_above, office, person):
        return Refused("Only the owner of the integration and admins can do that.")
    return name, named, f"okta:{person.id}"


def _is_above(session: Session, office: Office, person: Person) -> bool:
    """Tell whether a person is an admin or an integration owner."""
    policy = policy_for(session, office.catalogue, office.integration)
    if is_admin(policy, person):
        return True
    rungs = ladder(policy, Rung(name="resource"))[1:]
    return person.may_receive and any(
        stands_on(policy, rung, person) is True for rung in rungs
    )


async def _decide(desk: Desk, body: Body, decision: str) -> Reply:
    name, _, asked = str(body["actions"][0].get("value") or "").partition(":")
    office = desk.offices.get(name)
    if office is None:
        return say(body, NOT_SERVED.reason)
    person = await person_at(desk, body, office)
    if isinstance(person, Refused):
        return say(body, person.reason)
    if not await desk.database.read(_is_admin, office, person):
        return say(body, "Only admins can do that.")
    by, now = f"okta:{person.id}", desk.clock()
    if not await desk.write(braking.decide, office, asked, decision, by, now):
        return say(body, "That was done, or asked anew: the newest message counts.")
    return say(body, f"Noted: {decision}. It is done within minutes.")


def _is_admin(session: Session, office: Office, person: Person) -> bool:
    policy = policy_for(session, office.catalogue, office.integration)
    return is_admin(policy, person)


async def _end(
    desk: Desk, body: Body, table: type[AccessRequest] | type[AccessGrant]
) -> Reply:
    row_id = str(body["actions"][0].get("value") or "")
    row = await desk.database.read(_row, table, row_id)
    if row is None:
        return say(body, NOT_KNOWN.reason)
    office = desk.offices.get(row.integration)
    if office is None:
        return say(body, NOT_SERVED.reason)
    person = await person_at(desk, body, office)
    if isinstance(person, Refused):
        return say(body, person.reason)
    verb = cancel_request if table is AccessRequest else give_back
    try:
        result = await desk.write(verb, row_id, person.id, desk.clock())
    except StaleState:
        result = FASTER
    return say(body, result.reason) if isinstance(result, Refused) else Reply()


def _row(
    session: Session, table: type[AccessRequest] | type[AccessGrant], row_id: str
) -> AccessRequest | AccessGrant | None:
    if table is AccessRequest:
        return session.get(AccessRequest, row_id)
    return session.get(AccessGrant, row_id)
