"""Memberships that our app gave and no row explains: found, and taken back.

After a restore, or where the key was used elsewhere, Okta's log says what the
database cannot.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bot.app.parts import policy_in_force, visit
from bot.core.words import SettingError
from bot.okta.client import OktaClient, OktaTiming
from bot.okta.log import LOG_KEEPS, SCOPES, Change, changes_by, changes_of
from bot.secrets import read_secret
from bot.settings import Clock
from bot.store.database import Database
from bot.workflow.people import read_person
from bot.workflow.reading import Office
from bot.workflow.upkeep import strays as strays_of_rows
from bot.workflow.upkeep.strays import Ending, Membership, Whose, endings
from bot.workflow.upkeep.watching import to_watch, unexplained, watched

SECOND = timedelta(seconds=1)

LATEST = LOG_KEEPS - timedelta(days=1)
"""How long after it was given a membership is certainly still in Okta's log."""


@dataclass(frozen=True)
class Stray:
    """A membership that our app gave, that no row explains, and that is still there.

    Nobody has changed it since: it is no one else's.
    """

    integration: str
    person_id: str
    login: str
    group_id: str
    group: str
    at: datetime

    @property
    def membership(self) -> Membership:
        """Who is where, and since when."""
        return Membership(person_id=self.person_id, group_id=self.group_id, at=self.at)


async def strays(database: Database) -> list[Stray]:
    """Return every stray membership of the last 90 days, oldest first.

    Raises SettingError where the log may not be read.
    """
    catalogue, found = database.look(policy_in_force), []
    for integration in catalogue.integrations:
        async with visit(database, catalogue, integration) as office:
            for change in await _foreign(office):
                stray = await _stray(office, change)
                found += [stray] if stray else []
    return found


async def _foreign(office: Office) -> list[Change]:
    """Return the additions of the last 90 days that no row explains."""
    async with _log_reader(office) as (client, skew):
        now = office.clock() + skew
        us = await client.client_id()
        changes = await changes_by(client, us, now - LOG_KEEPS, now)
    added = [each for each in changes if each.verb == "add"]
    return await office.database.read(unexplained, office.name, added, skew)


async def take_back(database: Database, stray: Stray, by: str) -> bool:
    """Remove a stray membership, read back that it is gone, and write it down.

    One that somebody else gave anew meanwhile is left to them, which is False.
    Raises DirectoryError when Okta did not do its part.
    """
    catalogue = database.look(policy_in_force)
    integration = catalogue.integration(stray.integration)
    if integration is None:
        return False
    async with visit(database, catalogue, integration) as office:
        stands = await whose(office, stray.membership)
        if stands is not Whose.OURS:
            return stands is Whose.NOBODYS
        return await strays_of_rows.take_back(office, stray.membership, by)


def refuse_late_end(found: Sequence[Stray], until: datetime) -> None:
    """Raise SettingError where an end is too late for one of those that were found.

    NB. Whose a membership is by then, only Okta's log can tell.
    """
    first = min(found, key=lambda each: each.at, default=None)
    if first is not None and until > first.at + LATEST:
        raise SettingError(
            f"{first.login} in {first.group} would end when Okta's log no longer says "
            "whose it is, and never be removed.",
            f"End it before {first.at + LATEST:%F %R} UTC, with a shorter --end-in, "
            "or use --remove.",
        )


def give_end(database: Database, stray: Stray, until: datetime, by: str) -> None:
    """Have the bot remove a stray membership once `until` has come."""
    database.transact(
        strays_of_rows.give_end,
        stray.integration,
        stray.membership,
        until,
        by=by,
        now=Clock()(),
    )


@dataclass(frozen=True)
class Due:
    """A stray membership whose end has come, and whether Okta still shows it."""

    integration: str
    ending: Ending
    is_shown: bool


async def overdue(database: Database) -> list[Due]:
    """Return each whose end has come and that is not settled, as Okta shows it now."""
    catalogue, now, found = database.look(policy_in_force), Clock()(), []
    for integration in catalogue.integrations:
        late = database.look(endings, integration.name)
        async with visit(database, catalogue, integration) as office:
            found += [
                Due(
                    integration.name,
                    each,
                    await strays_of_rows.is_shown(office, each.stray),
                )
                for each in late
                if each.until <= now
            ]
    return found


def forget(database: Database, due: Due, reason: str, by: str) -> None:
    """Take one for ended, as an operator says that it is."""
    ending, now = due.ending, Clock()()
    database.transact(
        strays_of_rows.forget, due.integration, ending, reason, by=by, now=now
    )


async def watch(office: Office) -> int:
    """Look at what was done with our key since the last look; return what was not us.

    Raises SettingError where the log may not be read.
    """
    async with _log_reader(office) as (client, skew):
        now = office.clock()
        since = await office.database.read(to_watch, office.name, now, skew)
        us = await client.client_id()
        changes = await changes_by(client, us, since, now + skew)
    return await office.database.run(watched, office, changes, now, skew)


@asynccontextmanager
async def _log_reader(office: Office) -> AsyncIterator[tuple[OktaClient, timedelta]]:
    """Give a client that reads the log, and how far its clock is ahead of ours."""
    client = OktaClient(
        office.integration.org_url,
        partial(read_secret, office.integration.credentials),
        SCOPES,
        timing=OktaTiming().scaled(office.timing.okta_call / OktaTiming().deadline),
        clock=office.clock,
    )
    async with client:
        await client.token()
        yield client, client.apart


async def whose(office: Office, stray: Membership) -> Whose:
    """Return whose a membership is that our app gave: who changed it last, and how.

    NB. Whoever is removed and added again by somebody else is theirs. Raises
    SettingError where the log may not be read, or shows nothing of it, as it does to
    an app whose role lost the sight of it: then it is not known whose it is.
    """
    since = stray.at - SECOND
    async with _log_reader(office) as (client, skew):
        us, until = await client.client_id(), office.clock() + skew + SECOND
        changes = await changes_of(client, stray.person_id, since, until)
    of_it = [each for each in changes if each.group_id == stray.group_id]
    if not of_it:
        raise SettingError(
            "Okta's log shows nothing of this membership any more.",
            "Let the app read the log again, or remove the member in Okta.",
        )
    last = of_it[-1]
    if last.verb == "remove":
        return Whose.NOBODYS
    return Whose.OURS if (last.by, last.at) == (us, stray.at) else Whose.OTHERS


async def _stray(office: Office, change: Change) -> Stray | None:
    """Return the stray membership of a change; None where it is there no more.

    Who is in it is kept as any other person that was read.
    """
    okta, now = office.directory, office.clock()
    person = await read_person(
        office.database, okta, office.name, change.person_id, now
    )
    if person is None or change.group_id not in (person.groups or ()):
        return None
    given = Membership(person_id=person.id, group_id=change.group_id, at=change.at)
    if await whose(office, given) is not Whose.OURS:
        return None
    group = await okta.group(change.group_id)
    return Stray(
        integration=office.name,
        person_id=person.id,
        login=person.login,
        group_id=change.group_id,
        group=group.name if group else change.group_id,
        at=change.at,
    )
