"""A request, a grant, a person or a group as the value that views draw."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.core.policy import may_extend
from bot.core.words import (
    AUTOMATIC,
    POLICY,
    GrantStatus,
    Refused,
    RequestStatus,
)
from bot.slack.pictures import (
    Approval,
    Asked,
    Held,
    Who,
)
from bot.store import directory, queries
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Answer,
    OktaGroup,
    OktaPerson,
)
from bot.workflow.reading import Office
from bot.workflow.seats import step_of

Offices = Mapping[str, Office]


def asked_of(session: Session, request: AccessRequest) -> Asked:
    """Return the value of a request."""
    name = request.integration
    group = session.get(OktaGroup, (name, request.group_id))
    people = request.routing.get("people", ())
    return Asked(
        id=request.id,
        integration=name,
        status=request.status,
        step=request.step,
        requester=who(session, name, request.requester_id),
        group=group.name if group else request.group_id,
        description=group.description if group else "",
        duration=timedelta(seconds=request.duration_seconds),
        justification=request.justification or "",
        lapse_at=request.lapse_at,
        people=tuple(who(session, name, person_id) for person_id in people),
        rung=request.routing.get("rung", ""),
        grantee=(
            who(session, name, request.grantee_id)
            if request.grantee_id != request.requester_id
            else None
        ),
        approval=_approval(session, request),
        labels=tuple(request.terms.get("labels", ())),
        extends=_ends(session, request),
        by_rule=request.decided_by == AUTOMATIC,
        passed=tuple(request.routing.get("passed", ())),
        decided_at=request.decided_at,
        decided_by=_decider(session, request),
        reason=request.reason or "",
    )


def held_of(session: Session, offices: Offices, grant: AccessGrant) -> Held:
    """Return the value of a grant."""
    group = session.get(OktaGroup, (grant.integration, grant.group_id))
    office = offices.get(grant.integration)
    return Held(
        id=grant.id,
        request_id=grant.request_id,
        holder=who(session, grant.integration, grant.grantee_id),
        more=_more(session, office, grant) if office else timedelta(),
        status=grant.status,
        group=group.name if group else grant.group_id,
        duration=timedelta(seconds=grant.duration_seconds),
        expires_at=grant.expires_at,
        ended_at=grant.ended_at,
        cause=grant.cause,
        ended_by=_ender(session, grant),
        problem=grant.problem or "",
        details=office.integration.custom_access_details if office else "",
    )


def _approval(session: Session, request: AccessRequest) -> Approval:
    """Return how far the approval is: by rows, which are a picture, never a proof."""
    by = session.exec(
        select(Answer.person_id).where(
            Answer.request_id == request.id,
            Answer.step == request.step,
            col(Answer.approves).is_(True),
        )
    )
    step = step_of(request.routing)
    choices = (timedelta(seconds=each) for each in request.terms.get("choices", ()))
    asked = timedelta(seconds=request.duration_seconds)
    return Approval(
        of=request.routing.get("of", 1),
        needed=len(step.all_of) or step.approvals,
        by=tuple(who(session, request.integration, each) for each in by),
        choices=tuple(choice for choice in choices if choice <= asked),
        needs_reason=request.terms.get("reason") == "required",
        confirms=bool(request.terms.get("confirm")),
    )


def _ends(session: Session, request: AccessRequest) -> datetime | None:
    grant = session.get(AccessGrant, request.extends) if request.extends else None
    return grant.expires_at if grant else None


def _more(session: Session, office: Office, grant: AccessGrant) -> timedelta:
    """Return by how much the file of today would let a grant be extended."""
    request = session.get(AccessRequest, grant.request_id)
    flow = office.catalogue.flow(request.flow) if request else None
    if flow is None or grant.status is not GrantStatus.ACTIVE:
        return timedelta()
    extensions = queries.extensions_of(session, grant)
    if any(each.status is RequestStatus.PENDING for each in extensions):
        return timedelta()
    approved = [each for each in extensions if each.status is RequestStatus.APPROVED]
    more = may_extend(
        flow,
        extended=len(approved),
        began=grant.active_at or grant.expires_at,
        ends=grant.expires_at,
    )
    return timedelta() if isinstance(more, Refused) else more


def group_name(session: Session, integration: str, group_id: str) -> str:
    """Return how a group is called; its id where that is not known."""
    group = session.get(OktaGroup, (integration, group_id))
    return group.name if group else group_id


def who(session: Session, integration: str, person_id: str) -> Who:
    """Return how a person is named; by their id alone once they are forgotten."""
    person = session.get(OktaPerson, (integration, person_id))
    link = directory.link_of_person(session, integration, person_id)
    login = person.login if person else ""
    return Who(
        name=(person.name if person else "") or login or person_id,
        login=login,
        slack_id=link.slack_id if link else None,
    )


def _decider(session: Session, request: AccessRequest) -> Who | None:
    if request.decided_by in (None, POLICY, AUTOMATIC):
        return None
    return who(session, request.integration, request.decided_by or "")


def _ender(session: Session, grant: AccessGrant) -> Who | None:
    kind, _, person_id = (grant.ended_by or "").partition(":")
    return who(session, grant.integration, person_id) if kind == "okta" else None
