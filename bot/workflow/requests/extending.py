"""Extending: asking for more of what is held, before it ends."""

from datetime import datetime

from sqlmodel import Session

from bot.core.policy import Asked, may_request
from bot.core.words import Refused, RequestStatus
from bot.store import directory, queries
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests.approving import ENDED, extension_of, is_held
from bot.workflow.requests.asking import HELD_BY_US, NOT_READ, create


def extend(
    session: Session,
    office: Office,
    grant_id: str,
    person_id: str,
    justification: str,
    now: datetime,
    delivery: str | None = None,
) -> AccessRequest | Refused:
    """Ask to make a grant longer, as who holds it or asked for it may.

    It is a request like any other, but that it is held already; it lapses when
    the grant ends.
    """
    again = queries.request_of_delivery(session, delivery)
    if again is not None:
        return again
    grant = session.get(AccessGrant, grant_id)
    asked = _asked(session, office, grant, person_id, justification, now)
    if isinstance(asked, Refused) or grant is None:
        return asked if isinstance(asked, Refused) else ENDED
    policy = policy_for(session, office.catalogue, office.integration)
    length = extension_of(session, policy, asked, grant)
    if isinstance(length, Refused):
        return length
    wanted = Asked(
        requester=asked.requester,
        grantee=asked.grantee,
        group=asked.group,
        duration=length,
        justification=justification,
    )
    moment = queries.moment(session, office.name, wanted, now)
    terms = may_request(policy, wanted, HELD_BY_US, moment)
    if isinstance(terms, Refused):
        return terms
    return create(session, office, wanted, terms, now, delivery=delivery, extends=grant)


def _asked(
    session: Session,
    office: Office,
    grant: AccessGrant | None,
    person_id: str,
    justification: str,
    now: datetime,
) -> Asked | Refused:
    """Return what an extension of `grant` asks for, or why it is not to be had."""
    if grant is None or not is_held(grant, now):
        return ENDED
    first = session.get_one(AccessRequest, grant.request_id)
    if person_id not in (grant.grantee_id, first.requester_id):
        return Refused("Only who holds this access can extend it.")
    if any(
        each.status is RequestStatus.PENDING
        for each in queries.extensions_of(session, grant)
    ):
        return Refused("An extension of this waits for an answer already.")
    since = now - office.timing.facts_stay_fresh
    requester = directory.person(session, office.name, first.requester_id, since)
    grantee = directory.person(session, office.name, grant.grantee_id, since)
    group = directory.group(session, office.name, grant.group_id)
    if requester is None or grantee is None or group is None:
        return NOT_READ
    return Asked(
        requester=requester,
        grantee=grantee,
        group=group,
        justification=justification,
    )
