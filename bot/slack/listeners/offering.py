"""What is offered to ask for: groups and bundles, as they are typed."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from bot.core import policy
from bot.core.policy import Asked
from bot.core.words import LIVE, GrantStatus, Group, Person, Refused, RequestStatus
from bot.slack.listeners.desk import Body, Desk, Reply, people_at, user_of
from bot.slack.views import modal
from bot.slack.views.modal import GroupChoice
from bot.slack.views.text import clean, clock_time
from bot.store import directory
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.reading import Office, policy_for
from bot.workflow.search import groups_for

MOST_OFFERED = 100
BUNDLE = "*"
"""What a choice begins with that is no group: no integration is called so."""

Choice = tuple[Office, Person, Group]
"""A group that someone may ask for, and as whom."""


async def suggest(desk: Desk, body: Body) -> Reply:
    """Offer the groups whose name holds what is typed, to who may ask for them."""
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return Reply({"options": []})
    typed = clean(body.get("value") or "", 100)
    offered = await desk.database.read(_offered, desk, people, typed, user_of(body))
    options = [modal.group_option(each) for each in offered[:MOST_OFFERED]]
    return Reply({"options": options})


def _offered(
    session: Session,
    desk: Desk,
    people: Mapping[str, Person],
    typed: str,
    slack_id: str,
) -> list[GroupChoice]:
    """Return the bundles that fit, then the groups, of every integration."""
    bundles: list[GroupChoice] = []
    groups: list[GroupChoice] = []
    for name, person in people.items():
        office = desk.offices[name]
        bundles += _bundles(session, office, person, typed)
        groups += _groups(session, desk, office, person, typed, slack_id)
    return [*bundles, *groups]


def offer(desk: Desk, choice: Choice, mark: str = "") -> GroupChoice:
    """Return a group as it is offered: marked, with its integration among several."""
    office, _, group = choice
    about = [mark] if mark else []
    if len(desk.offices) > 1:
        about.append(office.name)
    if group.description:
        about.append(group.description)
    return GroupChoice(
        value=f"{office.name}:{group.id}", name=group.name, about=": ".join(about)
    )


def choice_of(
    session: Session, office: Office, person: Person, group_id: str
) -> Choice | None:
    """Return the group with this id as a choice, where they may ask for it."""
    group = directory.group(session, office.name, group_id)
    rules = policy_for(session, office.catalogue, office.integration)
    if group is None or not policy.may_see(rules, person, group):
        return None
    return office, person, group


def groups_called(
    session: Session,
    offices: Mapping[str, Office],
    people: Mapping[str, Person],
    name: str,
) -> list[Choice]:
    """Return the groups of this name, in any case, that someone may ask for.

    One that they may not see is as unknown to them as one that is not there.
    """
    found: list[Choice] = []
    for integration, person in people.items():
        office = offices[integration]
        rules = policy_for(session, office.catalogue, office.integration)
        called = directory.groups_called(session, integration, name) or [
            group
            for group in groups_for(session, office, person, name)
            if group.name.casefold() == name.casefold()
        ]
        found += [
            (office, person, group)
            for group in called
            if policy.may_see(rules, person, group)
        ]
    return found


def bundle_called(office: Office, name: str) -> str:
    """Return the bundle that is called `name` in any case; nothing for none."""
    called = (
        bundle.name
        for bundle in office.catalogue.bundles
        if bundle.integration == office.name
        and bundle.name.casefold() == name.casefold()
    )
    return next(called, "")


def groups_of(
    session: Session, office: Office, person: Person, name: str
) -> list[Group]:
    """Return the groups of the bundle called `name` that a person may see.

    NB. The others are not named to them anywhere, as outside of a bundle.
    """
    rules = policy_for(session, office.catalogue, office.integration)
    return [
        group
        for bundle in office.catalogue.bundles
        if bundle.name == name and bundle.integration == office.name
        for called in bundle.groups
        for group in directory.groups_called(session, office.name, called)
        if policy.may_see(rules, person, group)
    ]


def for_themselves(person: Person, group: Group) -> Asked:
    """Return that a person asks for a group for themselves."""
    return Asked(requester=person, grantee=person, group=group)


def _groups(
    session: Session,
    desk: Desk,
    office: Office,
    person: Person,
    typed: str,
    slack_id: str,
) -> list[GroupChoice]:
    found = groups_for(session, office, person, typed, MOST_OFFERED)
    marks = _marks(session, desk, office, person, slack_id)
    return [
        offer(desk, (office, person, group), marks.get(group.id, "")) for group in found
    ]


def _marks(
    session: Session, desk: Desk, office: Office, person: Person, slack_id: str
) -> dict[str, str]:
    """Return what to say of the groups that a person holds or waits for, by id."""
    waiting = select(AccessRequest.group_id).where(
        AccessRequest.integration == office.name,
        AccessRequest.grantee_id == person.id,
        AccessRequest.status == RequestStatus.PENDING,
    )
    held = select(AccessGrant).where(
        AccessGrant.integration == office.name,
        AccessGrant.grantee_id == person.id,
        col(AccessGrant.status).in_(LIVE),
    )
    marks = dict.fromkeys(session.exec(waiting), "pending")
    grants = session.exec(held).all()
    zone = directory.zone_of(session, slack_id) if grants else ZoneInfo("UTC")
    for grant in grants:
        marks[grant.group_id] = _held(grant, desk.clock(), zone)
    return marks


def _held(grant: AccessGrant, now: datetime, zone: ZoneInfo) -> str:
    if grant.status is not GrantStatus.ACTIVE:
        return "pending" if grant.status is GrantStatus.GRANTING else "ending"
    return f"you have this until {clock_time(grant.expires_at, now, zone)}"


def _bundles(
    session: Session, office: Office, person: Person, typed: str
) -> list[GroupChoice]:
    """Return the bundles that hold what is typed, and a group they may ask for."""
    fitting = [
        bundle
        for bundle in office.catalogue.bundles
        if bundle.integration == office.name
        and typed.casefold() in bundle.name.casefold()
    ]
    found = []
    for bundle in fitting:
        groups = groups_of(session, office, person, bundle.name)
        if groups:
            value = f"{BUNDLE}{office.name}:{bundle.name}"
            about = f"{len(groups)} groups: {', '.join(g.name for g in groups)}"
            found.append(GroupChoice(value=value, name=bundle.name, about=about))
    return found
