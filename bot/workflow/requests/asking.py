"""Asking: what a person wishes for, decided on rows."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from bot.core.catalogue import Step, as_written
from bot.core.policy import Asked, Policy, Standing, Terms, may_request
from bot.core.words import Group, Refused, RequestStatus
from bot.store import directory, moves, queries
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.reading import Office, policy_for

NOT_READ = Refused(
    "I could not read this person or group from Okta. Please try again in a moment."
)
NOBODY_SUCH = Refused(
    "I could not read this person from Okta. Please try again in a moment.", "grantee"
)

HELD_BY_US = Standing(is_member=False)
"""What an extension is decided on: that it is held already is its point."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person asks for. `delivery` is Slack's own key of how it came.

    It is for themselves, unless `grantee_id` says for whom.
    """

    requester_id: str
    group_id: str
    duration: timedelta | None
    justification: str
    delivery: str | None = None
    grantee_id: str | None = None


def ask(
    session: Session, office: Office, wish: Wish, now: datetime
) -> AccessRequest | Refused:
    """Ask for access: a pending request the worker will route, or a refusal.

    A delivery that was asked with before gives the request it made then.
    """
    again = queries.request_of_delivery(session, wish.delivery)
    if again is not None:
        return again
    asked = _asked(session, office, wish, now)
    if isinstance(asked, Refused):
        return asked
    policy = policy_for(session, office.catalogue, office.integration)
    terms = may_request(
        policy,
        asked,
        queries.standing(session, office.name, asked),
        queries.moment(session, office.name, asked, now),
    )
    if isinstance(terms, Refused):
        return terms
    try:
        with session.begin_nested():
            return create(session, office, asked, terms, now, delivery=wish.delivery)
    except IntegrityError:
        return Refused(f"You already asked for “{asked.group.name}”.")


def still_allowed(
    session: Session,
    office: Office,
    request: AccessRequest,
    since: datetime,
    *,
    ours: bool = False,
) -> Terms | Refused:
    """Decide whether today's file allows `request`, on rows read since `since`.

    `ours` tells that a membership which shows by now may be one that we gave for it.
    """
    policy = policy_for(session, office.catalogue, office.integration)
    group = directory.group(session, request.integration, request.group_id, since)
    return allowed_by(session, policy, request, group, since, ours=ours)


def allowed_by(
    session: Session,
    policy: Policy,
    request: AccessRequest,
    group: Group | None,
    since: datetime,
    *,
    ours: bool = False,
) -> Terms | Refused:
    """Decide whether `policy` allows `request` for `group`, which it names."""
    asked = as_asked(session, request, group, since)
    if isinstance(asked, Refused):
        return asked
    if request.extends is not None or ours:
        return may_request(policy, asked, HELD_BY_US)
    name = request.integration
    standing = queries.standing(session, name, asked, apart_from=request.id)
    return may_request(policy, asked, standing)


def _asked(
    session: Session, office: Office, wish: Wish, now: datetime
) -> Asked | Refused:
    """Return what is wished for, as rows know it."""
    since = now - office.timing.facts_stay_fresh
    person = directory.person(session, office.name, wish.requester_id, since)
    grantee = person
    if wish.grantee_id not in (None, wish.requester_id):
        grantee = directory.person(session, office.name, wish.grantee_id or "", since)
        if grantee is None:
            return NOBODY_SUCH
    group = directory.group(session, office.name, wish.group_id)
    if person is None or grantee is None:
        return NOT_READ
    if group is None:
        return Refused("There is no such group that you can ask for.")
    return Asked(
        requester=person,
        grantee=grantee,
        group=group,
        duration=wish.duration,
        justification=wish.justification,
    )


def as_asked(
    session: Session, request: AccessRequest, group: Group | None, since: datetime
) -> Asked | Refused:
    """Return what `request` asked for, with the people of today and `group`."""
    name = request.integration
    requester = directory.person(session, name, request.requester_id, since)
    grantee = requester
    if request.grantee_id != request.requester_id:
        grantee = directory.person(session, name, request.grantee_id, since)
    if requester is None or grantee is None or group is None:
        return NOT_READ
    return Asked(
        requester=requester,
        grantee=grantee,
        group=group,
        duration=timedelta(seconds=request.duration_seconds),
        justification=request.justification or "",
    )


def create(
    session: Session,
    office: Office,
    asked: Asked,
    terms: Terms,
    now: datetime,
    *,
    delivery: str | None = None,
    extends: AccessGrant | None = None,
) -> AccessRequest:
    """Write a pending request on `terms`; an extension lapses when its grant ends."""
    lapse_at = now + terms.lapse_after
    request = AccessRequest(
        id=secrets.token_hex(8),
        integration=office.name,
        flow=terms.flow,
        requester_id=asked.requester.id,
        grantee_id=asked.grantee.id,
        group_id=asked.group.id,
        duration_seconds=int(terms.duration.total_seconds()),
        justification=asked.justification,
        terms=_frozen(terms),
        status=RequestStatus.PENDING,
        asked_at=now,
        lapse_at=min(lapse_at, extends.expires_at) if extends else lapse_at,
        due_at=now,
        delivery=delivery,
        extends=extends.id if extends else None,
    )
    moves.create(
        session,
        request,
        by=f"okta:{asked.requester.id}",
        now=now,
        text={
            "requester": asked.requester.login,
            "grantee": asked.grantee.login,
            "group": asked.group.name,
            "justification": asked.justification,
        },
    )
    return request


def _frozen(terms: Terms) -> dict[str, Any]:
    """Return what an open request keeps, whatever the file says later."""
    rule = terms.rule
    return {
        "longest": terms.longest.total_seconds(),
        "lapse_after": terms.lapse_after.total_seconds(),
        "warn_before": [wait.total_seconds() for wait in terms.warn_before],
        "steps": as_written(rule.approval),
        "remind_every": rule.remind_every.total_seconds(),
        "own": rule.requester_may_approve,
        "reason": rule.approver_reason,
        "confirm": rule.confirm,
        "told": rule.notify.at_most,
        "channel": rule.channel,
        "labels": list(rule.labels),
        "choices": [choice.total_seconds() for choice in rule.duration.choices],
    }


def steps_kept(request: AccessRequest) -> tuple[Step, ...]:
    """Return the steps that `request` keeps; none where its flow is automatic."""
    return tuple(Step.model_validate(step) for step in request.terms["steps"])
