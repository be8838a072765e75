"""Rows as the values that views draw: what a message is a picture of.

`load` reads everything a notice shows in one consistent look, with the version
it shows. Nothing here is text for people yet, and nothing is decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.core.policy import Policy, is_admin, may_extend
from bot.core.words import (
    AUTOMATIC,
    LIVE,
    POLICY,
    Cause,
    GrantStatus,
    Refused,
    RequestStatus,
)
from bot.store import directory, queries
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Answer,
    Notice,
    OktaGroup,
    OktaPerson,
    PersonLink,
    SlackAccount,
)
from bot.workflow.freezing import Frozen
from bot.workflow.reading import Office, freeze_of, policy_for
from bot.workflow.seats import step_of
from bot.workflow.upkeep.announcing import is_waiting
from bot.workflow.upkeep.discovery import DISCOVERED
from bot.workflow.upkeep.outsiders import is_heard
from bot.workflow.upkeep.reconciling import is_braked

MOST_HELD = 20
MOST_SHOWN = 8
MOST_AGAIN = 5

OVER = [
    RequestStatus.APPROVED,
    RequestStatus.DENIED,
    RequestStatus.LAPSED,
    RequestStatus.CANCELLED,
]

Offices = Mapping[str, Office]


@dataclass(frozen=True, kw_only=True)
class Who:
    """A person as Okta names them, and where they are in Slack."""

    name: str
    login: str
    slack_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the grantee had of the group before, and was denied."""

    had: int = 0
    last_ended: datetime | None = None
    denied: int = 0


@dataclass(frozen=True, kw_only=True)
class Approval:
    """How far the approval of a request is, and what it asks of who answers.

    `of` steps in all; `by` have approved the one it is at, and `needed` must.
    """

    of: int = 1
    needed: int = 1
    by: tuple[Who, ...] = ()
    choices: tuple[timedelta, ...] = ()
    needs_reason: bool = False
    confirms: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An access request. `decided_by` is None where no person decided.

    An extension has when its grant `extends` would end else.
    """

    id: str
    integration: str
    status: RequestStatus
    step: int
    requester: Who
    group: str
    description: str
    duration: timedelta
    justification: str
    lapse_at: datetime
    people: tuple[Who, ...]
    rung: str
    passed: tuple[str, ...]
    decided_at: datetime | None
    decided_by: Who | None
    reason: str
    grantee: Who | None = None
    approval: Approval = Approval()
    labels: tuple[str, ...] = ()
    extends: datetime | None = None
    by_rule: bool = False


@dataclass(frozen=True, kw_only=True)
class Held:
    """A grant, and what its integration says about getting in.

    It can be extended by `more` now, where that is not nothing.
    """

    id: str
    request_id: str = ""
    holder: Who | None = None
    more: timedelta = timedelta()
    status: GrantStatus
    group: str
    duration: timedelta
    expires_at: datetime
    ended_at: datetime | None
    cause: Cause | None
    ended_by: Who | None
    problem: str
    details: str


@dataclass(frozen=True, kw_only=True)
class AboutRequest:
    """A notice about a request; `is_theirs` while its reader may answer it.

    A `comment` is what somebody said with an answer, and goes into the `thread` of
    the message with that number.
    """

    kind: str
    asked: Asked
    held: Held | None = None
    before: Before = Before()
    is_theirs: bool = False
    rung: str = ""
    nudged: bool = False
    comment: str = ""
    comment_by: Who | None = None
    thread: str | None = None


@dataclass(frozen=True, kw_only=True)
class AboutGrant:
    """A notice about a grant."""

    kind: str
    held: Held


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something to tell an owner or an admin, in one text.

    `stuck` is the grant of which they are asked whether its group is gone, `braked`
    the integration in which many ends wait for an admin, `keepable` an account that
    clean-up would end, `mutable` a group whose additions are reported.
    """

    text: str
    stuck: str = ""
    braked: str = ""
    keepable: str = ""
    mutable: str = ""


