"""explain and config check --online, on the real orgs and rows; nothing is changed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from bot.app.parts import okta_of, policy_in_force, visit
from bot.core.catalogue import Catalogue, GroupSelector, Integration, UserSelector
from bot.core.owners import attribute_values
from bot.core.policy import Policy, authority_paths, named_in_authority
from bot.core.words import AccessBotError, Group, Person, Refused
from bot.okta.directory import OktaDirectory
from bot.settings import Clock, Timing
from bot.store import directory
from bot.store.database import Database
from bot.workflow.explaining import (
    Explanation,
    explain,
    read_asked,
    what_can_get,
    who_can_get,
)
from bot.workflow.people import ask_for_person
from bot.workflow.reading import Office, groups_called


async def explain_one(
    database: Database,
    *,
    who: str,
    group: str,
    grantee: str | None,
    duration: timedelta | None,
    at: datetime | None,
    justification: str,
) -> Explanation | Refused:
    """Return what would come of asking, in the first org that has such a group."""
    refused = Refused("access.yaml names no integration.")
    async for office in _offices(database):
        instant = at or office.clock()
        asked = await read_asked(
            office,
            who=who,
            grantee=grantee,
            group=group,
            duration=duration,
            justification=justification,
            at=instant,
        )
        if not isinstance(asked, Refused):
            return await explain(office, asked, instant)
        refused = asked
    return refused


async def everyone_who_can(
    database: Database, group: str
) -> list[tuple[str, Group, list[tuple[Person, str]]]]:
    """Return, for each group called so, the people known who may ask for it."""
    found = []
    async for office in _offices(database):
        called = await database.read(directory.groups_called, office.name, group)
        for each in called:
            people = await database.read(who_can_get, office, each)
            found.append((office.name, each, people))
    return found


async def all_they_can(
    database: Database, who: str
) -> list[tuple[str, list[tuple[Group, str]]]]:
    """Return what one person may ask for in each org, as Okta knows them now."""
    found = []
    async for office in _offices(database):
        person = await ask_for_person(office.directory, who, office.clock())
        if person is not None:
            groups = await database.read(what_can_get, office, person)
            found.append((office.name, groups))
    return found


async def check_online(catalogue: Catalogue) -> list[str]:
    """Return what Okta does not have of what the file names, a sentence each."""
    wrong: list[str] = []
    for integration in catalogue.integrations:
        async with okta_of(integration, Clock(), Timing()) as client:
            try:
                wrong += await _check_org(OktaDirectory(client), catalogue, integration)
            except AccessBotError as error:
                wrong.append(f"{integration.name}: {error}")
    return wrong


def paths_to_authority(catalogue: Catalogue) -> list[str]:
    """Return each way by which asking leads to deciding, a sentence each."""
    return [
        f"“{flow.name}” lets people ask for {group}, which {power}."
        for integration in catalogue.integrations
        for flow, group, power in authority_paths(
            Policy(catalogue=catalogue, integration=integration)
        )
    ]


async def _check_org(
    org: OktaDirectory, catalogue: Catalogue, integration: Integration
) -> list[str]:
    wrong = []
    for selector in sorted(named_in_authority(catalogue, integration), key=str):
        said = await _check_name(org, selector)
        wrong += [f"{integration.name}: {said}"] if said else []
    groups = await org.all_groups()
    for mapping in integration.resource_owner:
        if not any(attribute_values(group, mapping.key) for group in groups):
            said = f"no group has the attribute {mapping.key}."
            wrong.append(f"{integration.name}: {said}")
    return wrong


async def _check_name(
    org: OktaDirectory, selector: UserSelector | GroupSelector
) -> str:
    if isinstance(selector, UserSelector):
        name, count = selector.user, int(await org.person(selector.user) is not None)
    else:
        name, count = selector.group, len(await groups_called(org, selector.group))
    leads = "to nobody" if count == 0 else f"to {count} groups"
    return "" if count == 1 else f"“{name}” leads {leads} in Okta."


async def _offices(database: Database) -> AsyncIterator[Office]:
    """Give the office of each integration in force, each over a client of its own."""
    catalogue = database.look(policy_in_force)
    for integration in catalogue.integrations:
        async with visit(database, catalogue, integration) as office:
            yield office
