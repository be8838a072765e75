"""People met: the accounts of the workspace, and who is owner or admin today."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from bot.core.catalogue import GroupSelector, UserSelector
from bot.core.words import DirectoryGone, Person
from bot.store import directory
from bot.store.database import Database
from bot.store.tables import SlackAccount
from bot.workflow.notices import EVERYBODY, tell_waiting
from bot.workflow.people import link_all, remember_account
from bot.workflow.reading import ROSTER, Office

AT_ONCE = 250
"""How many accounts are written in one transaction."""


async def meet(
    database: Database, accounts: Sequence[SlackAccount], now: datetime
) -> int:
    """Keep the Slack accounts of a complete listing; return how many.

    Some at a time: others wait meanwhile. Only with the last are all known.
    """
    for at in range(0, len(accounts), AT_ONCE):
        await database.run(_meet_some, accounts[at : at + AT_ONCE])
    await database.run(directory.remember, ROSTER, {}, now)
    return len(accounts)


def _meet_some(session: Session, accounts: Sequence[SlackAccount]) -> None:
    for account in accounts:
        remember_account(session, account)


async def meet_roles(office: Office, now: datetime) -> None:
    """Know who the integration owner and the admins are, to tell them things."""
    for role, selectors in (
        ("owner", office.integration.owner),
        ("admins", office.catalogue.admins),
    ):
        people = await _people_named(office, selectors)
        await office.database.run(directory.remember_names, office.name, people, now)
        await link_all(office, people, now)
        await office.database.run(_remember_role, office, role, people, now)


async def _people_named(
    office: Office, selectors: Iterable[UserSelector | GroupSelector]
) -> list[Person]:
    """Return the people behind `selectors`, members of groups included."""
    pins = await office.database.read(directory.pins, office.name)
    found: dict[str, Person] = {}
    for selector in selectors:
        if isinstance(selector, UserSelector):
            person = await office.directory.person(pins.users.get(selector.user, ""))
            people = [person] if person else []
        else:
            people = await _members(office, pins.groups.get(selector.group))
        found |= {person.id: person for person in people}
    return list(found.values())


async def _members(office: Office, pinned: str | None) -> list[Person]:
    """Return the members of a pinned group; nobody while it is gone from Okta."""
    try:
        return await office.directory.members(pinned) if pinned else []
    except DirectoryGone:
        return []


def _remember_role(
    session: Session, office: Office, role: str, people: list[Person], now: datetime
) -> None:
    key = EVERYBODY.format(office.name)
    known = directory.remembered(session, key)
    facts = dict(known.facts) if known else {}
    directory.remember(
        session, key, facts | {role: [person.id for person in people]}, now
    )
    tell_waiting(session, office.name, now)
