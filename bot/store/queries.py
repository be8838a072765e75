"""Reads of requests, grants and notices. Nothing here writes or decides."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, and_, bindparam, case, or_
from sqlmodel import Session, col, func, select

from bot.core.policy import Asked, Moment, Standing
from bot.core.words import AUTOMATIC, LIVE, POLICY, GrantStatus, RequestStatus
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Answer,
    Event,
    Notice,
    OktaGroup,
    OktaPerson,
)

_LIVE_GRANT = select(AccessGrant).where(
    AccessGrant.integration == bindparam("integration"),
    AccessGrant.grantee_id == bindparam("grantee"),
    AccessGrant.group_id == bindparam("group"),
    col(AccessGrant.status).in_(LIVE),
)
_PENDING = select(AccessRequest.id).where(
    AccessRequest.integration == bindparam("integration"),
    AccessRequest.grantee_id == bindparam("grantee"),
    AccessRequest.group_id == bindparam("group"),
    AccessRequest.status == RequestStatus.PENDING,
    AccessRequest.id != bindparam("apart_from"),
)


def request_of_delivery(session: Session, delivery: str | None) -> AccessRequest | None:
    """Return the request that a delivery of Slack's made, if it made one."""
    if delivery is None:
        return None
    return session.exec(
        select(AccessRequest).where(AccessRequest.delivery == delivery)
    ).first()


def standing(
    session: Session, integration: str, asked: Asked, *, apart_from: str | None = None
) -> Standing:
    """Return what the grantee has of the group already, as rows know it.

    `apart_from` is the request in question: it and its grant do not count.
    """
    grant = live_grant(session, integration, asked.grantee.id, asked.group.id)
    if grant is not None and grant.request_id == apart_from:
        grant = None
    pair = _pair(integration, asked.grantee.id, asked.group.id)
    pending = session.scalars(_PENDING, pair | {"apart_from": apart_from or ""}).first()
    groups = asked.grantee.groups
    return Standing(
        is_member=None if groups is None else asked.group.id in groups,
        pending=pending is not None,
        held_until=grant.expires_at if grant else None,
        ending=grant is not None and grant.status is GrantStatus.REVOKING,
    )


def moment(session: Session, integration: str, asked: Asked, now: datetime) -> Moment:
    """Return what the requester asked for lately, as the limits count it."""
    theirs = (
        AccessRequest.integration == integration,
        AccessRequest.requester_id == asked.requester.id,
    )
    count = select(func.count()).select_from(AccessRequest)
    waiting = count.where(*theirs, AccessRequest.status == RequestStatus.PENDING)
    lately = count.where(*theirs, AccessRequest.asked_at > now - timedelta(hours=1))
    denied = select(func.max(AccessRequest.decided_at)).where(
        *theirs,
        AccessRequest.grantee_id == asked.grantee.id,
        AccessRequest.group_id == asked.group.id,
        AccessRequest.status == RequestStatus.DENIED,
        AccessRequest.decided_by != POLICY,
    )
    return Moment(
        now=now,
        open=session.exec(waiting).one(),
        lately=session.exec(lately).one(),
        denied_at=session.exec(denied).one(),
    )


def count_automatic(
    session: Session, integration: str, flow: str, requester_id: str, since: datetime
) -> int:
    """Return how often a flow gave to a requester by rule since."""
    given = (
        select(func.count())
        .select_from(AccessRequest)
        .where(
            AccessRequest.integration == integration,
            AccessRequest.requester_id == requester_id,
            AccessRequest.flow == flow,
            AccessRequest.decided_by == AUTOMATIC,
            col(AccessRequest.decided_at) > since,
        )
    )
    return session.exec(given).one()


def put_to(
    session: Session, integration: str, person_id: str, most: int
) -> list[AccessRequest]:
    """Return the requests that wait for a person's answer, the oldest first.

    Whom a request is put to stands in its routing: those few that wait are read.
    """
    answered = select(Answer.request_id).where(Answer.person_id == person_id)
    waiting = (
        select(AccessRequest)
        .where(
            AccessRequest.integration == integration,
            AccessRequest.status == RequestStatus.PENDING,
            AccessRequest.step > 0,
            col(AccessRequest.id).not_in(answered),
        )
        .order_by(col(AccessRequest.asked_at))
    )
    found = (
        request
        for request in session.exec(waiting)
        if person_id in request.routing.get("people", ())
    )
    return list(islice(found, most))


