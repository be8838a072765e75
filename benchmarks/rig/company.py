"""A database with people, groups and requests that wait for an answer.

The org is the one that Slack's tests hold in memory. Every row is written by
the bot's own verbs: what was asked for is routed, its cards are made, and what
was read is fresh, so that a click needs no read of Okta.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.catalogue import Catalogue, load
from bot.core.words import Person, Refused
from bot.settings import Clock, Timing
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate
from bot.store.tables import SlackAccount
from bot.workflow import requests, upkeep
from bot.workflow.people import identify
from bot.workflow.reading import Office
from bot.workflow.requests import Wish
from tests.slack.org import Org

TEAM = "T00000001"
OWNERS = ("olga", "otto")
CHAIN = Chain(b"the audit key of the benchmarks")
POLICY = """\
version: 1
admins: [{user: ada@example.com}]
integrations:
  - name: corp-okta
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
    owner: [{user: ada@example.com}]
    resource_owner: [{key: resourceOwner, attribute: group}]
flows:
  - name: engineers to production
    integration: corp-okta
    requesters: {any: [{group: Engineering}]}
    groups: {include: ["prod-*"]}
    duration: {default: 1h, max: 8h}
    justification: {required: true, pattern: "[A-Z]+-[0-9]+"}
"""


@dataclass(frozen=True)
class Company:
    """A database, and the ids of the requests in it that wait for an owner."""

    path: Path
    waiting: Sequence[str]


def found(folder: Path, count: int) -> Company:
    """Make a database in which `count` people wait for their own request."""
    path = folder / "access-bot.db"
    migrate(f"sqlite:///{path}", CHAIN)
    database = opened(path)
    try:
        return Company(path, asyncio.run(_all_ask(database, count)))
    finally:
        database.close()


def opened(path: Path) -> Database:
    return open_database(f"sqlite:///{path}", chain=CHAIN)


def office(database: Database, org: Org) -> Office:
    """Return the one office of the company, to which `org` is Okta."""
    catalogue: Catalogue = load(POLICY)
    return Office(
        database=database,
        directory=org,
        integration=catalogue.integrations[0],
        identity=catalogue.identity,
        catalogue=catalogue,
        timing=Timing(),
        clock=Clock(),
    )


def slack_id(name: str) -> str:
    return f"U-{name}"


async def _all_ask(database: Database, count: int) -> list[str]:
    engineers = [f"engineer{number}" for number in range(count)]
    org, group = _org(engineers)
    here = office(database, org)
    now = here.clock()
    accounts = [_account(name, now) for name in ("ada", *OWNERS, *engineers)]
    await upkeep.meet(database, accounts, now)
    await upkeep.discover(here)
    for owner in OWNERS:
        await identify(here, TEAM, slack_id(owner), now)
    return [await _ask(here, name, group) for name in engineers]


async def _ask(here: Office, name: str, group: str) -> str:
    person = await identify(here, TEAM, slack_id(name), here.clock())
    assert isinstance(person, Person), person
    wish = Wish(
        requester_id=person.id,
        group_id=group,
        duration=timedelta(hours=1),
        justification="OPS-12 look at slow queries",
    )
    request = await here.database.run(requests.ask, here, wish, here.clock())
    assert not isinstance(request, Refused), request
    await requests.route(here, request, here.clock())
    return request.id


def _org(engineers: Sequence[str]) -> tuple[Org, str]:
    """Return the org, and the id of the group that everybody asks for."""
    org = Org()
    people = {
        name: org.add_person(f"{name}@example.com")
        for name in ("ada", *OWNERS, *engineers)
    }
    org.memberships[org.add_group("Engineering")] = {people[e] for e in engineers}
    org.memberships[org.add_group("db-owners")] = {people[o] for o in OWNERS}
    return org, org.add_group("prod-db-read", "Read it", owner="db-owners")


def _account(name: str, now: datetime) -> SlackAccount:
    return SlackAccount(
        team_id=TEAM,
        slack_id=slack_id(name),
        email=f"{name}@example.com",
        name=name,
        read_at=now,
    )
