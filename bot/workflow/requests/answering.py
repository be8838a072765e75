"""Answering: approve and deny, and the birth of the grant."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from bot.core.owners import basis, stands_on
from bot.core.policy import SHORTEST, Question, may_answer
from bot.core.words import GrantStatus, Refused, RequestStatus, StaleState
from bot.store import audit, directory, moves
from bot.store.tables import AccessGrant, AccessRequest, Answer, Event, table_of
from bot.workflow.notices import tell_people, tell_requester
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests.asking import NOT_READ, allowed_by
from bot.workflow.requests.ending import DECIDED, NOT_AS_WRITTEN, POLICY, refuse
from bot.workflow.requests.routing import routed_rung

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
    session: Session, office: Office, reply: Reply, now: datetime
) -> AccessRequest | Refused:
    """Approve or deny. The first committed answer is the decision.

    NB. Everything is decided anew: who answers, whether they own the group
    today, and whether today's file still allows what was asked for.
    """
    since = now - office.timing.facts_stay_fresh
    request = session.get(AccessRequest, reply.request_id)
    person = directory.person(session, office.name, reply.person_id, since)
    if request is None or person is None:
        return NOT_READ
    wrong = _refuse_reply(session, request, reply, now)
    if wrong is not None:
        return wrong
    group = directory.group(session, office.name, request.group_id, since)
    rung = routed_rung(request)
    policy = policy_for(session, office.catalogue, office.integration, rung.groups)
    if group is None:
        return NOT_READ
    if request.routing["basis"] != basis(policy, group):
        return _route_again(session, request, now)
    allowed = may_answer(
        _question(session, request, reply),
        person,
        is_approver=stands_on(policy, rung, person),
    )
    if isinstance(allowed, Refused):
        return allowed
    if reply.approves:
        terms = allowed_by(session, policy, request, group, since)
        if isinstance(terms, Refused):
            refuse(session, request, terms, now)
            return terms
    _record_answer(session, request, reply, now)
    decide = _approve if reply.approves else _deny
    return decide(session, request, reply, now)


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
    if not audit.is_as_told(session, request):
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
    moves.advance(session, request, "reopened", by=POLICY, now=now, step=0, due_at=now)
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


def _approve(
    session: Session, request: AccessRequest, reply: Reply, now: datetime
) -> AccessRequest:
    """Approve, and give birth to the grant, in this one transaction.

    Approved can be less than asked for, never more.
    """
    seconds = request.duration_seconds
    if reply.duration is not None:
        seconds = min(seconds, int(reply.duration.total_seconds()))
    approval = moves.move(
        session,
        request,
        RequestStatus.APPROVED,
        by=f"okta:{reply.person_id}",
        now=now,
        data={"granted_seconds": seconds, "rung": request.routing["rung"]},
        text={"reason": reply.reason},
        decided_at=now,
        decided_by=reply.person_id,
        reason=reply.reason or None,
        due_at=None,
    )
    _give_birth(session, request, approval, seconds, now)
    return request


def _give_birth(
    session: Session,
    request: AccessRequest,
    approval: Event,
    seconds: int,
    now: datetime,
) -> None:
    grant = AccessGrant(
        id=secrets.token_hex(8),
        request_id=request.id,
        integration=request.integration,
        grantee_id=request.grantee_id,
        group_id=request.group_id,
        duration_seconds=seconds,
        status=GrantStatus.GRANTING,
        expires_at=now + timedelta(seconds=seconds),
        approved_event=approval.seq,
        seal="",
        deliver_by=now + timedelta(seconds=request.terms["lapse_after"]),
        due_at=now,
    )
    moves.create(session, grant, by="bot", now=now)