def extensions_of(session: Session, grant: AccessGrant) -> list[AccessRequest]:
    """Return the requests that would make, or made, `grant` longer."""
    return list(
        session.exec(select(AccessRequest).where(AccessRequest.extends == grant.id))
    )


def live_grant(
    session: Session, integration: str, grantee_id: str, group_id: str
) -> AccessGrant | None:
    """Return the one grant of the pair that lives."""
    pair = _pair(integration, grantee_id, group_id)
    return session.scalars(_LIVE_GRANT, pair).first()


def ended_before(
    session: Session, row: AccessRequest | AccessGrant
) -> AccessGrant | None:
    """Return the grant of the pair of `row` that ended last before it."""
    return session.exec(
        select(AccessGrant)
        .where(
            AccessGrant.integration == row.integration,
            AccessGrant.grantee_id == row.grantee_id,
            AccessGrant.group_id == row.group_id,
            AccessGrant.id != row.id,
            col(AccessGrant.ended_at).is_not(None),
        )
        .order_by(col(AccessGrant.ended_at).desc())
    ).first()


def is_given_anew(session: Session, grant: AccessGrant) -> bool:
    """Tell whether a later grant of the same pair lives and may have been added."""
    live = live_grant(session, grant.integration, grant.grantee_id, grant.group_id)
    return live is not None and bool(live.added_at or live.unsure_until)


def is_member_by_rows(session: Session, row: AccessRequest | AccessGrant) -> bool:
    """Tell whether the grantee was in the group when last read."""
    person = session.get(OktaPerson, (row.integration, row.grantee_id))
    return person is not None and row.group_id in (person.group_ids or ())


def names_of(session: Session, about: AccessGrant | AccessRequest) -> tuple[str, str]:
    """Return whom and what it is about, by login and name where known."""
    return names(session, about.integration, about.grantee_id, about.group_id)


def names(
    session: Session, integration: str, person_id: str, group_id: str
) -> tuple[str, str]:
    """Return the login of a person and the name of a group; their ids if not known."""
    person = session.get(OktaPerson, (integration, person_id))
    group = session.get(OktaGroup, (integration, group_id))
    return person.login if person else person_id, group.name if group else group_id


def live_grants(session: Session, integration: str) -> list[AccessGrant]:
    """Return every grant of an integration that lives."""
    return list(
        session.exec(
            select(AccessGrant).where(
                AccessGrant.integration == integration,
                col(AccessGrant.status).in_(LIVE),
            )
        )
    )


def count_held(session: Session) -> dict[str, int]:
    """Return how many grants of each integration live, or may still come to life."""
    held = (
        select(AccessGrant.integration, func.count())
        .where(
            col(AccessGrant.status).in_(LIVE)
            | col(AccessGrant.unsure_until).is_not(None)
        )
        .group_by(AccessGrant.integration)
    )
    return dict(session.exec(held).all())


def pending_elsewhere(
    session: Session, integrations: Iterable[str]
) -> list[AccessRequest]:
    """Return the requests that wait for an answer in any other integration."""
    return list(
        session.exec(
            select(AccessRequest).where(
                AccessRequest.status == RequestStatus.PENDING,
                col(AccessRequest.integration).not_in(list(integrations)),
            )
        )
    )


def told_alive(session: Session, integration: str) -> list[str]:
    """Return the ids of grants that the chain tells were born, and not that they ended.

    Nothing is verified here: it tells where to look.
    """
    ended = select(Event.grant_id).where(
        col(Event.grant_id).is_not(None),
        col(Event.kind).in_(("grant revoked", "grant failed")),
    )
    born = select(Event.grant_id).where(
        Event.kind == "grant granting",
        Event.integration == integration,
        col(Event.grant_id).not_in(ended),
    )
    return [grant_id for grant_id in session.exec(born) if grant_id]


