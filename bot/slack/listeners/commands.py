"""What was typed after the command, led to who answers it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rapidfuzz import fuzz, process
from sqlmodel import Session, col, select

from bot.core.catalogue import Owner
from bot.core.owners import Rung, ladder, stands_on
from bot.core.policy import is_admin
from bot.core.words import (
    LIVE,
    DirectoryError,
    Group,
    Refused,
    RequestStatus,
    SettingError,
)
from bot.slack import looking, pictures
from bot.slack.listeners import admin, asking, offering
from bot.slack.listeners.admin import NO_GROUP, At, People
from bot.slack.listeners.desk import (
    Body,
    Desk,
    Reply,
    people_at,
    say,
    show,
)
from bot.slack.typed import as_group, split_command
from bot.slack.views import lists
from bot.slack.views.text import clean
from bot.store import directory, queries
from bot.store.tables import AccessGrant
from bot.workflow.explaining import explain
from bot.workflow.people import NOT_NOW
from bot.workflow.reading import Matter, policy_for, read_route

MOST = 10
MOST_LINES = 20
CLOSE = 70

OWNERS_ONLY = Refused("Only those who own this group, and admins, can see that.")

Answer = Callable[[Desk, Body, People, str], Awaitable[Reply]]


@dataclass(frozen=True)
class AtGroup(At):
    """The same, about a group."""

    group: Group


async def command(desk: Desk, body: Body) -> Reply:
    """Answer what was typed after the command."""
    word, rest = split_command(body.get("text") or "")
    if word in ("", "help"):
        return say(body, HELP)
    answer = ANSWERS.get(word)
    if answer is None:
        return say(body, f"I do not know “{clean(word, 50)}”. {_nearest(word)}{HELP}")
    if desk.closed and word not in ENDING:
        return say(body, desk.closed)
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    return await answer(desk, body, people, rest)


async def mine(desk: Desk, body: Body, people: People, _rest: str) -> Reply:
    """Show what they hold and what they wait for."""
    held, asked = await desk.database.read(_mine, desk, people)
    return show(body, *lists.mine(held, asked, desk.clock()))


async def waiting(desk: Desk, body: Body, people: People, _rest: str) -> Reply:
    """Show what waits for their answer, with its buttons."""
    asked = await desk.database.read(_waiting, people)
    return show(body, *lists.waiting(asked))


async def why(desk: Desk, body: Body, people: People, rest: str) -> Reply:
    """Say which flow decides, who would be asked, and what would be refused.

    NB. Of a group they may not see they hear what is said of one that is not there.
    """
    name = as_group(rest)
    if not name:
        return say(body, "Name a group, as in /access why prod-db-read.")
    found = await desk.database.read(offering.groups_called, desk.offices, people, name)
    if not found:
        return say(body, asking.NO_GROUP.format(clean(name, 100)))
    office, person, group = found[0]
    asked = offering.for_themselves(person, group)
    try:
        async with asyncio.timeout(desk.timing.okta_read_at_click.total_seconds()):
            came = await explain(office, asked, desk.clock())
    except (TimeoutError, DirectoryError, SettingError):
        return say(body, NOT_NOW.reason)
    return show(body, *lists.why(came))


async def who(desk: Desk, body: Body, people: People, rest: str) -> Reply:
    """Show who holds a group, to those who own it and to admins.

    NB. As in `why`: a group that somebody may not see is not there for them. So
    Okta is asked of one that is not there too, and is silent about both alike.
    """
    name = as_group(rest)
    found = await desk.database.read(_called, desk, people, name)
    known = bool(found) or await _is_answered(desk, people, name)
    for at in found:
        owns = await _owns(desk, at)
        if owns:
            held = await desk.database.read(_holders, desk, at)
            return show(body, *lists.who(clean(name, 80), held))
        known = known and owns is not None
    if not known:
        return say(body, NOT_NOW.reason)
    seen = await desk.database.read(offering.groups_called, desk.offices, people, name)
    said = OWNERS_ONLY.reason if seen else NO_GROUP.format(clean(name, 100))
    return say(body, said)


ANSWERS: Mapping[str, Answer] = {
    asking.ASK: asking.ask_typed,
    "mine": mine,
    "waiting": waiting,
    "why": why,
    "who": who,
    "revoke": admin.revoke_access,
    "freeze": partial(admin.set_freeze, on=True),
    "unfreeze": partial(admin.set_freeze, on=False),
    "activity": admin.activity,
}
ENDING = frozenset({"mine", "waiting", "who", "revoke", "freeze", "activity"})
"""What is answered also while nothing can be asked or approved."""

HELP = (
    f"{asking.HELP} /access mine shows it too. /access waiting shows what waits for "
    "your answer, and /access why GROUP says whether you can ask for a group, and who "
    "would answer. For owners: /access who GROUP. For admins: /access revoke @user "
    "GROUP or all, /access freeze and /access unfreeze GROUP, @user or all, and "
    "/access activity, of a GROUP or @user where you name one."
)


def _nearest(word: str) -> str:
    hit = process.extractOne(word, [*ANSWERS], scorer=fuzz.ratio, score_cutoff=CLOSE)
    return f"Did you mean “{hit[0]}”? " if hit else ""


def _mine(
    session: Session, desk: Desk, people: People
) -> tuple[list[pictures.Held], list[pictures.Asked]]:
    held, asked = [], []
    for name, person in people.items():
        grants = queries.grants(
            session,
            statuses=sorted(LIVE),
            person_id=person.id,
            integration=name,
            most=MOST,
        )
        held += [looking.held_of(session, desk.offices, grant) for grant in grants]
        waits = queries.requests(
            session,
            statuses=[RequestStatus.PENDING],
            person_id=person.id,
            integration=name,
            most=MOST,
        )
        asked += [looking.asked_of(session, request) for request in waits]
    return held, asked


def _waiting(session: Session, people: People) -> list[pictures.Asked]:
    return [
        looking.asked_of(session, request)
        for name, person in people.items()
        for request in queries.put_to(session, name, person.id, MOST)
    ]


def _called(session: Session, desk: Desk, people: People, name: str) -> list[AtGroup]:
    return [
        AtGroup(desk.offices[integration], person, group)
        for integration, person in people.items()
        for group in directory.groups_called(session, integration, name)
    ]


async def _is_answered(desk: Desk, people: People, name: str) -> bool:
    """Tell whether Okta says in time if it has a group that no row has."""
    try:
        async with asyncio.timeout(desk.timing.okta_read_at_click.total_seconds()):
            for integration in people:
                await desk.offices[integration].directory.group_named(name)
    except (TimeoutError, DirectoryError, SettingError):
        return False
    return True


async def _owns(desk: Desk, at: AtGroup) -> bool | None:
    """Tell whether a person owns a group today, by any rung of its ladder.

    None where Okta does not say it in time.
    """
    if await desk.database.read(_stands_above, at):
        return True
    matter = Matter(group=at.group, grantee=at.person, apart_from=frozenset())
    try:
        async with asyncio.timeout(desk.timing.okta_read_at_click.total_seconds()):
            found = await read_route(at.office, Owner(), matter, desk.clock())
    except (TimeoutError, DirectoryError, SettingError):
        return None
    if isinstance(found, Refused):
        return False
    return await desk.database.read(_stands, at, found[0].rung)


def _stands(session: Session, at: At, rung: Rung) -> bool:
    office = at.office
    policy = policy_for(session, office.catalogue, office.integration, rung.groups)
    return stands_on(policy, rung, at.person) is True


def _stands_above(session: Session, at: At) -> bool:
    """Tell whether a person is an admin or an integration owner."""
    office = at.office
    policy = policy_for(session, office.catalogue, office.integration)
    rungs = ladder(policy, Rung(name="resource"))[1:]
    above = any(stands_on(policy, rung, at.person) for rung in rungs)
    return is_admin(policy, at.person) or (above and at.person.may_receive)


def _holders(session: Session, desk: Desk, at: AtGroup) -> list[pictures.Held]:
    held = select(AccessGrant).where(
        AccessGrant.integration == at.office.name,
        AccessGrant.group_id == at.group.id,
        col(AccessGrant.status).in_(LIVE),
    )
    ordered = held.order_by(col(AccessGrant.expires_at)).limit(MOST_LINES)
    return [
        looking.held_of(session, desk.offices, each) for each in session.exec(ordered)
    ]
