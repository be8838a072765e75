"""Answering: approve and deny, step by step."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from bot.core.owners import Rung, is_complete, stands_on, step_basis
from bot.core.policy import (
    SHORTEST,
    Policy,
    Question,
    Truth,
    may_answer,
)
from bot.core.words import POLICY, Group, Person, Refused, RequestStatus, StaleState
from bot.store import audit, directory, evidence, moves
from bot.store.tables import AccessRequest, Answer, table_of
from bot.workflow.notices import tell, tell_people, tell_requester
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests.approving import conclude
from bot.workflow.requests.asking import NOT_READ, allowed_by, steps_kept
from bot.workflow.requests.ending import DECIDED, NOT_AS_WRITTEN, refuse
from bot.workflow.seats import seats_of, step_of

_ANSWERS = table_of(Answer)
_KEEP_ANSWER = insert(_ANSWERS)
_ANSWERED_BY = select(_ANSWERS.c.person_id).where(
    _ANSWERS.c.request_id == bindparam("request")
)

LAPSED = Refused("Nobody answered this in time, so it has lapsed.")
ROUTED_AGAIN = Refused(
    "The owners of this group changed since you were asked. "
    "I am asking those who own it now."
)
NOT_FRESH = Refused(
    "I could not read this person or group from Okta just now. "
    "Please try again in a moment."
)
"""Too old to decide on: that denies nothing, and the next click reads anew."""

REASON_NEEDED = Refused("Say why you approve: this flow asks for it.", "reason")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An approver's answer, given on a card that showed step `step_shown`."""

    request_id: str
    person_id: str
    approves: bool
    step_shown: int
    duration: timedelta | None = None
    reason: str = ""


def answer(
    session: Session,
    office: Office,
    reply: Reply,
    now: datetime,
    *,
    is_seated: bool = True,
) -> AccessRequest | Refused:
    """Approve or deny. The first committed answer is the decision.

    `is_seated` tells what was read of who answers now, where that was read.

    NB. Everything is decided anew: who answers, whether they own the group
    today, and whether today's file still allows what was asked for.
    """
    since = now - office.timing.facts_stay_fresh
    request = session.get(AccessRequest, reply.request_id)
    person = directory.person(session, office.name, reply.person_id, since)
    if request is None or person is None:
        return NOT_FRESH
    wrong = _refuse_reply(session, request, reply, now)
    if wrong is not None:
        return wrong
    group = directory.group(session, office.name, request.group_id, since)
    grantee = directory.person(session, office.name, request.grantee_id, since)
    seats = seats_of(request.routing)
    owners = frozenset(group for seat in seats for group in seat.groups)
    policy = policy_for(session, office.catalogue, office.integration, owners)
    if group is None or grantee is None:
        return NOT_FRESH
    step = step_of(request.routing)
    basis = step_basis(policy, group, grantee, step)
    if not is_seated or request.routing["basis"] != basis:
        return _route_again(session, request, now)
    allowed = may_answer(
        _question(session, request, reply),
        person,
        is_approver=_stands(policy, seats, person),
    )
    if isinstance(allowed, Refused):
        return _note_refused(session, request, reply, allowed, now)
    if reply.approves:
        return _approve(session, office, policy, request, group, reply, now)
    _record_answer(session, request, reply, now)
    return _deny(session, request, reply, now)


def _approve(
    session: Session,
    office: Office,
    policy: Policy,
    request: AccessRequest,
    group: Group,
    reply: Reply,
    now: datetime,
) -> AccessRequest | Refused:
    """Approve, as somebody who may, what today's file still allows."""
    since = now - office.timing.facts_stay_fresh
    terms = allowed_by(session, policy, request, group, since)
    if terms == NOT_READ:
        return NOT_FRESH
    if isinstance(terms, Refused):
        refuse(session, request, terms, now)
        return terms
    if request.terms.get("reason") == "required" and not reply.reason.strip():
        return REASON_NEEDED
    _record_answer(session, request, reply, now)
    if _completes(session, office, policy, request, reply):
        return _step_done(session, office, request, reply, now)
    return _approved_in_part(session, request, reply, now)


def _note_refused(
    session: Session,
    request: AccessRequest,
    reply: Reply,
    why: Refused,
    now: datetime,
) -> Refused:
    """Write down that somebody answered who may not; return why."""
    audit.record(
        session,
        "answer refused",
        by=f"okta:{reply.person_id}",
        now=now,
        data={"step": reply.step_shown, "approves": reply.approves},
        text={"reason": why.reason},
        integration=request.integration,
        request_id=request.id,
    )
    return why


def _stands(policy: Policy, seats: list[Rung], person: Person) -> Truth:
    """Tell whether any of `seats` names `person`."""
    found = [stands_on(policy, seat, person) for seat in seats]
    if True in found:
        return True
    return None if None in found else False


def _completes(
    session: Session,
    office: Office,
    policy: Policy,
    request: AccessRequest,
    reply: Reply,
) -> bool:
    """Tell whether this approval and those before it are enough for the step.

    NB. Those before it are the ones the chain tells of: a row that a hand put
    among the answers approves nothing. Who answered before and no longer may
    does not count.
    """
    step = step_of(request.routing)
    seats = seats_of(request.routing)
    told = evidence.approvals(session, request.id)
    approvers = {who for number, who in told if number == request.step}
    stands = []
    for person_id in sorted(approvers | {reply.person_id}):
        person = directory.person(session, office.name, person_id)
        numbers = frozenset(
            number
            for number, seat in enumerate(seats)
            if person is not None
            and person.may_receive
            and stands_on(policy, seat, person)
        )
        stands.append(numbers)
    return is_complete(step, stands)


