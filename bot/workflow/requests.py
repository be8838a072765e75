"""An access request, from asked to decided.

Each verb is one transaction: it decides on rows, writes, and leaves what is to
be told as rows. `route` is carried out by the worker: it decides again on
fresh reads, and finds who is asked.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from bot.core.owners import Route, Rung, basis, stands_on
from bot.core.policy import (
    SHORTEST,
    Asked,
    Policy,
    Question,
    Terms,
    may_answer,
    may_request,
)
from bot.core.words import GrantStatus, Refused, RequestStatus, StaleState
from bot.store import audit, claims, directory, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant, AccessRequest, Answer, Event
from bot.workflow import reading
from bot.workflow.notices import tell, tell_people, tell_requester
from bot.workflow.people import read_person
from bot.workflow.reading import Office, policy_for

POLICY = "policy"
NOT_READ = Refused("I could not read this person or group from Okta.")
DECIDED = Refused("This has been answered already.")
LAPSED = Refused("Nobody answered this in time, so it has lapsed.")
NOT_AS_WRITTEN = Refused("The record of this request is not as it was written.")
ROUTED_AGAIN = Refused(
    "The owners of this group changed since you were asked. "
    "I am asking those who own it now."
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person asks for. `delivery` is Slack's own key of how it came."""

    requester_id: str
    group_id: str
    duration: timedelta | None
    justification: str
    delivery: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An approver's answer, given on a card that showed step `step_shown`."""

    request_id: str
    person_id: str
    approves: bool
    step_shown: int
    duration: timedelta | None = None
    reason: str = ""


def ask(
    session: Session, office: Office, wish: Wish, now: datetime
) -> AccessRequest | Refused:
    """Ask for access: a pending request the worker will route, or a refusal.

    A delivery that was asked with before gives the request it made then.
    """
    again = queries.request_of_delivery(session, wish.delivery)
    if again is not None:
        return again
    asked = _asked(session, office, wish, now)
    if isinstance(asked, Refused):
        return asked
    policy = policy_for(session, office.catalogue, office.integration)
    terms = may_request(policy, asked, queries.standing(session, office.name, asked))
    if isinstance(terms, Refused):
        return terms
    try:
        with session.begin_nested():
            return _create(session, office, asked, terms, wish.delivery, now)
    except IntegrityError:
        return Refused(f"You already asked for “{asked.group.name}”.")


async def carry_out(office: Office, request: AccessRequest) -> None:
    """Do what is due for a pending request: route it, or let it lapse."""
    now = office.clock()
    if now >= request.lapse_at:
        await office.database.run(lapse, request, now)
    elif request.step == 0:
        await route(office, request, now)
    else:
        await office.database.run(claims.put_back, request, request.lapse_at)


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
        terms = _still_allowed(session, policy, request, since)
        if isinstance(terms, Refused):
            refuse(session, request, terms, now)
            return terms
    _record_answer(session, request, reply, now)
    decide = _approve if reply.approves else _deny
    return decide(session, request, reply, now)


def cancel(
    session: Session, request_id: str, person_id: str, now: datetime
) -> AccessRequest | Refused:
    """Take a pending request back, as only its requester may."""
    request = session.get(AccessRequest, request_id)
    if request is None or request.requester_id != person_id:
        return Refused("Only who asked can cancel this.")
    if request.status is not RequestStatus.PENDING:
        return DECIDED
    moves.move(
        session,
        request,
        RequestStatus.CANCELLED,
        by=f"okta:{person_id}",
        now=now,
        decided_at=now,
        decided_by=person_id,
        due_at=None,
    )
    return request


def lapse(session: Session, request: AccessRequest, now: datetime) -> None:
    """End a request that nobody answered in time, and tell who asked."""
    moves.move(
        session,
        request,
        RequestStatus.LAPSED,
        by="bot",
        now=now,
        fence=request.fence,
        decided_at=now,
        **settled(None),
    )
    tell_requester(session, "lapsed", request, now)