@dataclass(frozen=True)
class Freeze:
    """What an admin has frozen: its name, and what a button that lifts it carries."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Admin:
    """What an admin sees of the bot: orgs, freezes, counts, the file in force."""

    integrations: tuple[tuple[str, str], ...] = ()
    frozen: tuple[Freeze, ...] = ()
    live: int = 0
    pending: int = 0
    file: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Home:
    """The home tab of one person: a refusal, or what is theirs and waits for them."""

    now: datetime
    refusal: str = ""
    held: tuple[Held, ...] = ()
    asked: tuple[Asked, ...] = ()
    waiting: tuple[Asked, ...] = ()
    again: tuple[Asked, ...] = ()
    admin: Admin | None = None


Picture = AboutRequest | AboutGrant | Alert | Home


@dataclass(frozen=True)
class Shown:
    """A picture, and the version of its notice that it shows."""

    picture: Picture
    version: int


@dataclass(frozen=True)
class Dropped:
    """A notice that must not be sent any more, and why."""

    why: str


def load(
    session: Session, offices: Offices, notice: Notice, now: datetime
) -> Shown | Dropped:
    """Return what `notice` shows now, or why it is no longer to be sent."""
    wanted = session.get_one(Notice, notice.id).wanted_version
    if notice.kind == "home":
        return Shown(_home(session, offices, notice.recipient, now), wanted)
    if notice.grant_id is not None:
        grant = session.get_one(AccessGrant, notice.grant_id)
        if notice.kind == "gone":
            return Shown(_stuck(notice, grant), wanted)
        if _warns_too_late(notice, grant, now):
            return Dropped("what it warns of has happened")
        held = held_of(session, offices, grant)
        return Shown(AboutGrant(kind=notice.kind, held=held), wanted)
    if notice.request_id is not None:
        about = _about_request(session, offices, notice)
        if notice.kind == "comment":
            about = _with_comment(session, about, notice)
            if not about.thread:
                return Dropped("the channel has no card")
        return Shown(about, wanted)
    name = str(notice.facts.get("integration", ""))
    waits = notice.kind == "brake" and is_braked(session, name)
    text = str(notice.facts.get("text", ""))
    person_id = str(notice.facts.get("person", ""))
    ends = notice.kind == "cleanup" and is_waiting(session, name, person_id)
    return Shown(
        Alert(
            text=text,
            braked=name if waits else "",
            keepable=f"{name}:{person_id}" if ends else "",
            mutable=_mutable(session, notice, name),
        ),
        wanted,
    )


def _mutable(session: Session, notice: Notice, integration: str) -> str:
    group_id = str(notice.facts.get("group", ""))
    heard = notice.kind == "outside" and is_heard(session, integration, group_id)
    return f"{integration}:{group_id}" if heard else ""


def _stuck(notice: Notice, grant: AccessGrant) -> Alert:
    waits = grant.status is GrantStatus.REVOKING
    return Alert(text=notice.facts["text"], stuck=grant.id if waits else "")


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


def _about_request(session: Session, offices: Offices, notice: Notice) -> AboutRequest:
    request = session.get_one(AccessRequest, notice.request_id)
    of_request = select(AccessGrant).where(AccessGrant.request_id == request.id)
    grant = (
        session.get(AccessGrant, request.extends)
        if request.extends
        else session.exec(of_request).first()
    )
    return AboutRequest(
        kind=notice.kind,
        asked=asked_of(session, request),
        held=held_of(session, offices, grant) if grant else None,
        before=_before(session, request),
        is_theirs=_is_theirs(session, request, notice.recipient),
        rung=_rung_of(session, request, notice.recipient),
        nudged=bool(notice.facts.get("nudge")),
    )


def _with_comment(
    session: Session, about: AboutRequest, notice: Notice
) -> AboutRequest:
    """Return it with what somebody said with an answer, and the card it goes under."""
    request_id, facts = notice.request_id, notice.facts
    said = session.exec(
        select(Answer.reason).where(
            Answer.request_id == request_id,
            Answer.person_id == facts["person"],
            Answer.step == facts["step"],
        )
    ).first()
    card = select(Notice.ts).where(
        Notice.request_id == request_id,
        Notice.kind == "card",
        Notice.recipient == notice.recipient,
        col(Notice.ts).is_not(None),
    )
    return replace(
        about,
        comment=said or "",
        comment_by=who(session, about.asked.integration, facts["person"]),
        thread=session.exec(card).first(),
    )


def _is_theirs(session: Session, request: AccessRequest, slack_id: str) -> bool:
    """Tell whether who reads this is among those the request is put to now.

    A channel's card is anybody's to answer who may; a click is judged by itself.
    """
    if request.step == 0:
        return False
    if slack_id == request.terms.get("channel"):
        return True
    readers = _readers(session, request, slack_id)
    return not readers.isdisjoint(request.routing.get("people", ()))


def _rung_of(session: Session, request: AccessRequest, slack_id: str) -> str:
    """Return the rung on which the reader is asked."""
    readers = _readers(session, request, slack_id)
    for seat in request.routing.get("seats", ()):
        if not readers.isdisjoint(seat["people"]):
            return str(seat["rung"])
    return str(request.routing.get("rung", ""))


def _readers(session: Session, request: AccessRequest, slack_id: str) -> set[str]:
    return set(
        session.exec(
            select(PersonLink.person_id).where(
                PersonLink.integration == request.integration,
                PersonLink.slack_id == slack_id,
            )
        )
    )


def _before(session: Session, request: AccessRequest) -> Before:
    had, last_ended = session.exec(
        select(func.count(), func.max(AccessGrant.ended_at)).where(
            AccessGrant.integration == request.integration,
            AccessGrant.grantee_id == request.grantee_id,
            AccessGrant.group_id == request.group_id,
            col(AccessGrant.status) == GrantStatus.REVOKED,
            col(AccessGrant.active_at).is_not(None),
        )
    ).one()
    denied = session.exec(
        select(func.count()).where(
            AccessRequest.integration == request.integration,
            AccessRequest.grantee_id == request.grantee_id,
            AccessRequest.group_id == request.group_id,
            AccessRequest.id != request.id,
            col(AccessRequest.status) == RequestStatus.DENIED,
        )
    ).one()
    return Before(had=had, last_ended=last_ended, denied=denied)


def _warns_too_late(notice: Notice, grant: AccessGrant, now: datetime) -> bool:
    """Tell whether a warning not sent yet would come after what it warns of."""
    if notice.kind != "warning" or notice.ts is not None:
        return False
    return grant.status is not GrantStatus.ACTIVE or grant.expires_at <= now


def _decider(session: Session, request: AccessRequest) -> Who | None:
    if request.decided_by in (None, POLICY, AUTOMATIC):
        return None
    return who(session, request.integration, request.decided_by or "")


def _ender(session: Session, grant: AccessGrant) -> Who | None:
    kind, _, person_id = (grant.ended_by or "").partition(":")
    return who(session, grant.integration, person_id) if kind == "okta" else None


def _home(session: Session, offices: Offices, slack_id: str, now: datetime) -> Home:
    accounts = session.exec(
        select(SlackAccount).where(SlackAccount.slack_id == slack_id)
    ).all()
    refusal = next((each.refusal for each in accounts if each.refusal), None)
    if refusal:
        return Home(now=now, refusal=refusal)
    mine = select(PersonLink).where(PersonLink.slack_id == slack_id)
    links = [
        (link.integration, link.person_id)
        for link in session.exec(mine)
        if link.integration in offices
    ]
    held = [
        held_of(session, offices, grant)
        for name, person_id in links
        for grant in queries.grants(
            session,
            statuses=sorted(LIVE),
            person_id=person_id,
            integration=name,
            most=MOST_HELD,
        )
    ]
    return Home(
        now=now,
        held=tuple(held[:MOST_HELD]),
        asked=_requests(session, links, [RequestStatus.PENDING], MOST_SHOWN),
        waiting=tuple(
            asked_of(session, request)
            for name, person_id in links
            for request in queries.put_to(session, name, person_id, MOST_SHOWN)
        )[:MOST_SHOWN],
        again=_requests(session, links, OVER, MOST_AGAIN),
        admin=_admin(session, offices, links),
    )


def _requests(
    session: Session,
    links: list[tuple[str, str]],
    statuses: list[RequestStatus],
    most: int,
) -> tuple[Asked, ...]:
    found = [
        asked_of(session, request)
        for name, person_id in links
        for request in queries.requests(
            session,
            statuses=statuses,
            person_id=person_id,
            integration=name,
            most=most,
        )
        if request.extends is None
    ]
    return tuple(found[:most])


def _admin(
    session: Session, offices: Offices, links: list[tuple[str, str]]
) -> Admin | None:
    """Return what an admin sees; None for who is none."""
    theirs = [
        offices[name]
        for name, person_id in links
        if (person := directory.person(session, name, person_id))
        and is_admin(_policy(session, offices[name]), person)
    ]
    if not theirs:
        return None
    return Admin(
        integrations=tuple((o.name, _state(session, o)) for o in theirs),
        frozen=tuple(each for o in theirs for each in _frozen(session, o)),
        live=queries.count_live(session),
        pending=queries.count_pending(session),
        file=theirs[0].catalogue.hash,
        details=tuple(
            (o.name, o.integration.custom_access_details)
            for o in theirs
            if o.integration.custom_access_details
        ),
    )


def _policy(session: Session, office: Office) -> Policy:
    return policy_for(session, office.catalogue, office.integration)


def _state(session: Session, office: Office) -> str:
    read = directory.remembered(session, DISCOVERED.format(office.name))
    if read is None:
        return "its groups were not read yet"
    return f"groups read {read.at:%d %b %H:%M} UTC"


def _frozen(session: Session, office: Office) -> list[Freeze]:
    name, freeze = office.name, freeze_of(session, office.name)
    everything = [Freeze(f"everything in {name}", f"{name}:{Frozen.EVERYTHING}:")]
    groups = [
        Freeze(group_name(session, name, each), f"{name}:{Frozen.GROUP}:{each}")
        for each in sorted(freeze.groups)
    ]
    people = [
        Freeze(who(session, name, each).name, f"{name}:{Frozen.PERSON}:{each}")
        for each in sorted(freeze.people)
    ]
    return [*(everything if freeze.everything else []), *groups, *people]
