"""How a request ends without an approver: cancelled, lapsed, denied by policy."""

from datetime import datetime

from sqlmodel import Session

from bot.core.words import POLICY, Refused, RequestStatus
from bot.store import moves
from bot.store.claims import settled
from bot.store.tables import AccessRequest
from bot.workflow.notices import tell_requester

DECIDED = Refused("This has been answered already.")
NOT_AS_WRITTEN = Refused("The record of this request is not as it was written.")


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
