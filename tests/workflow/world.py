"""A small company on the sandbox's Okta, and the bot's office in it.

Ann is an engineer who asks, Bob and Bea own the databases, Lead owns the
integration, Ops is the admin. Time passes only when a test says so; nothing
but the worker's own verbs is called, on rows that were really claimed.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
from sqlalchemy import inspect
from sqlmodel import Session, SQLModel, col, select

from bot.core.catalogue import load
from bot.core.words import AccessBotError, Person, Refused, StaleState
from bot.okta.client import OktaClient
from bot.okta.directory import OktaDirectory
from bot.okta.timing import OktaTiming
from bot.sandbox.okta import OktaOrg
from bot.settings import Clock, Timing
from bot.store import claims
from bot.store.database import Database
from bot.store.tables import AccessGrant, AccessRequest, Event, Notice, SlackAccount
from bot.workflow import grants, people, reading, requests, upkeep
from bot.workflow.reading import Office
from bot.workflow.requests import Reply, Wish
from tests.hand import by_hand

P = ParamSpec("P")
T = TypeVar("T")

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TEAM = "T1"

FILE = """\
version: 1
{limits}
admins: [{{user: ops@example.com}}]
{identity}
integrations:
  - name: corp
    type: okta-group
    org_url: {url}
    credentials: env:OKTA
    owner: {owner}
    resource_owner: {resource_owner}
    {cleanup}
    discovery: {discovery}
flows:
  - name: engineers
    integration: corp
    requesters: {requesters}
    groups: {{include: ["prod-*"]}}
    duration: {{default: 1h, max: 8h}}
    warn_before: {warn_before}{more}