def is_asked_whether_gone(session: Session, grant: AccessGrant) -> bool:
    """Tell whether somebody was asked if the group of `grant` is gone from Okta."""
    asked = select(Notice.id).where(Notice.grant_id == grant.id, Notice.kind == "gone")
    return session.exec(asked.limit(1)).first() is not None


def grants(
    session: Session,
    *,
    statuses: Sequence[GrantStatus] = (),
    person_id: str | None = None,
    integration: str | None = None,
    most: int = 100,
) -> list[AccessGrant]:
    """Return grants, those that end last first."""
    query = select(AccessGrant).order_by(col(AccessGrant.expires_at).desc())
    if statuses:
        query = query.where(col(AccessGrant.status).in_(statuses))
    if person_id:
        query = query.where(AccessGrant.grantee_id == person_id)
    if integration:
        query = query.where(AccessGrant.integration == integration)
    return list(session.exec(query.limit(most)))


def requests(
    session: Session,
    *,
    statuses: Sequence[RequestStatus] = (),
    person_id: str | None = None,
    integration: str | None = None,
    most: int = 100,
) -> list[AccessRequest]:
    """Return requests, the newest first."""
    query = select(AccessRequest).order_by(col(AccessRequest.asked_at).desc())
    if statuses:
        query = query.where(col(AccessRequest.status).in_(statuses))
    if person_id:
        query = query.where(AccessRequest.requester_id == person_id)
    if integration:
        query = query.where(AccessRequest.integration == integration)
    return list(session.exec(query.limit(most)))


def integrations(session: Session) -> list[str]:
    """Return every integration of which anybody or anything is known, by name."""
    tables = (OktaPerson, OktaGroup, AccessRequest)
    return sorted(
        {
            name
            for table in tables
            for name in session.exec(select(table.integration).distinct())
        }
    )


def anything_lives(session: Session) -> bool:
    """Tell whether a grant is still to be given, held or removed."""
    live = select(AccessGrant.id).where(col(AccessGrant.status).in_(LIVE)).limit(1)
    return session.exec(live).first() is not None


_REVOKING = col(AccessGrant.status) == GrantStatus.REVOKING


def oldest_overdue(session: Session, now: datetime) -> datetime | None:
    """Return when the membership should have ended that is overdue the longest.

    One that was given back, or revoked, is so from then on, whenever its end was.
    """
    ends = col(AccessGrant.expires_at)
    since = case((_REVOKING, func.coalesce(AccessGrant.revoking_at, ends)), else_=ends)
    oldest: datetime | None = session.scalar(
        select(func.min(since)).where(_is_overdue(now))
    )
    return oldest


def count_overdue(session: Session, now: datetime) -> int:
    """Return how many memberships should have ended and are not proven gone."""
    overdue = select(func.count(col(AccessGrant.id))).where(_is_overdue(now))
    return session.scalar(overdue) or 0


def _is_overdue(now: datetime) -> ColumnElement[bool]:
    """Tell of what is revoking, and of what is there, or may be, past its end."""
    active = col(AccessGrant.status) == GrantStatus.ACTIVE
    granting = col(AccessGrant.status) == GrantStatus.GRANTING
    sent = or_(
        col(AccessGrant.added_at).is_not(None),
        col(AccessGrant.unsure_until).is_not(None),
    )
    past = col(AccessGrant.expires_at) <= now
    return or_(_REVOKING, and_(past, or_(active, and_(granting, sent))))


def count_live(session: Session, integration: str | None = None) -> int:
    """Return how many grants live: all, or those of one integration."""
    live = select(func.count(col(AccessGrant.id))).where(
        col(AccessGrant.status).in_(LIVE)
    )
    if integration is not None:
        live = live.where(AccessGrant.integration == integration)
    return session.scalar(live) or 0


def count_pending(session: Session) -> int:
    """Return how many requests wait for an answer."""
    pending = AccessRequest.status == RequestStatus.PENDING
    return session.scalar(select(func.count(col(AccessRequest.id))).where(pending)) or 0


def _pair(integration: str, grantee_id: str, group_id: str) -> dict[str, str]:
    return {"integration": integration, "grantee": grantee_id, "group": group_id}
