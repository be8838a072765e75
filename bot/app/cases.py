"""config test and config diff: what a file decides, before it is in force."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import Session, select

from bot.core.catalogue import Cases, Catalogue, Integration, UserSelector
from bot.core.policy import Policy, may_see, named_in_authority
from bot.core.words import Group, Person
from bot.store import directory
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate
from bot.store.tables import OktaGroup, OktaPerson
from bot.workflow.cases import Outcome, run_cases


def outcomes(catalogue: Catalogue, cases: Cases) -> list[Outcome]:
    """Return what came of each case, on a database that is gone afterwards."""
    with TemporaryDirectory() as folder:
        url, chain = f"sqlite:///{Path(folder) / 'cases.db'}", Chain(b"cases")
        migrate(url, chain)
        database = open_database(url, chain=chain)
        try:
            return asyncio.run(run_cases(catalogue, cases, database))
        finally:
            database.close()


def known_changes(
    database: Database, before: Catalogue, after: Catalogue
) -> list[dict[str, Any]]:
    """Return who of the people known gains or loses which of the groups known."""
    files = (before, after)
    names = sorted({each.name for file in files for each in file.integrations})
    return [
        {"integration": name, "login": login, "gains": gains, "groups": groups}
        for name in names
        for login, gains, groups in database.look(_changes_of, name, before, after)
    ]


def _changes_of(
    session: Session, name: str, before: Catalogue, after: Catalogue
) -> list[tuple[str, bool, list[str]]]:
    groups = [
        directory.as_group(row)
        for row in session.exec(select(OktaGroup).where(OktaGroup.integration == name))
        if row.gone_at is None
    ]
    people = session.exec(select(OktaPerson).where(OktaPerson.integration == name))
    old, new = (_policy(session, each, name) for each in (before, after))
    changes: list[tuple[str, bool, list[str]]] = []
    for row in people:
        person = directory.as_person(row)
        had = _visible(old, person, groups)
        has = _visible(new, person, groups)
        for gains, names in ((True, has - had), (False, had - has)):
            if names:
                changes.append((person.login, gains, sorted(names)))
    return changes


def _visible(
    policy: Policy | None, person: Person, groups: Iterable[Group]
) -> set[str]:
    if policy is None:
        return set()
    return {group.name for group in groups if may_see(policy, person, group)}


def _policy(session: Session, catalogue: Catalogue, name: str) -> Policy | None:
    """Return the policy of a file, its names led by pins, and by rows where new."""
    integration = catalogue.integration(name)
    if integration is None:
        return None
    users, groups = _led(session, catalogue, integration)
    return Policy(
        catalogue=catalogue, integration=integration, users=users, groups=groups
    )


def _led(
    session: Session, catalogue: Catalogue, integration: Integration
) -> tuple[dict[str, str], dict[str, str]]:
    pins = directory.pins(session, integration.name)
    users, groups = dict(pins.users), dict(pins.groups)
    for selector in named_in_authority(catalogue, integration):
        if isinstance(selector, UserSelector):
            people = directory.people_called(session, integration.name, selector.user)
            if len(people) == 1:
                users.setdefault(selector.user, people[0].id)
        else:
            called = directory.groups_called(session, integration.name, selector.group)
            if len(called) == 1:
                groups.setdefault(selector.group, called[0].id)
    return users, groups
