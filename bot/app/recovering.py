"""Memberships that our app gave and no row explains: found, and taken back.

After a restore, or where the key was used elsewhere, Okta's log says what the
database cannot.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.app.parts import office_of, okta_of, policy_in_force
from bot.core.catalogue import Integration
from bot.okta.client import OktaClient, OktaTiming
from bot.okta.credentials import Credentials
from bot.okta.directory import OktaDirectory
from bot.okta.log import LOG_KEEPS, SCOPES, Change, changes_by
from bot.secrets import read_secret
from bot.settings import Clock, Timing
from bot.store.database import Database
from bot.workflow.reading import Office
from bot.workflow.upkeep import strays as strays_of_rows
from bot.workflow.upkeep.strays import Membership
from bot.workflow.upkeep.watching import to_watch, unexplained, watched


@dataclass(frozen=True)
class Stray:
    """A membership that our app gave, that no row explains, and that is still there."""

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
    clock, timing, found = Clock(), Timing(), []
    for integration in database.look(policy_in_force).integrations:
        now = clock()
        changes = await _changes(integration, now - LOG_KEEPS, now, clock, timing)
        added = [each for each in changes if each.verb == "add"]
        foreign = database.look(
            partial(unexplained, integration=integration.name, changes=added)
        )
        async with okta_of(integration, clock, timing) as client:
            okta = OktaDirectory(client)
            for change in foreign:
                stray = await _stray(integration, okta, change)
                found += [stray] if stray else []
    return found


async def take_back(database: Database, stray: Stray, by: str) -> bool:
    """Remove a stray membership, read back that it is gone, and write it down.

    Raises DirectoryError when Okta did not do its part.
    """
    clock, timing = Clock(), Timing()
    catalogue = database.look(policy_in_force)
    integration = catalogue.integration(stray.integration)
    if integration is None:
        return False
    async with okta_of(integration, clock, timing) as client:
        office = office_of(
            integration,
            client,
            database=database,
            catalogue=catalogue,
            timing=timing,
            clock=clock,
        )
        return await strays_of_rows.take_back(office, stray.membership, by)


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


async def watch(office: Office) -> int:
    """Look at what was done with our key since the last look; return what was not us.

    Raises SettingError where the log may not be read.
    """
    now = office.clock()
    since = await office.database.read(to_watch, office.name, now)
    changes = await _changes(
        office.integration, since, now, office.clock, office.timing
    )
    return await office.database.run(watched, office, changes, now)


async def _changes(
    integration: Integration,
    since: datetime,
    until: datetime,
    clock: Clock,
    timing: Timing,
) -> list[Change]:
    async with _log_of(integration, clock, timing) as (client, client_id):
        return await changes_by(client, client_id, since, until)


@asynccontextmanager
async def _log_of(
    integration: Integration, clock: Clock, timing: Timing
) -> AsyncIterator[tuple[OktaClient, str]]:
    text = read_secret(integration.credentials)
    client = OktaClient(
        integration.org_url,
        partial(read_secret, integration.credentials),
        SCOPES,
        timing=OktaTiming().scaled(timing.okta_call / OktaTiming().deadline),
        clock=clock,
    )
    async with client:
        yield client, Credentials.parse(text).client_id


async def _stray(
    integration: Integration, okta: OktaDirectory, change: Change
) -> Stray | None:
    """Return the stray membership of a change; None where it is there no more."""
    person = await okta.person(change.person_id)
    if person is None or change.group_id not in await okta.groups_of(person.id):
        return None
    group = await okta.group(change.group_id)
    return Stray(
        integration=integration.name,
        person_id=person.id,
        login=person.login,
        group_id=change.group_id,
        group=group.name if group else change.group_id,
        at=change.at,
    )