def _refuse_reply(
    session: Session, request: AccessRequest, reply: Reply, now: datetime
) -> Refused | None:
    """Refuse an answer that comes too late, or to what nobody asked.

    NB. What is approved is what the card showed: a row that someone changed
    beside this program since it was asked is denied, and the admins are told.
    """
    if not _waits_for_answer(request):
        return DECIDED
    if now >= request.lapse_at:
        return LAPSED
    if not evidence.is_as_told(session, request):
        refuse(session, request, NOT_AS_WRITTEN, now)
        text = f"The record of request {request.id} was changed outside this program."
        key = f"untrusted:{request.id}"
        tell_people(session, request.integration, "admins", text, key=key, now=now)
        return NOT_AS_WRITTEN
    if reply.duration is not None and reply.duration < SHORTEST:
        return Refused("Access is given for a second at least.", "duration")
    return None


def _route_again(session: Session, request: AccessRequest, now: datetime) -> Refused:
    """Put `request` to the owners of today: those it was put to are not they."""
    again = {"next": request.step}
    moves.advance(
        session,
        request,
        "reopened",
        by=POLICY,
        now=now,
        step=0,
        routing=again,
        due_at=now,
    )
    moves.redraw(session, request, now)
    return ROUTED_AGAIN


def _waits_for_answer(request: AccessRequest) -> bool:
    return request.status is RequestStatus.PENDING and request.step > 0


def _question(session: Session, request: AccessRequest, reply: Reply) -> Question:
    answered = session.scalars(_ANSWERED_BY, {"request": request.id})
    return Question(
        requester_id=request.requester_id,
        grantee_id=request.grantee_id,
        is_open=True,
        step=request.step,
        step_shown=reply.step_shown,
        answered_by=frozenset(answered),
        own=request.terms.get("own", False),
    )


def _record_answer(
    session: Session, request: AccessRequest, reply: Reply, now: datetime
) -> None:
    seconds = reply.duration and int(reply.duration.total_seconds())
    answered = {
        "request_id": request.id,
        "person_id": reply.person_id,
        "step": request.step,
        "approves": reply.approves,
        "duration_seconds": seconds or None,
        "reason": reply.reason or None,
        "at": now,
    }
    try:
        session.execute(_KEEP_ANSWER, answered)
    except IntegrityError as error:
        raise StaleState("this person has answered already") from error
    _comment(session, request, reply, now)


def _comment(
    session: Session, request: AccessRequest, reply: Reply, now: datetime
) -> None:
    """Say in the thread of a channel's card what came with an answer."""
    channel = request.terms.get("channel")
    if channel and reply.reason.strip():
        by = {"person": reply.person_id, "step": request.step}
        key = f"comment:{request.id}:{request.step}:{reply.person_id}"
        tell(session, "comment", channel, key=key, now=now, request=request, facts=by)


def _deny(
    session: Session, request: AccessRequest, reply: Reply, now: datetime
) -> AccessRequest:
    moves.move(
        session,
        request,
        RequestStatus.DENIED,
        by=f"okta:{reply.person_id}",
        now=now,
        text={"reason": reply.reason},
        reason=reply.reason,
        decided_at=now,
        decided_by=reply.person_id,
        due_at=None,
    )
    tell_requester(session, "denied", request, now)
    return request


def _approved_in_part(
    session: Session, request: AccessRequest, reply: Reply, now: datetime
) -> AccessRequest:
    """Write one approval of several; the step waits for the others."""
    moves.advance(
        session,
        request,
        audit.APPROVED_IN_PART,
        by=f"okta:{reply.person_id}",
        now=now,
        data={"approves_step": request.step, "seconds": _seconds(request, reply)},
        text={"reason": reply.reason},
    )
    moves.redraw(session, request, now)
    return request


def _step_done(
    session: Session,
    office: Office,
    request: AccessRequest,
    reply: Reply,
    now: datetime,
) -> AccessRequest | Refused:
    """Put the next step to its people, or conclude with the last one.

    Approved can be less than asked for, never more: the least of all approvals.
    """
    number = request.step
    if number < request.routing.get("of", len(steps_kept(request))):
        moves.advance(
            session,
            request,
            audit.APPROVED_IN_PART,
            by=f"okta:{reply.person_id}",
            now=now,
            data={"approves_step": number, "seconds": _seconds(request, reply)},
            text={"reason": reply.reason},
            step=0,
            routing={"next": number + 1},
            due_at=now,
        )
        moves.redraw(session, request, now)
        return request
    return conclude(
        session,
        office,
        request,
        _least(session, request, reply),
        by=reply.person_id,
        now=now,
        data={"approves_step": number, "rung": request.routing["rung"]},
        reason=reply.reason,
    )


def _seconds(request: AccessRequest, reply: Reply) -> int:
    asked = request.duration_seconds
    if reply.duration is None:
        return asked
    return min(asked, int(reply.duration.total_seconds()))


def _least(session: Session, request: AccessRequest, reply: Reply) -> int:
    lengths = evidence.approved_seconds(session, request.id)
    return min([_seconds(request, reply), *lengths])
