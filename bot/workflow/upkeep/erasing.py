"""Erasing: all that is kept of one person but ids, with the audit still verifying."""

from datetime import datetime

from sqlalchemy import ColumnElement, Delete, Update, delete, or_, update
from sqlmodel import Session, col, select

from bot.core.words import LIVE, RequestStatus
from bot.store import audit, directory
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Answer,
    Event,
    EventText,
    OktaPerson,
    SlackAccount,
)


def erase(
    session: Session, integration: str, person_id: str, *, by: str, now: datetime
) -> bool:
    """Erase names and free text of a person; False while they hold or await anything.

    The chain keeps ids and salted digests, so it verifies afterwards.
    """
    if _is_in_use(session, integration, person_id):
        return False
    for statement in _erasures(integration, person_id):
        session.execute(statement.execution_options(synchronize_session=False))
    _forget_account(session, integration, person_id)
    audit.record(
        session,
        "person erased",
        by=by,
        now=now,
        integration=integration,
        person_id=person_id,
    )
    return True


def _erasures(integration: str, person_id: str) -> tuple[Delete | Update, ...]:
    """Return what takes out their profile, and what they and others wrote of it."""
    requests = select(AccessRequest.id).where(
        AccessRequest.integration == integration, _is_theirs(person_id)
    )
    about = select(Event.seq).where(
        Event.integration == integration,
        or_(
            col(Event.person_id) == person_id,
            col(Event.actor) == f"okta:{person_id}",
            col(Event.request_id).in_(requests),
        ),
    )
    return (
        delete(EventText).where(col(EventText.seq).in_(about)),
        update(AccessRequest)
        .where(col(AccessRequest.id).in_(requests))
        .values(justification=None, reason=None),
        update(Answer).where(col(Answer.person_id) == person_id).values(reason=None),
        delete(OktaPerson).where(
            col(OktaPerson.integration) == integration, col(OktaPerson.id) == person_id
        ),
    )


def _forget_account(session: Session, integration: str, person_id: str) -> None:
    link = directory.link_of_person(session, integration, person_id)
    if link is None:
        return
    account = session.get(SlackAccount, (link.team_id, link.slack_id))
    session.delete(link)
    if account is not None:
        session.delete(account)


def _is_theirs(person_id: str) -> ColumnElement[bool]:
    return or_(
        col(AccessRequest.requester_id) == person_id,
        col(AccessRequest.grantee_id) == person_id,
    )


def _is_in_use(session: Session, integration: str, person_id: str) -> bool:
    holds = select(AccessGrant.id).where(
        AccessGrant.integration == integration,
        AccessGrant.grantee_id == person_id,
        col(AccessGrant.status).in_(LIVE) | col(AccessGrant.unsure_until).is_not(None),
    )
    waits = select(AccessRequest.id).where(
        AccessRequest.integration == integration,
        _is_theirs(person_id),
        AccessRequest.status == RequestStatus.PENDING,
    )
    return any(session.exec(query.limit(1)).first() for query in (holds, waits))
