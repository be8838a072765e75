"""An approval that is complete: the birth of a grant, or a later end of one."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.core.policy import Asked, Policy, deciding_flow, may_extend
from bot.core.words import AUTOMATIC, GrantStatus, Refused, RequestStatus
from bot.store import directory, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant, AccessRequest, Event
from bot.workflow.notices import tell_requester
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests.asking import as_asked
from bot.workflow.requests.ending import refuse
from bot.workflow.warnings import next_due

ENDED = Refused("The access it was to extend has ended.")


def approve_by_rule(
    session: Session, office: Office, request: AccessRequest, now: datetime
) -> None:
    """Approve what the flow gives without asking anybody; tell who asked."""
    claim = settled(None) | {"fence": request.fence}
    conclude(
        session,
        office,
        request,
        request.duration_seconds,
        by=AUTOMATIC,
        now=now,
        data={"rung": AUTOMATIC},
        **claim,
    )
    tell_requester(session, "sent", request, now)


def conclude(
    session: Session,
    office: Office,
    request: AccessRequest,
    seconds: int,
    *,
    by: str,
    now: datetime,
    data: Mapping[str, Any],
    reason: str = "",
    **columns: Any,
) -> AccessRequest | Refused:
    """Approve `request` for `seconds`, and give or extend, in this one transaction.

    `by` is the person who completed it, or AUTOMATIC.
    """
    if request.extends is not None:
        more = _extension(session, office, request, seconds, now)
        if isinstance(more, Refused):
            refuse(session, request, more, now)
            return more
        grant, seconds = more
    approval = moves.move(
        session,
        request,
        RequestStatus.APPROVED,
        by=AUTOMATIC if by == AUTOMATIC else f"okta:{by}",
        now=now,
        data={**data, "granted_seconds": seconds},
        text={"reason": reason},
        decided_at=now,
        decided_by=by,
        reason=reason or None,
        **{"due_at": None, **columns},
    )
    if request.extends is not None:
        _extend(session, request, grant, seconds, now)
    else:
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


def _extension(
    session: Session,
    office: Office,
    request: AccessRequest,
    seconds: int,
    now: datetime,
) -> tuple[AccessGrant, int] | Refused:
    """Return the grant to extend, and by how much it may be now."""
    grant = session.get(AccessGrant, request.extends)
    if grant is None or not is_held(grant, now):
        return ENDED
    policy = policy_for(session, office.catalogue, office.integration)
    group = directory.group(session, office.name, request.group_id)
    asked = as_asked(session, request, group, now - office.timing.facts_stay_fresh)
    if isinstance(asked, Refused):
        return asked
    most = extension_of(session, policy, asked, grant, apart_from=request.id)
    if isinstance(most, Refused):
        return most
    return grant, min(seconds, int(most.total_seconds()))


def is_held(grant: AccessGrant, now: datetime) -> bool:
    """Tell whether a grant is active and its end has not come."""
    return grant.status is GrantStatus.ACTIVE and now < grant.expires_at


def extension_of(
    session: Session,
    policy: Policy,
    asked: Asked,
    grant: AccessGrant,
    apart_from: str | None = None,
) -> timedelta | Refused:
    """Return by how much `grant` may be extended under the file of today."""
    flow = deciding_flow(policy, asked)
    if isinstance(flow, Refused):
        return flow
    approved = [
        each
        for each in queries.extensions_of(session, grant)
        if each.status is RequestStatus.APPROVED and each.id != apart_from
    ]
    return may_extend(
        flow,
        extended=len(approved),
        began=grant.active_at or grant.expires_at,
        ends=grant.expires_at,
    )


def _extend(
    session: Session,
    request: AccessRequest,
    grant: AccessGrant,
    seconds: int,
    now: datetime,
) -> None:
    """Move the end of an active grant; a worker that holds it finds it moved on."""
    first = session.get_one(AccessRequest, grant.request_id)
    ends = grant.expires_at + timedelta(seconds=seconds)
    moves.advance(
        session,
        grant,
        "extended",
        by="bot",
        now=now,
        data={"by_request": request.id, "seconds": seconds},
        expires_at=ends,
        due_at=next_due(grant, first, now, ends),
    )
    moves.redraw(session, grant, now)
    tell_requester(session, "extended", request, now)
