"""The only writes of a status or a standing.

`create()` and `move()` write a status, `advance()` what changes no status: a
routing, an answer, an intent, a new end. Each is guarded by the row's allowed
origins, its version, and for a worker its fence, and writes exactly one event
in the same transaction. A row that is no longer as it was read is StaleState:
someone else acted first, and nothing is written.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Update, and_, bindparam, or_, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col

from bot.core.words import ORIGINS, BrokenSeal, Cause, GrantStatus, StaleState, Status
from bot.store import audit, evidence
from bot.store.tables import AccessGrant, AccessRequest, Event, Notice, table_of

Row = AccessRequest | AccessGrant

LIVING = frozenset({"card", "sent", "granted", "warning", "gone", "reminder"})
"""Kinds of notices that are drawn again when what they show has changed."""

TERMS = frozenset({"expires_at", "was_member", "duration_seconds"})
"""What a seal covers and a later write may change."""

_NOTICES = table_of(Notice)


def _draw_again(shows: ColumnElement[bool]) -> Update:
    notice = _NOTICES.c
    return (
        update(_NOTICES)
        .where(shows, notice.kind.in_(LIVING), notice.dropped.is_(None))
        .values(wanted_version=notice.wanted_version + 1, due_at=bindparam("now"))
    )


_OF_REQUEST = _NOTICES.c.request_id == bindparam("request")
_OF_GRANT = or_(
    _NOTICES.c.grant_id == bindparam("grant"),
    and_(_OF_REQUEST, _NOTICES.c.kind == "sent"),
)
_DRAW_REQUEST = _draw_again(_OF_REQUEST)
_DRAW_GRANT = _draw_again(_OF_GRANT)


def create(
    session: Session,
    row: Row,
    *,
    by: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
) -> Event:
    """Write `row` in its first status: a move from nothing."""
    if None not in ORIGINS[row.status]:
        raise StaleState(f"nothing is born {row.status}")
    row.version = 1
    if isinstance(row, AccessGrant):
        row.seal = audit.seal(session, row)
    session.add(row)
    session.flush()
    return _record(session, row, str(row.status), by=by, now=now, data=data, text=text)


def move(
    session: Session,
    /,
    row: Row,
    to: Status,
    *,
    by: str,
    now: datetime,
    fence: int | None = None,
    data: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    **columns: Any,
) -> Event:
    """Change the status of `row` to `to`, draw its pictures again."""
    if row.status not in ORIGINS[to]:
        raise StaleState(f"what is {row.status} does not become {to}")
    _write(session, row, fence, {**columns, "status": to})
    redraw(session, row, now)
    return _record(session, row, str(to), by=by, now=now, data=data, text=text)


def advance(
    session: Session,
    /,
    row: Row,
    what: str,
    *,
    by: str,
    now: datetime,
    fence: int | None = None,
    data: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    **columns: Any,
) -> Event:
    """Change the standing of `row` within its status; `what` names the event."""
    if "status" in columns:
        raise ValueError("a status is written by move()")
    _write(session, row, fence, columns)
    return _record(session, row, what, by=by, now=now, data=data, text=text)


def put_back_as_told(
    session: Session, grant_id: str, now: datetime
) -> AccessGrant | None:
    """Write a grant as the chain left it, due now, over what a hand made of it.

    None where no event of it verifies, or its request is gone. It is no move:
    the row never left its standing but by that hand.
    """
    told = evidence.newest_of(session, grant_id)
    if told is None:
        return None
    request = evidence.read_row(session, AccessRequest, told.request_id)
    if request is None:
        return None
    columns = _as_told(told.data["row"]) | {"due_at": now, "deliver_by": now}
    where = update(AccessGrant).where(col(AccessGrant.id) == grant_id)
    options = {"synchronize_session": False}
    written: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        where.values(columns).execution_options(**options)
    )
    if written.rowcount == 0:
        session.add(AccessGrant(id=grant_id, request_id=request.id, seal="", **columns))
        session.flush()
    return session.get_one(AccessGrant, grant_id, populate_existing=True)


def _as_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return every column that can be told, the others empty."""
    unknown = (
        *("cause", "lease_owner", "lease_until", "unsure_until", "added_at"),
        *("active_at", "revoking_at", "ended_at", "ended_by", "problem"),
    )
    return dict.fromkeys(unknown) | {
        "integration": row["integration"],
        "grantee_id": row["grantee"],
        "group_id": row["group"],
        "duration_seconds": row["duration"],
        "status": GrantStatus(row["status"]),
        "version": row["version"],
        "expires_at": datetime.fromisoformat(row["expires_at"]),
        "was_member": row["was_member"],
        "approved_event": row["approved_event"],
        "fence": 0,
        "tries": 0,
    }


def redraw(session: Session, row: Row, now: datetime) -> None:
    """Make every living picture of `row` due, to show it as it is now.

    What the requester was sent shows the request and what became of it.
    """
    if isinstance(row, AccessGrant):
        about = {"request": row.request_id, "grant": row.id}
        session.execute(_DRAW_GRANT, about | {"now": now})
    else:
        session.execute(_DRAW_REQUEST, {"request": row.id, "now": now})


def _write(
    session: Session, row: Row, fence: int | None, columns: dict[str, Any]
) -> None:
    """Write `columns` over `row` if it is still as it was read; `row` shows them."""
    if isinstance(row, AccessGrant) and TERMS & columns.keys():
        columns = columns | {"seal": _reseal(session, row, columns)}
    values = columns | {"version": row.version + 1}
    table = table_of(type(row))
    guards = [
        table.c.id == row.id,
        table.c.version == row.version,
        table.c.status == row.status,
    ]
    if fence is not None:
        guards.append(table.c.fence == fence)
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(table).where(*guards).values(values)
    )
    if result.rowcount != 1:
        raise StaleState(f"{table.name} {row.id} has moved on")
    for name, value in values.items():
        set_committed_value(row, name, value)


def _reseal(session: Session, grant: AccessGrant, columns: Mapping[str, Any]) -> str:
    """Return the seal of `grant` with `columns` over it.

    NB. Only a sealed grant is sealed again: new terms on a row that someone
    else wrote would make their hand ours.
    """
    if not evidence.is_sealed(session, grant):
        raise BrokenSeal(f"grant {grant.id} is not as it was written")
    changed = AccessGrant(**grant.model_dump())
    for name, value in columns.items():
        setattr(changed, name, value)
    return audit.seal(session, changed)


def _record(
    session: Session,
    row: Row,
    what: str,
    *,
    by: str,
    now: datetime,
    data: Mapping[str, Any] | None,
    text: Mapping[str, str] | None,
) -> Event:
    noun = "grant" if isinstance(row, AccessGrant) else "request"
    return audit.record(
        session,
        f"{noun} {what}",
        by=by,
        now=now,
        data={**(data or {}), "row": audit.row_picture(row)},
        text=text,
        integration=row.integration,
        person_id=row.grantee_id,
        group_id=row.group_id,
        request_id=row.request_id if isinstance(row, AccessGrant) else row.id,
        grant_id=row.id if isinstance(row, AccessGrant) else None,
        cause=_cause(row),
    )


def _cause(row: Row) -> Cause | None:
    return row.cause if isinstance(row, AccessGrant) else None
