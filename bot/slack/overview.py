"""What the home tab shows of one person, and to admins of the whole bot."""

from datetime import datetime

from sqlmodel import Session, select

from bot.core.policy import Policy, is_admin
from bot.core.words import (
    LIVE,
    RequestStatus,
)
from bot.slack.looking import Offices, asked_of, group_name, held_of, who
from bot.slack.pictures import (
    Admin,
    Asked,
    Freeze,
    Home,
)
from bot.store import directory, queries
from bot.store.tables import (
    PersonLink,
    SlackAccount,
)
from bot.workflow.freezing import Frozen
from bot.workflow.notices import is_as_linked
from bot.workflow.reading import Office, freeze_of, policy_for
from bot.workflow.upkeep.discovery import DISCOVERED

MOST_HELD = 20
MOST_SHOWN = 8
MOST_AGAIN = 5

OVER = [
    RequestStatus.APPROVED,
    RequestStatus.DENIED,
    RequestStatus.LAPSED,
    RequestStatus.CANCELLED,
]


def home_of(session: Session, offices: Offices, slack_id: str, now: datetime) -> Home:
    """Return the home tab of somebody: of each org whose person they are."""
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
        and any(is_as_linked(account, link) for account in accounts)
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
