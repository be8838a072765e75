"""One claim for everything that is due.

Requests, grants and notices are due the same way: `due_at` has come and no
lease runs. A claim takes a lease and raises the fence, guarded by the lease
before it; a worker that was paused past its lease finds the fence raised and
writes nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

import structlog
from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)
from sqlmodel import Session, col

from bot.core.words import GrantStatus, StaleState
from bot.settings import Clock
from bot.store import audit, directory
from bot.store.database import UTCDateTime
from bot.store.tables import AccessGrant, AccessRequest, Notice

log = structlog.get_logger()

DueRow = TypeVar("DueRow", AccessRequest, AccessGrant, Notice)
AnyDue = AccessRequest | AccessGrant | Notice
Line = tuple[type[AnyDue], tuple[ColumnElement[bool], ...]]
"""A kind of due rows, and what narrows it."""

CLOCK = "clock"
"""What is remembered each minute: what time it was."""

SOON = timedelta(days=1)
TIMES = ("now", "soon", "clock", "free_soon")


def claim(
    session: Session,
    table: type[DueRow],
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    most: int,
    only: Sequence[ColumnElement[bool]] = (),
) -> list[DueRow]:
    """Return up to `most` due rows, leased to `owner` for `lease` from now.

    Those due the longest come first; `only` narrows them.
    """
    clock = lease_clock(session, now)
    due = session.scalars(
        select(col(table.id))
        .where(col(table.due_at) <= now, _is_free(table, clock), *only)
        .order_by(col(table.due_at))
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return []
    try:
        with session.begin_nested():
            claimed = _lease(session, table, due, owner, clock, lease)
    except audit.UNREADABLE:
        claimed = [
            row
            for id_ in due
            for row in _lease_readable(session, table, id_, owner, clock, lease)
        ]
    return sorted(claimed, key=lambda row: due.index(row.id))


def _lease(
    session: Session,
    table: type[DueRow],
    due: Sequence[Any],
    owner: str,
    clock: datetime,
    lease: timedelta,
) -> list[DueRow]:
    claimed = session.scalars(
        update(table)
        .where(col(table.id).in_(due), _is_free(table, clock))
        .values(
            lease_owner=owner,
            lease_until=clock + lease,
            fence=table.fence + 1,
            tries=table.tries + 1,
        )
        .returning(table)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return list(claimed)


def _lease_readable(
    session: Session,
    table: type[DueRow],
    id_: Any,
    owner: str,
    clock: datetime,
    lease: timedelta,
) -> list[DueRow]:
    """Lease one row; put one aside for as long that cannot be read.

    NB. A row that a hand made unreadable must not stop all the others.
    """
    try:
        with session.begin_nested():
            return _lease(session, table, [id_], owner, clock, lease)
    except audit.UNREADABLE:
        log.error("row cannot be read", table=table.__tablename__, row=id_)
    session.execute(
        update(table)
        .where(col(table.id) == id_, _is_free(table, clock))
        .values(lease_owner=owner, lease_until=clock + lease)
        .execution_options(synchronize_session=False)
    )
    return []


def renew(session: Session, row: AnyDue, *, now: datetime, lease: timedelta) -> None:
    """Hold `row` for `lease` from now; StaleState if it was claimed by another."""
    table = type(row)
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(table)
        .where(
            col(table.id) == row.id,
            col(table.fence) == row.fence,
            col(table.lease_owner) == row.lease_owner,
        )
        .values(lease_until=lease_clock(session, now) + lease)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        raise StaleState(f"{table.__tablename__} {row.id} was claimed by another")


def settled(due_at: datetime | None) -> dict[str, Any]:
    """Return the columns of a row whose claim is done with, next due at `due_at`."""
    return {"due_at": due_at, "lease_owner": None, "lease_until": None, "tries": 0}


def put_back(session: Session, row: AnyDue, due_at: datetime) -> None:
    """Let go of `row`, due again at `due_at`, its tries kept.

    Where someone made it due anew while it was held, it stays due then.
    Nothing is written if another holds it by now.
    """
    table = type(row)
    unchanged = col(table.due_at) == row.due_at
    session.execute(
        update(table)
        .where(col(table.id) == row.id, col(table.fence) == row.fence)
        .values(
            due_at=case((unchanged, due_at), else_=col(table.due_at)),
            lease_owner=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )


def let_go(session: Session, row: AnyDue) -> None:
    """Let go of `row` as it is now; nothing if another holds it by now."""
    table = type(row)
    session.execute(
        update(table)
        .where(col(table.id) == row.id, col(table.fence) == row.fence)
        .values(lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def hand_back(session: Session, table: type[AnyDue], owner: str) -> None:
    """Free every lease that `owner` has on rows of `table`."""
    session.execute(
        update(table)
        .where(col(table.lease_owner) == owner)
        .values(lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def free_all(session: Session) -> None:
    """Free every lease: those of the last boot, when only one process runs."""
    for table in (AccessRequest, AccessGrant, Notice):
        session.execute(
            update(table)
            .where(col(table.lease_owner).is_not(None))
            .values(lease_owner=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )


def make_due(
    session: Session,
    integration: str,
    now: datetime,
    *,
    retry: timedelta,
    lease: timedelta,
) -> None:
    """Make what lives due at its end at the latest, and what waits for us now.

    What waits is tried again within `retry`, and nobody holds a row for longer
    than `lease`: what says otherwise was written by no claim of ours.

    A due time is nobody's promise: a row whose own was lost is found again.
    """
    ours = col(AccessGrant.integration) == integration
    never = col(AccessGrant.due_at).is_(None)
    waits = col(AccessGrant.status).in_((GrantStatus.GRANTING, GrantStatus.REVOKING))
    put_off = col(AccessGrant.due_at) > now + retry
    active = col(AccessGrant.status) == GrantStatus.ACTIVE
    late = col(AccessGrant.due_at) > AccessGrant.expires_at
    lost = or_(and_(waits, or_(never, put_off)), and_(active, or_(never, late)))
    held = col(AccessGrant.lease_until) > lease_clock(session, now) + lease
    for which, values in (
        (lost, {"due_at": now}),
        (held, {"lease_owner": None, "lease_until": None}),
    ):
        session.execute(
            update(AccessGrant)
            .where(ours, which)
            .values(values)
            .execution_options(synchronize_session=False)
        )


def next_due(
    session: Session,
    lines: Sequence[Line],
    now: datetime,
    at: Collection[AnyDue] = (),
) -> list[datetime | None]:
    """Return when the next row of each line is due and free, within a day; or None.

    It is `now` for all that is late. One that is held is free when its lease has
    run out: its holder may be dead. Rows that one is `at` already do not count.
    """
    if not lines:
        return []
    clock = lease_clock(session, now)
    values: dict[str, Any] = {"now": now, "soon": now + SOON}
    values |= {"clock": clock, "free_soon": clock + SOON}
    for table, _ in lines:
        ids = [row.id for row in at if isinstance(row, table)]
        values[_at(table)] = ids
    try:
        found = session.execute(_next_due(tuple(lines)), values).one()
    except audit.UNREADABLE:  # a time that a hand wrote: a claim puts its row aside
        return [now] * len(lines)
    waits, comes, held = found[0::3], found[1::3], found[2::3]
    return [
        now
        if late
        else min(filter(None, [due, until and now + (until - clock)]), default=None)
        for late, due, until in zip(waits, comes, held, strict=True)
    ]


@lru_cache
def _next_due(lines: tuple[Line, ...]) -> Select[Any]:
    """Build it once: every loop asks it whenever anything was written."""
    return select(*chain.from_iterable(_times(*line) for line in lines))


def _times(
    table: type[AnyDue], only: Sequence[ColumnElement[bool]]
) -> Iterator[ColumnElement[Any]]:
    """Say whether a row waits, when the next comes, and when a held one is free."""
    now, soon, clock, free_soon = (bindparam(name, type_=UTCDateTime) for name in TIMES)
    due_at, held_until = col(table.due_at), col(table.lease_until)
    others = col(table.id).not_in(bindparam(_at(table), expanding=True))
    free = or_(held_until.is_(None), held_until <= clock)
    yield exists().where(due_at <= now, free, others, *only)
    # Hardly a time that a hand made unreadable is as near as `soon`.
    comes = select(func.min(due_at)).where(due_at.between(now, soon), free)
    yield comes.where(others, *only).scalar_subquery()
    ends = held_until.between(clock, free_soon)
    held = select(func.min(held_until)).where(due_at <= now, not_(free), ends)
    yield held.where(others, *only).scalar_subquery()


def _at(table: type[AnyDue]) -> str:
    return f"at_{table.__tablename__}"


def set_clock(session: Session, clock: Clock) -> None:
    """Let `clock` go by that of a shared database, and never before its events.

    NB. Machines whose clocks differ would take each other's facts for old or for
    fresh, and end what one of them gave early or late.
    """
    if session.get_bind().dialect.name != "sqlite":
        clock.follow(lease_clock(session, clock()))
    newest, kept = audit.head(session), directory.remembered(session, CLOCK)
    for told in (newest, kept):
        if told is not None:
            clock.not_before(told.at)


def keep_clock(session: Session, now: datetime) -> None:
    """Remember what time it is: a start never goes by an earlier one.

    NB. Where nothing happens there is no event, and a machine that comes up with its
    clock set back would lengthen what is held by as long as that.
    """
    directory.remember(session, CLOCK, {}, now)


def lease_clock(session: Session, now: datetime) -> datetime:
    """Return the time that leases are counted by.

    NB. On a shared database it is the database's own: a machine whose clock is
    ahead of the others' would take from them what they hold.
    """
    if session.get_bind().dialect.name == "sqlite":
        return now
    clock: datetime = session.scalars(select(func.clock_timestamp())).one()
    return clock


def _is_free(table: type[AnyDue], clock: datetime) -> ColumnElement[bool]:
    return or_(col(table.lease_until).is_(None), col(table.lease_until) <= clock)
