"""Routing: decided again on fresh reads, and put to those who own the group."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from bot.core.owners import Route, Rung, basis
from bot.core.words import Refused
from bot.store import moves
from bot.store.claims import settled
from bot.store.tables import AccessRequest
from bot.workflow import reading
from bot.workflow.notices import tell, tell_people, tell_requester
from bot.workflow.people import read_person
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests.asking import NOT_READ, still_allowed
from bot.workflow.requests.ending import refuse


async def route(office: Office, request: AccessRequest, now: datetime) -> None:
    """Decide on fresh reads whether `request` stands and whom to ask; ask them."""
    group = await reading.read_group(office, request.group_id, now)
    for person_id in {request.requester_id, request.grantee_id}:
        await read_person(
            office.database, office.directory, office.name, person_id, now
        )
    await reading.wait_out_our_own_end(office, request, now)
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    terms = await office.database.read(still_allowed, office, request, now)
    if isinstance(terms, Refused) or group is None:
        why = terms if isinstance(terms, Refused) else NOT_READ
        await office.database.run(refuse, request, why, now)
        return
    apart = frozenset({request.requester_id, request.grantee_id})
    found = await reading.read_route(office, group, apart, now)
    if isinstance(found, Refused):
        await office.database.run(_refuse_without_approver, request, found, now)
    else:
        grounds = basis(policy, group)
        await office.database.run(_routed, request, *found, grounds, now)


def routed_rung(request: AccessRequest) -> Rung:
    """Return the rung that `request` was routed to."""
    routing = request.routing
    return Rung(
        name=routing.get("rung", ""),
        users=frozenset(routing.get("users", ())),
        groups=frozenset(routing.get("groups", ())),
    )


def _routed(
    session: Session,
    request: AccessRequest,
    found: Route,
    slack_ids: Mapping[str, str],
    grounds: list[list[str]],
    now: datetime,
) -> None:
    """Write whom `request` is put to, and a card for each of them."""
    routing = {
        "rung": found.rung.name,
        "users": sorted(found.rung.users),
        "groups": sorted(found.rung.groups),
        "people": [person.id for person in found.people],
        "passed": list(found.passed),
        "basis": grounds,
    }
    moves.advance(
        session,
        request,
        "routed",
        by="bot",
        now=now,
        fence=request.fence,
        data={"routing": routing},
        step=1,
        routing=routing,
        **settled(request.lapse_at),
    )
    for person in found.people:
        slack_id = slack_ids[person.id]
        key = f"card:{request.id}:{slack_id}"
        tell(session, "card", slack_id, key=key, now=now, request=request)
    tell_requester(session, "sent", request, now)
    moves.redraw(session, request, now)


def _refuse_without_approver(
    session: Session, request: AccessRequest, why: Refused, now: datetime
) -> None:
    refuse(session, request, why, now)
    tell_people(
        session,
        request.integration,
        "admins",
        f"A request for the Okta group {request.group_id} was refused. {why.reason}",
        key=f"nobody:{request.id}",
        now=now,
    )
