"""Routing: decided again on fresh reads, and put to those who answer its next step."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.catalogue import Step, as_written
from bot.core.owners import step_basis
from bot.core.policy import (
    Asked,
    Policy,
    deciding_flow,
    is_automatic,
    names_in_authority,
    steps_of,
)
from bot.core.words import Group, Refused, StaleState
from bot.store import directory, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessRequest
from bot.workflow import reading
from bot.workflow.notices import tell_people, tell_requester
from bot.workflow.people import link_all, read_person
from bot.workflow.reading import NAMED_ONCE, ROSTER, NotYet, Office, policy_for
from bot.workflow.requests.approving import approve_by_rule
from bot.workflow.requests.asking import NOT_READ, as_asked, steps_kept, still_allowed
from bot.workflow.requests.ending import refuse
from bot.workflow.requests.waiting import next_due
from bot.workflow.seats import (
    Seating,
    matter,
    read_step,
    seat_kept,
    send_cards,
)


@dataclass(frozen=True, kw_only=True)
class Put:
    """A step as it is to be put to its people: its number, its rule, its grounds."""

    number: int
    of: int
    step: Step
    basis: list[list[str]]


async def route(office: Office, request: AccessRequest, now: datetime) -> None:
    """Decide on fresh reads whether `request` stands and whom to ask; ask them.

    Raises NotYet before Slack's people and the names of access.yaml were read
    once: that somebody cannot answer is not known until then.
    """
    if not await office.database.read(_is_read, office):
        raise NotYet("who may answer is not read yet")
    group = await reading.read_group(office, request.group_id, now)
    for person_id in {request.requester_id, request.grantee_id}:
        await read_person(
            office.database, office.directory, office.name, person_id, now
        )
    if request.extends is None:
        await reading.wait_out_our_own_end(office, request, now)
    terms = await office.database.read(still_allowed, office, request, now)
    if isinstance(terms, Refused) or group is None:
        why = terms if isinstance(terms, Refused) else NOT_READ
        await office.database.run(refuse, request, why, now)
        return
    put = await office.database.read(_next_step, office, request, group, now)
    if put is None:
        await office.database.run(_give_by_rule, office, request, group, now)
        return
    grantee = await office.database.read(
        directory.person, office.name, request.grantee_id
    )
    if grantee is None:
        await office.database.run(refuse, request, NOT_READ, now)
        return
    # Who holds it is told of it too, where somebody else asked.
    await link_all(office, [grantee], now)
    found = await read_step(office, put.step, matter(request, group, grantee), now)
    if isinstance(found, Refused):
        await office.database.run(_refuse_without_approver, request, found, now)
    else:
        await office.database.run(_routed, request, put, found, now)


def _is_read(session: Session, office: Office) -> bool:
    pinned = directory.remembered(session, NAMED_ONCE.format(office.name))
    known = set(pinned.facts["names"]) if pinned else set()
    names = names_in_authority(office.catalogue, office.integration)
    return known.issuperset(names) and bool(directory.remembered(session, ROSTER))


def steps_for(
    session: Session, policy: Policy, request: AccessRequest, asked: Asked
) -> tuple[Step, ...]:
    """Return the steps that `request` goes through; none where it is given by rule.

    The file of today says whether a rule gives it, and the request itself which
    steps it keeps.
    """
    flow = deciding_flow(policy, asked)
    if isinstance(flow, Refused):
        return steps_kept(request)
    if request.extends and flow.extensions.approval == "automatic":
        return ()
    rule = flow.automatic_when
    times = 0
    if rule is not None and rule.at_most is not None:
        since = request.asked_at - rule.at_most.per
        times = queries.count_automatic(
            session, request.integration, request.flow, request.requester_id, since
        )
    if is_automatic(policy, flow, asked, times=times):
        return ()
    return steps_kept(request) or steps_of(policy, flow)


def _next_step(
    session: Session,
    office: Office,
    request: AccessRequest,
    group: Group,
    now: datetime,
) -> Put | None:
    """Return the step that is to be put now; None where nobody is to be asked.

    Raises StaleState where who is concerned is not as fresh any more as it was.
    """
    asked = as_asked(session, request, group, now)
    if isinstance(asked, Refused):
        raise StaleState(str(asked))
    policy = policy_for(session, office.catalogue, office.integration)
    steps = steps_for(session, policy, request, asked)
    if not steps:
        return None
    number = min(request.routing.get("next", 1), len(steps))
    step = steps[number - 1]
    return Put(
        number=number,
        of=len(steps),
        step=step,
        basis=step_basis(policy, group, asked.grantee, step),
    )


def _give_by_rule(
    session: Session,
    office: Office,
    request: AccessRequest,
    group: Group,
    now: datetime,
) -> None:
    """Approve what nobody is to be asked for, decided again as it is written.

    NB. Requests of one person are routed side by side: each counted what the rule
    had given before the others were written.
    """
    if _next_step(session, office, request, group, now) is not None:
        raise StaleState("another request has used up what the rule gives")
    approve_by_rule(session, office, request, now)


def _routed(
    session: Session,
    request: AccessRequest,
    put: Put,
    found: Seating,
    now: datetime,
) -> None:
    """Write whom `request` is put to, and a card for each of them."""
    routing = _seated(found) | {
        "basis": put.basis,
        "asks": as_written(put.step),
        "of": put.of,
        "since": now.isoformat(),
    }
    moves.advance(
        session,
        request,
        "routed",
        by="bot",
        now=now,
        fence=request.fence,
        data={"routing": routing},
        step=put.number,
        routing=routing,
        **settled(next_due(request, routing, now)),
    )
    send_cards(session, request, found, now)
    tell_requester(session, "sent", request, now)
    moves.redraw(session, request, now)


def _seated(found: Seating) -> dict[str, Any]:
    """Return what is kept of the seats: who may answer, who was asked, and why."""
    return {
        "rung": found.seats[0].rung.name,
        "users": _ids(seat.rung.users for seat in found.seats),
        "groups": _ids(seat.rung.groups for seat in found.seats),
        "people": [person.id for person in found.people],
        "passed": [why for seat in found.seats for why in seat.passed],
        "seats": [seat_kept(seat) for seat in found.seats],
    }


def _ids(sets: Iterable[frozenset[str]]) -> list[str]:
    return sorted({each for ids in sets for each in ids})


def _refuse_without_approver(
    session: Session, request: AccessRequest, why: Refused, now: datetime
) -> None:
    refuse(session, request, why, now)
    group = directory.group(session, request.integration, request.group_id)
    name = group.name if group else request.group_id
    tell_people(
        session,
        request.integration,
        "admins",
        f"A request for the Okta group {name} was refused. {why.reason}",
        key=f"nobody:{request.id}",
        now=now,
    )