"""
USUAL = {
    "identity": "identity: {match: login}",
    "resource_owner": "[{key: resourceOwner, attribute: group}]",
    "owner": "[{user: lead@example.com}]",
    "cleanup": "user_cleanup: {after: 30d, action: forget}",
    "discovery": "{every: 1h}",
    "warn_before": "[1d, 15m]",
    "requesters": "{any: [{group: Engineering}]}",
    "limits": "limits: {open: 100, asks_per_hour: 1000}",
    "more": "",
}
QUICK = OktaTiming(
    deadline=timedelta(seconds=1),  # a busy machine is no fault of Okta's
    patience=timedelta(seconds=2),
    backoff=timedelta(milliseconds=1),
    backoff_most=timedelta(milliseconds=1),
    window_most=timedelta(milliseconds=10),
    after_reset=timedelta(0),
    crowded=timedelta(milliseconds=1),
    crowded_most=timedelta(milliseconds=1),
)


class World:
    """The company, the office, and a clock that stands where it is put."""

    def __init__(self, org: OktaOrg, database: Database) -> None:
        self.org = org
        self.database = database
        self.wall = START.timestamp()
        self.clock = Clock(wall=self._tick, monotonic=lambda: 0.0)
        self.tampered = False
        self.is_set = False
        self._found_company()
        self.app = org.new_app()
        secret = json.dumps(self.app)
        self.client = OktaClient(org.url, lambda: secret, timing=QUICK, clock=self._now)
        self.office = self.open_office()

    def open_office(self, **changes: str) -> Office:
        """Return the office under another file; it is the world's from now on."""
        catalogue = load(FILE.format(url=self.org.url, **USUAL | changes))
        self.office = Office(
            database=self.database,
            directory=OktaDirectory(self.client),
            integration=catalogue.integrations[0],
            identity=catalogue.identity,
            catalogue=catalogue,
            timing=replace(Timing(), okta_read_at_click=timedelta(seconds=10)),
            clock=self.clock,
        )
        return self.office

    async def open(self, *more: str) -> None:
        """Discover, with everyone in Slack, and `more` people."""
        names = ("ann", "bob", "bea", "lead", "ops", *more)
        accounts = [account(name) for name in names]
        await upkeep.meet(self.database, accounts, self.clock())
        await upkeep.discover(self.office)

    def wait(self, length: timedelta) -> None:
        """Let time pass."""
        self.wall += length.total_seconds()

    def set_ahead(self, ahead: timedelta) -> None:
        """Set the org's clock so that ours is so far ahead of it, from now on."""
        self.is_set = True
        self.org.set_clock_skew(self.wall - ahead.total_seconds() - time.time())

    # What people do in Slack

    async def who(self, name: str) -> Person | Refused:
        """Return who is behind the Slack account of `name`."""
        return await people.identify(self.office, TEAM, f"U-{name}", self.clock())

    async def ask(
        self, name: str = "ann", group: str = "prod-db", **changes: Any
    ) -> AccessRequest | Refused:
        """Ask for a group, as the modal does."""
        who = known(await self.who(name))
        return await self.ask_as(who.id, group, **changes)

    async def ask_as(
        self, requester_id: str, group: str = "prod-db", **changes: Any
    ) -> AccessRequest | Refused:
        """Ask as someone who was identified a moment ago."""
        wish: dict[str, Any] = {
            "requester_id": requester_id,
            "group_id": self.ids[group],
            "duration": HOUR,
            "justification": "OPS-12",
        }
        wanted = Wish(**wish | changes)
        return await self.run(requests.ask, self.office, wanted, self.clock())

    async def ask_to_extend(self, name: str = "ann") -> AccessRequest | Refused:
        """Ask to extend the one grant, as `name`."""
        who, grant_id, now = known(await self.who(name)), self.grant().id, self.clock()
        return await self.run(
            requests.extend, self.office, grant_id, who.id, "OPS-12 goes on", now
        )

    async def answer(
        self, request: AccessRequest, name: str = "bob", **changes: Any
    ) -> AccessRequest | Refused:
        """Answer a card of step 1, Approve unless told otherwise."""
        who = known(await self.who(name))
        reply = {"approves": True, "step_shown": 1} | changes
        given = Reply(request_id=request.id, person_id=who.id, **reply)
        return await self.run(requests.answer, self.office, given, self.clock())

    async def look_at(self, group: str) -> None:
        """Read a group anew, as a listener does before a click on old rows."""
        await reading.read_group(self.office, self.ids[group], self.clock())

    async def look_at_person(self, name: str) -> None:
        """Read a person anew, as a listener does before a click on old rows."""
        await people.read_person(
            self.database,
            self.office.directory,
            self.office.name,
            self.ids[name],
            self.clock(),
        )

    async def discover(self) -> None:
        """Read all of the org's groups anew."""
        await upkeep.discover(self.office)

    async def give_back(self, grant: AccessGrant) -> AccessGrant | Refused:
        """End a grant as who holds it."""
        return await self.run(
            grants.give_back, grant.id, grant.grantee_id, self.clock()
        )

    async def settle_gone(self, name: str) -> AccessGrant | Refused:
        """Let somebody say that what cannot be removed is gone."""
        return await self.settle_as(known(await self.who(name)).id)

    async def settle_as(self, person_id: str) -> AccessGrant | Refused:
        """The same, of somebody who was identified a moment ago."""
        grant, now = self.grant(), self.clock()
        is_shown = await grants.is_shown(self.office, grant)
        settle = partial(grants.settle_gone, is_shown=is_shown)
        return await self.run(settle, self.office, grant.id, person_id, now)

    # What the worker does

    async def work(self, times: int = 1) -> list[AccessBotError]:
        """Claim what is due and carry it out; return what went wrong."""
        failed: list[AccessBotError] = []
        for _ in range(times):
            for table in (AccessGrant, AccessRequest):
                for row in await self.claim(table):
                    failed += await self.carry_out(row)
        return failed

    async def settle(self) -> None:
        """Work until nothing goes wrong any more."""
        with anyio.fail_after(5):
            while await self.work():
                await anyio.sleep(0.01)

    async def look_after(self) -> int:
        """See to what a hand in the database may have done."""
        return await grants.look_after(self.office)

    async def claim(self, table: Any) -> list[Any]:
        """Return what is due of `table`, leased."""
        claimed: list[Any] = await self.run(
            claims.claim,
            table,
            owner="test",
            now=self.clock(),
            lease=timedelta(seconds=30),
            most=10,
        )
        return claimed

    async def carry_out(self, row: AccessGrant | AccessRequest) -> list[AccessBotError]:
        """Carry out one row that was claimed; return what went wrong."""
        try:
            if isinstance(row, AccessGrant):
                await grants.carry_out(self.office, row, lambda: None)
            else:
                await requests.carry_out(self.office, row)
        except StaleState:
            await self.run(claims.let_go, row)
        except AccessBotError as error:
            await self.run(claims.put_back, row, self.clock())
            return [error]
        return []

    # What is so

    async def asked(self, name: str = "ann", **changes: Any) -> AccessRequest:
        """Return a request that is put to its approvers."""
        request = known(await self.ask(name, **changes))
        assert await self.work() == []
        return self.request(request.id)

    async def approved(self, **changes: Any) -> AccessGrant:
        """Return a grant that was just approved by Bob."""
        known(await self.answer(await self.asked(), **changes))
        return self.grant()

    async def held(self, **changes: Any) -> AccessGrant:
        """Return a grant that is active."""
        await self.approved(**changes)
        assert await self.work() == []
        return self.grant()

    def grant(self) -> AccessGrant:
        """Return the one grant there is."""
        return self.look(lambda session: session.exec(select(AccessGrant)).one())

    def rows_of_grants(self) -> list[AccessGrant]:
        return self.look(lambda session: list(session.exec(select(AccessGrant))))

    def request(self, request_id: str) -> AccessRequest:
        return self.look(lambda session: session.get_one(AccessRequest, request_id))

    def rows(self, table: Any) -> list[Any]:
        """Return the rows of a table, in the order of its key."""
        ordered = select(table).order_by(*inspect(table).primary_key)
        return self.look(lambda session: list(session.exec(ordered)))

    def events(self) -> list[str]:
        """Return what the audit tells, oldest first."""
        ordered = select(Event.kind).order_by(col(Event.seq))
        return self.look(lambda session: list(session.exec(ordered)))

    def told(self, kind: str) -> list[str]:
        """Return who was told something of this kind, in order."""
        of_kind = select(Notice).where(Notice.kind == kind).order_by(col(Notice.id))
        found = self.look(lambda session: list(session.exec(of_kind)))
        return [notice.recipient.removeprefix("U-") for notice in found]

    def alerts(self, name: str) -> str:
        """Return all that Lead or Ops was alerted of."""
        found = self.look(lambda session: list(session.exec(select(Notice))))
        return "\n".join(
            notice.facts["text"]
            for notice in found
            if notice.kind == "alert" and notice.recipient == f"U-{name}"
        )

    @property
    def members(self) -> list[str]:
        """Who is in prod-db."""
        return [login.partition("@")[0] for login in self.org.members("prod-db")]

    def changes(self, method: str) -> int:
        """Return how many adds (PUT) or removals (DELETE) reached Okta."""
        return sum(call.method == method for call in self.org.journal)

    def edit(self, sql: str, **values: object) -> None:
        """Change the database by hand, as this program never would."""
        self.tampered = True
        by_hand(self.database, sql, **values)

    def look(self, f: Callable[[Session], T]) -> T:
        return self.database.look(f)

    async def run(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **named: P.kwargs
    ) -> T:
        return await self.database.run(f, *args, **named)

    def _now(self) -> datetime:
        """By what the org's clock goes: the machine's, until it is set by ours."""
        return self.clock() if self.is_set else datetime.now(UTC)

    def _tick(self) -> float:
        self.wall += 0.001
        return self.wall

    def _found_company(self) -> None:
        self.ids = {
            name: self.org.add_user(f"{name}@example.com")
            for name in ("ann", "bob", "bea", "lead", "ops")
        }
        self.add_group("Engineering", members=["ann", "bob"])
        self.add_group("DBAs", members=["bob", "bea"])
        self.add_group("prod-db", resourceOwner="DBAs")
        self.add_group("prod-logs")

    def add_person(self, name: str) -> None:
        """Add a person to the org."""
        self.ids[name] = self.org.add_user(f"{name}@example.com")

    def add_group(
        self, name: str, members: tuple[str, ...] | list[str] = (), **profile: Any
    ) -> None:
        """Add a group of these people to the org."""
        logins = [f"{member}@example.com" for member in members]
        self.ids[name] = self.org.add_group(name, members=logins, **profile)


def account(name: str, slack_id: str = "", **changes: Any) -> SlackAccount:
    """Return a Slack account as just read."""
    columns: dict[str, Any] = {
        "team_id": TEAM,
        "slack_id": slack_id or f"U-{name}",
        "email": f"{name}@example.com",
        "name": name.title(),
        "read_at": START,
    }
    return SlackAccount(**columns | changes)


def known(decision: Any) -> Any:
    """Return `decision`; fail if it is a refusal."""
    assert not isinstance(decision, Refused), decision
    return decision


def why(decision: object) -> str:
    """Return why it was refused; fail if it was not."""
    assert isinstance(decision, Refused), decision
    return decision.reason


def leases(world: World) -> list[SQLModel]:
    """Return the rows that are still leased."""
    tables = (AccessGrant, AccessRequest)
    return [row for table in tables for row in world.rows(table) if row.lease_owner]
