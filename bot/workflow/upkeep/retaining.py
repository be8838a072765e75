"""What is kept is kept only for so long: texts of messages and profiles, the audit.

The audit is pruned from its beginning, behind an event that tells how far, and
what the hash there was: from it `audit verify` goes on. Nothing is pruned that
still tells of what lives, or of what ended too lately.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CursorResult,
    Delete,
    String,
    Update,
    cast,
    delete,
    func,
    null,
    or_,
    update,
)
from sqlmodel import Session, col, select

from bot.core.catalogue.values import Retention
from bot.core.words import LIVE, RequestStatus
from bot.store import audit
from bot.store.database import Database
from bot.store.files import IN_FORCE
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    AccountEnd,
    Answer,
    Event,
    EventText,
    Notice,
    OktaPerson,
)
from bot.workflow.upkeep import strays

UNSYNCED = {"synchronize_session": False}


@dataclass(frozen=True)
class Retained:
    """How much was let go of: messages, texts of requests, profiles, events."""

    messages: int = 0
    requests: int = 0
    profiles: int = 0
    events: int = 0


async def retain(database: Database, retention: Retention, now: datetime) -> Retained:
    """Erase and prune what is older than `retention` says; return how much.

    Each is kept for itself: texts go also where the audit cannot be pruned.
    """
    erased = (0, 0, 0)
    if retention.messages is not None:
        erased = await database.run(_erase, now - retention.messages)
    pruned = 0
    if retention.audit is not None:
        pruned = await database.run(_prune, now - retention.audit, now)
    return Retained(*erased, pruned)


def _erase(session: Session, before: datetime) -> tuple[int, int, int]:
    return (
        _erase_messages(session, before),
        _erase_requests(session, before),
        _erase_profiles(session, before),
    )


def _erase_messages(session: Session, before: datetime) -> int:
    """Forget messages that are sent and tell of nothing that lives."""
    living = select(AccessGrant.id).where(col(AccessGrant.status).in_(LIVE))
    waiting = select(AccessRequest.id).where(
        AccessRequest.status == RequestStatus.PENDING
    )
    old = delete(Notice).where(
        col(Notice.made_at) < before,
        col(Notice.due_at).is_(None),
        col(Notice.kind) != "home",
        or_(col(Notice.grant_id).is_(None), col(Notice.grant_id).not_in(living)),
        or_(col(Notice.request_id).is_(None), col(Notice.request_id).not_in(waiting)),
    )
    return _count(session, old)


def _erase_requests(session: Session, before: datetime) -> int:
    """Erase what people wrote in requests that are decided; the audit has its own."""
    old = select(AccessRequest.id).where(
        AccessRequest.status != RequestStatus.PENDING,
        col(AccessRequest.decided_at) < before,
    )
    _count(
        session,
        update(Answer)
        .where(col(Answer.request_id).in_(old), col(Answer.reason).is_not(None))
        .values(reason=None),
    )
    return _count(
        session,
        update(AccessRequest)
        .where(
            col(AccessRequest.id).in_(old),
            or_(
                col(AccessRequest.justification).is_not(None),
                col(AccessRequest.reason).is_not(None),
            ),
        )
        .values(justification=None, reason=None),
    )


def _erase_profiles(session: Session, before: datetime) -> int:
    """Erase the attributes of people who were not met since; their names stay."""
    holds = select(AccessGrant.grantee_id).where(col(AccessGrant.status).in_(LIVE))
    return _count(
        session,
        update(OktaPerson)
        .where(
            col(OktaPerson.read_at) < before,
            col(OktaPerson.id).not_in(holds),
            cast(col(OktaPerson.profile), String) != "{}",
        )
        .values(profile={}, group_ids=null()),
    )


def _prune(session: Session, before: datetime, now: datetime) -> int:
    """Cut the audit off at the newest event that nothing needs any more."""
    last = _last_unneeded(session, before)
    first = session.exec(select(func.min(Event.seq))).one()
    if last is None or first is None or last < first:
        return 0
    cut = session.get_one(Event, last)
    told = {"through": last, "hash": cut.hash}
    audit.record(session, audit.PRUNED, by="bot", now=now, data=told)
    session.flush()
    pruned = col(Event.seq) <= last
    _forget_rows(session, last)
    _count(session, delete(EventText).where(col(EventText.seq) <= last))
    return _count(session, delete(Event).where(pruned))


def _last_unneeded(session: Session, before: datetime) -> int | None:
    """Return up to which event nothing is needed: of what lives, nor lately told."""
    recent = session.exec(select(func.min(Event.seq)).where(Event.at >= before)).one()
    newest = session.exec(select(func.max(Event.seq))).one()
    file = session.exec(select(func.max(Event.seq)).where(Event.kind == IN_FORCE)).one()
    ends = select(AccountEnd.person_id).where(
        col(AccountEnd.step).in_(("noticed", "delivered", "acting", "deleting"))
    )
    ending = session.exec(
        select(func.min(Event.seq)).where(col(Event.person_id).in_(ends))
    ).one()
    needed = [each for each in (recent, newest, file, ending) if each is not None]
    living = select(AccessGrant.request_id).where(
        col(AccessGrant.status).in_(LIVE) | col(AccessGrant.unsure_until).is_not(None)
    )
    waiting = select(AccessRequest.id).where(
        AccessRequest.status == RequestStatus.PENDING
    )
    lives = session.exec(
        select(func.min(Event.seq)).where(
            col(Event.request_id).in_(living) | col(Event.request_id).in_(waiting)
        )
    ).one()
    needed += [] if lives is None else [lives]
    needed += strays.waiting(session)
    return _without_parting(session, min(needed) - 1) if needed else None


def _without_parting(session: Session, last: int) -> int:
    """Return up to which event, at most `last`, no request is told of on both sides.

    A request, its grant and what was asked to extend it go as one: the seal of the
    one rests on the other.
    """
    root = func.coalesce(AccessGrant.request_id, Event.request_id)
    spans = (
        select(func.min(Event.seq).label("first"), func.max(Event.seq).label("newest"))
        .outerjoin(AccessRequest, col(AccessRequest.id) == Event.request_id)
        .outerjoin(AccessGrant, col(AccessGrant.id) == AccessRequest.extends)
        .where(col(Event.request_id).is_not(None))
        .group_by(root)
        .subquery()
    )
    while True:
        parted = select(func.min(spans.c.first)).where(
            spans.c.first <= last, spans.c.newest > last
        )
        first = session.exec(parted).one()
        if first is None:
            return last
        last = first - 1


def _forget_rows(session: Session, last: int) -> None:
    """Forget the requests and grants of which no event is left."""
    left = select(Event.request_id).where(
        col(Event.seq) > last, col(Event.request_id).is_not(None)
    )
    gone = select(AccessRequest.id).where(col(AccessRequest.id).not_in(left))
    grants = select(AccessGrant.id).where(col(AccessGrant.request_id).in_(gone))
    for statement in (
        delete(Notice).where(col(Notice.grant_id).in_(grants)),
        delete(Notice).where(col(Notice.request_id).in_(gone)),
        delete(Answer).where(col(Answer.request_id).in_(gone)),
        update(AccessRequest)
        .where(col(AccessRequest.id).in_(gone))
        .values(extends=None),
        delete(AccessGrant).where(col(AccessGrant.request_id).in_(gone)),
        delete(AccessRequest).where(col(AccessRequest.id).not_in(left)),
    ):
        session.execute(statement.execution_options(**UNSYNCED))


def _count(session: Session, statement: Delete | Update) -> int:
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        statement.execution_options(**UNSYNCED)
    )
    return result.rowcount
