"""Rows to begin a test of the store with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from bot.core.words import GrantStatus, RequestStatus
from bot.store.moves import create, move
from bot.store.tables import AccessGrant, AccessRequest, Event, Notice

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def request_row(name: str = "r1", **changes: Any) -> AccessRequest:
    """Return a pending request that is not in the database yet."""
    columns: dict[str, Any] = {
        "id": name,
        "integration": "corp",
        "flow": "engineers",
        "requester_id": "00u-ann",
        "grantee_id": "00u-ann",
        "group_id": f"00g-{name}",
        "duration_seconds": 3600,
        "justification": "OPS-12",
        "terms": {},
        "status": RequestStatus.PENDING,
        "asked_at": NOW,
        "lapse_at": NOW + 24 * HOUR,
    }
    return AccessRequest(**columns | changes)


def ask(session: Session, /, name: str = "r1", **changes: Any) -> AccessRequest:
    """Write a pending request."""
    row = request_row(name, **changes)
    create(session, row, by="okta:00u-ann", now=NOW)
    return row


def approve(session: Session, request: AccessRequest) -> Event:
    """Approve `request` for as long as it asked for; return the approval."""
    return move(
        session,
        request,
        RequestStatus.APPROVED,
        by="okta:00u-bob",
        now=NOW,
        data={"granted_seconds": request.duration_seconds},
        decided_by="00u-bob",
    )


def grant_row(
    request: AccessRequest, approval: Event, name: str, **changes: Any
) -> AccessGrant:
    """Return the grant of an approved request that is not in the database yet."""
    columns: dict[str, Any] = {
        "id": name,
        "request_id": request.id,
        "integration": request.integration,
        "grantee_id": request.grantee_id,
        "group_id": request.group_id,
        "duration_seconds": request.duration_seconds,
        "status": GrantStatus.GRANTING,
        "expires_at": NOW + HOUR,
        "approved_event": approval.seq,
        "deliver_by": NOW + 24 * HOUR,
        "due_at": NOW,
    }
    return AccessGrant(**columns | changes)


def grant(session: Session, /, name: str = "g1", **changes: Any) -> AccessGrant:
    """Write a grant with the request and the approval it was born of."""
    request = ask(session, f"r-{name}")
    row = grant_row(request, approve(session, request), name, **changes)
    create(session, row, by="bot", now=NOW)
    return row


def notice(session: Session, /, key: str = "n1", **changes: Any) -> Notice:
    """Write a notice that is due."""
    columns: dict[str, Any] = {
        "key": key,
        "kind": "card",
        "recipient": "U1",
        "made_at": NOW,
        "due_at": NOW,
    }
    row = Notice(**columns | changes)
    session.add(row)
    session.flush()
    return row


def events(session: Session) -> list[Event]:
    """Return the whole audit, oldest first."""
    return list(session.exec(select(Event).order_by(col(Event.seq))))