def refuse(
    session: Session, request: AccessRequest, why: Refused, now: datetime
) -> None:
    """Deny by policy, and tell the requester why."""
    moves.move(
        session,
        request,
        RequestStatus.DENIED,
        by=POLICY,
        now=now,
        text={"reason": why.reason},
        reason=why.reason,
        decided_at=now,
        decided_by=POLICY,
        **settled(None),
    )
    tell_requester(session, "denied", request, now)


def still_allowed(
    session: Session,
    office: Office,
    request: AccessRequest,
    since: datetime,
) -> Terms | Refused:
    """Decide whether today's file allows `request`, on rows read since `since`."""
    policy = policy_for(session, office.catalogue, office.integration)
    return _still_allowed(session, policy, request, since)


def routed_rung(request: AccessRequest) -> Rung:
    """Return the rung that `request` was routed to."""
    routing = request.routing
    return Rung(
        name=routing.get("rung", ""),
        users=frozenset(routing.get("users", ())),
        groups=frozenset(routing.get("groups", ())),
    )


def _still_allowed(
    session: Session, policy: Policy, request: AccessRequest, since: datetime
) -> Terms | Refused:
    asked = _as_asked(session, request, since)
    if isinstance(asked, Refused):
        return asked
    name = request.integration
    standing = queries.standing(session, name, asked, apart_from=request.id)
    return may_request(policy, asked, standing)


def _asked(
    session: Session, office: Office, wish: Wish, now: datetime
) -> Asked | Refused:
    """Return what is wished for, as rows know it."""
    person = directory.person(
        session, office.name, wish.requester_id, now - office.timing.facts_stay_fresh
    )
    group = directory.group(session, office.name, wish.group_id)
    if person is None:
        return NOT_READ
    if group is None:
        return Refused("There is no such group that you can ask for.")
    return Asked(
        requester=person,
        grantee=person,
        group=group,
        duration=wish.duration,
        justification=wish.justification,
    )


def _as_asked(
    session: Session, request: AccessRequest, since: datetime
) -> Asked | Refused:
    """Return what `request` asked for, with the people and group of today."""
    name = request.integration
    requester = directory.person(session, name, request.requester_id, since)
    grantee = requester
    if request.grantee_id != request.requester_id:
        grantee = directory.person(session, name, request.grantee_id, since)
    group = directory.group(session, name, request.group_id, since)
    if requester is None or grantee is None or group is None:
        return NOT_READ
    return Asked(
        requester=requester,
        grantee=grantee,
        group=group,
        duration=timedelta(seconds=request.duration_seconds),
        justification=request.justification or "",
    )


def _create(
    session: Session,
    office: Office,
    asked: Asked,
    terms: Terms,
    delivery: str | None,
    now: datetime,
) -> AccessRequest:
    request = AccessRequest(
        id=secrets.token_hex(8),
        integration=office.name,
        flow=terms.flow,
        requester_id=asked.requester.id,
        grantee_id=asked.grantee.id,
        group_id=asked.group.id,
        duration_seconds=int(terms.duration.total_seconds()),
        justification=asked.justification,
        terms=_frozen(terms),
        status=RequestStatus.PENDING,
        asked_at=now,
        lapse_at=now + terms.lapse_after,
        due_at=now,
        delivery=delivery,
    )
    moves.create(
        session,
        request,
        by=f"okta:{asked.requester.id}",
        now=now,
        text={
            "requester": asked.requester.login,
            "grantee": asked.grantee.login,
            "group": asked.group.name,
            "justification": asked.justification,
        },
    )
    return request


def _frozen(terms: Terms) -> dict[str, Any]:
    return {
        "longest": terms.longest.total_seconds(),
        "lapse_after": terms.lapse_after.total_seconds(),
        "warn_before": [wait.total_seconds() for wait in terms.warn_before],
        "steps": [{"any_of": ["owner"]}],
    }


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
    answered = session.exec(
        select(Answer.person_id).where(Answer.request_id == request.id)
    )
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
    session.add(
        Answer(
            request_id=request.id,
            person_id=reply.person_id,
            step=request.step,
            approves=reply.approves,
            duration_seconds=seconds or None,
            reason=reply.reason or None,
            at=now,
        )
    )
    try:
        session.flush()
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
