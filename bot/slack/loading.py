"""What a notice shows: everything, read in one consistent look, with its version."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.core.words import (
    GrantStatus,
    RequestStatus,
)
from bot.slack.looking import Offices, asked_of, held_of, who
from bot.slack.overview import home_of
from bot.slack.pictures import (
    AboutGrant,
    AboutRequest,
    Alert,
    Before,
    Dropped,
    Shown,
)
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Answer,
    Notice,
    PersonLink,
)
from bot.workflow.upkeep.announcing import is_waiting
from bot.workflow.upkeep.braking import is_braked
from bot.workflow.upkeep.outsiders import is_heard


def load(
    session: Session, offices: Offices, notice: Notice, now: datetime
) -> Shown | Dropped:
    """Return what `notice` shows now, or why it is no longer to be sent."""
    wanted = session.get_one(Notice, notice.id).wanted_version
    if notice.kind == "home":
        return Shown(home_of(session, offices, notice.recipient, now), wanted)
    if notice.grant_id is not None:
        grant = session.get_one(AccessGrant, notice.grant_id)
        if notice.kind == "gone":
            return Shown(_stuck(notice, grant), wanted)
        if _warns_too_late(notice, grant, now):
            return Dropped("what it warns of has happened")
        held = held_of(session, offices, grant)
        other = held.holder if _only_asked(session, grant, notice.recipient) else None
        return Shown(AboutGrant(kind=notice.kind, held=held, other=other), wanted)
    if notice.request_id is not None:
        about = _about_request(session, offices, notice)
        if notice.kind == "comment":
            about = _with_comment(session, about, notice)
            if not about.thread:
                return Dropped("the channel has no card")
        return Shown(about, wanted)
    name = str(notice.facts.get("integration", ""))
    asked = str(notice.facts.get("asked", ""))
    waits = notice.kind == "brake" and is_braked(session, name, asked)
    text = str(notice.facts.get("text", ""))
    person_id = str(notice.facts.get("person", ""))
    ends = notice.kind == "cleanup" and is_waiting(session, name, person_id)
    return Shown(
        Alert(
            text=text,
            braked=f"{name}:{asked}" if waits else "",
            keepable=f"{name}:{person_id}" if ends else "",
            mutable=_mutable(session, notice, name),
        ),
        wanted,
    )


def _mutable(session: Session, notice: Notice, integration: str) -> str:
    group_id = str(notice.facts.get("group", ""))
    heard = notice.kind == "outside" and is_heard(session, integration, group_id)
    return f"{integration}:{group_id}" if heard else ""


def _stuck(notice: Notice, grant: AccessGrant) -> Alert:
    waits = grant.status is GrantStatus.REVOKING
    return Alert(text=notice.facts["text"], stuck=grant.id if waits else "")


def _about_request(session: Session, offices: Offices, notice: Notice) -> AboutRequest:
    request = session.get_one(AccessRequest, notice.request_id)
    of_request = select(AccessGrant).where(AccessGrant.request_id == request.id)
    grant = (
        session.get(AccessGrant, request.extends)
        if request.extends
        else session.exec(of_request).first()
    )
    return AboutRequest(
        kind=notice.kind,
        asked=asked_of(session, request),
        held=held_of(session, offices, grant) if grant else None,
        before=_before(session, request),
        is_theirs=_is_theirs(session, request, notice.recipient),
        rung=_rung_of(session, request, notice.recipient),
        nudged=bool(notice.facts.get("nudge")),
    )


def _with_comment(
    session: Session, about: AboutRequest, notice: Notice
) -> AboutRequest:
    """Return it with what somebody said with an answer, and the card it goes under."""
    request_id, facts = notice.request_id, notice.facts
    said = session.exec(
        select(Answer.reason).where(
            Answer.request_id == request_id,
            Answer.person_id == facts["person"],
            Answer.step == facts["step"],
        )
    ).first()
    card = select(Notice.ts).where(
        Notice.request_id == request_id,
        Notice.kind == "card",
        Notice.recipient == notice.recipient,
        col(Notice.ts).is_not(None),
    )
    return replace(
        about,
        comment=said or "",
        comment_by=who(session, about.asked.integration, facts["person"]),
        thread=session.exec(card).first(),
    )


def _is_theirs(session: Session, request: AccessRequest, slack_id: str) -> bool:
    """Tell whether who reads this is among those the request is put to now.

    A channel's card is anybody's to answer who may; a click is judged by itself.
    """
    if request.step == 0:
        return False
    if slack_id == request.terms.get("channel"):
        return True
    readers = _readers(session, request, slack_id)
    return not readers.isdisjoint(request.routing.get("people", ()))


def _only_asked(session: Session, grant: AccessGrant, slack_id: str) -> bool:
    """Tell whether who reads this asked for what somebody else holds."""
    request = session.get_one(AccessRequest, grant.request_id)
    readers = _readers(session, request, slack_id)
    return request.requester_id in readers and grant.grantee_id not in readers


def _rung_of(session: Session, request: AccessRequest, slack_id: str) -> str:
    """Return the rung on which the reader is asked."""
    readers = _readers(session, request, slack_id)
    for seat in request.routing.get("seats", ()):
        if not readers.isdisjoint(seat["people"]):
            return str(seat["rung"])
    return str(request.routing.get("rung", ""))


def _readers(session: Session, request: AccessRequest, slack_id: str) -> set[str]:
    return set(
        session.exec(
            select(PersonLink.person_id).where(
                PersonLink.integration == request.integration,
                PersonLink.slack_id == slack_id,
            )
        )
    )


def _before(session: Session, request: AccessRequest) -> Before:
    had, last_ended = session.exec(
        select(func.count(), func.max(AccessGrant.ended_at)).where(
            AccessGrant.integration == request.integration,
            AccessGrant.grantee_id == request.grantee_id,
            AccessGrant.group_id == request.group_id,
            col(AccessGrant.status) == GrantStatus.REVOKED,
            col(AccessGrant.active_at).is_not(None),
        )
    ).one()
    denied = session.exec(
        select(func.count()).where(
            AccessRequest.integration == request.integration,
            AccessRequest.grantee_id == request.grantee_id,
            AccessRequest.group_id == request.group_id,
            AccessRequest.id != request.id,
            col(AccessRequest.status) == RequestStatus.DENIED,
        )
    ).one()
    return Before(had=had, last_ended=last_ended, denied=denied)


def _warns_too_late(notice: Notice, grant: AccessGrant, now: datetime) -> bool:
    """Tell whether a warning not sent yet would come after what it warns of."""
    if notice.kind != "warning" or notice.ts is not None:
        return False
    return grant.status is not GrantStatus.ACTIVE or grant.expires_at <= now
