"""A Slack account as an Okta person, or a refusal.

The link is made once, when the confirmed e-mail of a full member of the
workspace fits exactly one active Okta user as `identity` says, and is then
believed. Where e-mail, login or another account later disagree, the person is
refused and the admins are told.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from bot.core.catalogue import Identity, Integration
from bot.core.words import DirectoryError, Person, Refused, SettingError
from bot.settings import Clock, Timing
from bot.store import audit, directory
from bot.store.database import Database
from bot.store.tables import PersonLink, SlackAccount
from bot.workflow.notices import is_as_linked, tell_people

NOT_MET = Refused("I do not know your Slack account yet. Try again in a moment.")
NOT_NOW = Refused("I could not reach Okta in time. Please try again in a moment.")


class People(Protocol):
    """What is asked of an Okta org about people."""

    async def person(self, id_or_login: str) -> Person | None: ...

    async def people_with(self, attribute: str, value: str) -> list[Person]: ...

    async def groups_of(self, person_id: str) -> frozenset[str]: ...


@dataclass(frozen=True, kw_only=True)
class Door:
    """One integration as people come to it: its rows, its directory, its rule."""

    database: Database
    directory: People
    integration: Integration
    identity: Identity
    timing: Timing
    clock: Clock

    @property
    def name(self) -> str:
        return self.integration.name


async def identify(
    door: Door, team_id: str, slack_id: str, now: datetime
) -> Person | Refused:
    """Return the Okta person behind a Slack account, as read lately.

    Rows are believed while they are fresh; else Okta is asked once, and an
    answer that comes too late for Slack is a refusal.
    """
    since = now - door.timing.facts_stay_fresh
    account, known = await door.database.read(_met, door, team_id, slack_id, since)
    if account is None:
        return NOT_MET
    if account.refusal:
        return Refused(account.refusal)
    if known is not None:
        return known
    try:
        async with asyncio.timeout(door.timing.okta_read_at_click.total_seconds()):
            return await _look_up(door, account, now)
    except (TimeoutError, DirectoryError, SettingError):
        return NOT_NOW


async def read_person(
    database: Database,
    people: People,
    integration: str,
    id_or_login: str,
    now: datetime,
) -> Person | None:
    """Read a person and their groups from Okta into rows; None if there is none."""
    known = await ask_for_person(people, id_or_login, now)
    if known is not None:
        await database.run(directory.remember_person, integration, known, now)
    return known


async def ask_for_person(
    people: People, id_or_login: str, now: datetime
) -> Person | None:
    """Read a person and their groups from Okta, for the caller to remember."""
    found = await people.person(id_or_login)
    if found is None:
        return None
    groups = await people.groups_of(found.id)
    return replace(found, groups=groups, read_at=now)


async def link_all(
    door: Door, people: Iterable[Person], now: datetime
) -> Mapping[str, str]:
    """Return the Slack id of each of `people` that has exactly one account.

    Those met for the first time are linked, by the rule that holds for all.
    """
    reachable: dict[str, str] = {}
    for person in people:
        if not person.may_receive:
            continue
        link = await door.database.read(_link_of, door, person)
        if link is None:
            link = await _link_person(door, person, now)
        if link is not None:
            reachable[person.id] = link.slack_id
    return reachable


def remember_account(session: Session, account: SlackAccount) -> None:
    """Keep a Slack account as just read, and whether its home was ever opened.

    NB. A listing of a large workspace takes minutes: it must not undo what Slack has
    said of somebody meanwhile, who may be a guest by now.
    """
    before = directory.account(session, account.team_id, account.slack_id)
    if before is not None:
        if before.read_at > account.read_at:
            return
        account.opened_home_at = before.opened_home_at
    session.merge(account)
    for link in directory.links_of_account(session, account.team_id, account.slack_id):
        if not is_as_linked(account, link):
            _tell_of_change(session, account, link)


def _met(
    session: Session, door: Door, team_id: str, slack_id: str, since: datetime
) -> tuple[SlackAccount | None, Person | None]:
    """Return a Slack account and its person, each None where rows do not know it."""
    account = directory.account(session, team_id, slack_id)
    return account, _known(session, door, account, since) if account else None


def _known(
    session: Session, door: Door, account: SlackAccount, since: datetime
) -> Person | None:
    """Return the person as rows know them; None where Okta must be asked."""
    link = directory.link_of_account(
        session, account.team_id, account.slack_id, door.name
    )
    if link is None:
        return None
    person = directory.person(session, door.name, link.person_id, since)
    if person is None or person.groups is None:
        return None
    return None if _disagreement(door.identity, account, person, link) else person


async def _look_up(
    door: Door, account: SlackAccount, now: datetime
) -> Person | Refused:
    link = await door.database.read(
        directory.link_of_account, account.team_id, account.slack_id, door.name
    )
    if link is None:
        return await _link_account(door, account, now)
    person = await read_person(
        door.database, door.directory, door.name, link.person_id, now
    )
    if person is None:
        return Refused("Your Okta account is gone.")
    wrong = _disagreement(door.identity, account, person, link)
    if wrong is not None:
        await door.database.run(_tell_disagreement, door, account, person, now)
    return wrong or person


async def _link_account(
    door: Door, account: SlackAccount, now: datetime
) -> Person | Refused:
    found = await _fitting(door, account)
    if len(found) != 1:
        return Refused(_no_one_person(account, found))
    person = await read_person(
        door.database, door.directory, door.name, found[0].id, now
    )
    if person is None or not person.may_receive:
        return Refused("Your Okta account is not active.")
    linked = await door.database.run(_link, door, account, person, now)
    return person if linked else Refused(_TWICE)


async def _link_person(door: Door, person: Person, now: datetime) -> PersonLink | None:
    """Link `person` to the one account that fits; None where none or several do."""
    fitting = [
        account
        for account in await door.database.read(_accounts_of, door.identity, person)
        if [p.id for p in await _fitting(door, account, person)] == [person.id]
    ]
    if len(fitting) != 1:
        return None
    return await door.database.run(_link, door, fitting[0], person, now)


async def _fitting(
    door: Door, account: SlackAccount, known: Person | None = None
) -> list[Person]:
    """Return the active people that `account` is, as the identity rule says.

    A login is unique in Okta, an e-mail is not. `known`, when given, saves the
    look-up of a login that was just read.
    """
    rule, email = door.identity, account.email or ""
    if rule.attribute:
        met = await door.directory.people_with(rule.attribute, account.slack_id)
        found = [p for p in met if p.profile.get(rule.attribute) == account.slack_id]
    elif not email:
        found = []
    elif rule.match == "email":
        found = await door.directory.people_with("email", email)
    else:
        one = known or await door.directory.person(email)
        found = [one] if one and one.login.casefold() == email.casefold() else []
    return [person for person in found if person.may_receive]


def _accounts_of(
    session: Session, identity: Identity, person: Person
) -> list[SlackAccount]:
    if identity.attribute:
        return directory.accounts_with_id(
            session, str(person.profile.get(identity.attribute) or "")
        )
    email = person.email if identity.match == "email" else person.login
    return directory.accounts_with_email(session, email)


def _link_of(session: Session, door: Door, person: Person) -> PersonLink | None:
    """Return the link of `person` while its account may still act here."""
    link = directory.link_of_person(session, door.name, person.id)
    if link is None:
        return None
    account = directory.account(session, link.team_id, link.slack_id)
    if account is None or account.refusal:
        return None
    return None if _disagreement(door.identity, account, person, link) else link


def _link(
    session: Session, door: Door, account: SlackAccount, person: Person, now: datetime
) -> PersonLink | None:
    """Link them if neither is linked yet; None, with the admins told, otherwise."""
    theirs = directory.link_of_person(session, door.name, person.id)
    its = directory.link_of_account(
        session, account.team_id, account.slack_id, door.name
    )
    if theirs is not None and theirs is its:
        return theirs
    if theirs is not None or its is not None:
        _tell_disagreement(session, door, account, person, now)
        return None
    link = PersonLink(
        team_id=account.team_id,
        slack_id=account.slack_id,
        integration=door.name,
        person_id=person.id,
        email="" if door.identity.attribute else account.email or "",
        linked_at=now,
    )
    session.add(link)
    audit.record(
        session,
        "person linked",
        by="bot",
        now=now,
        integration=door.name,
        person_id=person.id,
        data={"team": account.team_id, "slack": account.slack_id},
        text={"login": person.login, "email": account.email or ""},
    )
    return link


def _disagreement(
    identity: Identity, account: SlackAccount, person: Person, link: PersonLink
) -> Refused | None:
    """Return why a link is no longer believed, or None.

    NB. Who can change the e-mail of a Slack account must not become the
    person who had it: the link stays with the id it was made for.
    """
    email = (account.email or "").casefold()
    if identity.attribute:
        agrees = person.profile.get(identity.attribute) == account.slack_id
    elif identity.match == "email":
        agrees = email == person.email.casefold() == link.email.casefold()
    else:
        agrees = email == person.login.casefold() == link.email.casefold()
    return None if agrees else Refused(_CHANGED)


def _tell_disagreement(
    session: Session, door: Door, account: SlackAccount, person: Person, now: datetime
) -> None:
    _tell_misfit(session, door.name, account, person, now)


def _tell_of_change(session: Session, account: SlackAccount, link: PersonLink) -> None:
    """Tell the admins that an account no longer has the e-mail it was linked by."""
    person = directory.person(session, link.integration, link.person_id)
    if person is not None:
        _tell_misfit(session, link.integration, account, person, account.read_at)


def _tell_misfit(
    session: Session,
    integration: str,
    account: SlackAccount,
    person: Person,
    now: datetime,
) -> None:
    tell_people(
        session,
        integration,
        "admins",
        f"The Slack account {account.slack_id} no longer fits the Okta user "
        f"{person.login}. They are refused, and told nothing, until an admin has "
        f"looked at it: `access-bot people relink {person.login}` where it is theirs.",
        key=f"disagree:{account.team_id}:{account.slack_id}:{person.id}",
        now=now,
    )


def _no_one_person(account: SlackAccount, found: list[Person]) -> str:
    if not found:
        return (
            "I found no active Okta user for your Slack e-mail. "
            "Ask your admin to make them fit."
        )
    return "Several Okta users fit your Slack account. Ask your admin to mend that."


_TWICE = (
    "Another Slack account is linked to your Okta user already. "
    "The admins have been told."
)
_CHANGED = (
    "Your Slack account and your Okta user no longer fit each other. "
    "The admins have been told."
)
