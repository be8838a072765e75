"""Revoking: an admin ends whatever somebody has of a group, and what they wait for."""

from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from bot.core.words import LIVE, Cause, GrantStatus, Refused, RequestStatus
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.grants.ending import end
from bot.workflow.requests import refuse
from bot.workflow.upkeep import strays

REVOKED = Refused("An admin has revoked this access, so it is not given now.")


def revoke(
    session: Session,
    integration: str,
    person_id: str,
    group_id: str | None,
    *,
    by: str,
    now: datetime,
) -> int:
    """End what a person holds of a group, or of all groups when it is None.

    What they wait for there is denied, and what `recover` gave an end ends now.
    Returns how much that is; what is being removed already is left to that.
    """
    ended = strays.end_now(session, integration, person_id, group_id, by=by, now=now)
    for grant in session.exec(_held(integration, person_id, group_id)).all():
        if grant.status is not GrantStatus.REVOKING:
            end(session, grant, Cause.REVOKED, by, now)
            ended += 1
    for request in session.exec(_waiting(integration, person_id, group_id)).all():
        refuse(session, request, REVOKED, now)
        ended += 1
    return ended


def being_removed(
    session: Session, integration: str, person_id: str, group_id: str | None
) -> int:
    """Return of how many groups a person is being removed, or of that one."""
    held = session.exec(_held(integration, person_id, group_id)).all()
    return sum(grant.status is GrantStatus.REVOKING for grant in held)


def being_taken_back(
    session: Session, integration: str, person_id: str, group_id: str | None
) -> int:
    """Return how many that `recover` gave an end wait for the upkeep to end them."""
    return len(strays.held_by(session, integration, person_id, group_id))


def _held(
    integration: str, person_id: str, group_id: str | None
) -> SelectOfScalar[AccessGrant]:
    held = select(AccessGrant).where(
        AccessGrant.integration == integration,
        AccessGrant.grantee_id == person_id,
        col(AccessGrant.status).in_(LIVE),
    )
    return held.where(AccessGrant.group_id == group_id) if group_id else held


def _waiting(
    integration: str, person_id: str, group_id: str | None
) -> SelectOfScalar[AccessRequest]:
    waiting = select(AccessRequest).where(
        AccessRequest.integration == integration,
        AccessRequest.grantee_id == person_id,
        AccessRequest.status == RequestStatus.PENDING,
    )
    return waiting.where(AccessRequest.group_id == group_id) if group_id else waiting
