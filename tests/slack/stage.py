"""The bot's face over the sandbox Slack, with a worker that works when told."""

from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlmodel import Session, col, select
from starlette.applications import Starlette

from bot.core.catalogue import Catalogue, load
from bot.sandbox.serving import Loopback
from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.slack.records import Ack, Message
from bot.settings import Clock, Timing
from bot.slack.accounts import read_accounts
from bot.slack.connection import slack_app, socket, web_client
from bot.slack.http import PATH, slack_routes
from bot.slack.listeners import Desk, register
from bot.slack.messenger import Messenger
from bot.store import claims
from bot.store.database import Database
from bot.store.tables import AccessGrant, AccessRequest, Notice
from bot.workflow import grants, requests, upkeep
from bot.workflow.flow_maps import FlowMaps
from bot.workflow.reading import Office
from tests.slack.org import Org

T = TypeVar("T")

ACCESS = """
version: 1
limits: {after_denial: 1s}
admins: [{user: ada@example.com}]
integrations:
  - name: corp-okta
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
    owner: [{user: olga@example.com}, {user: otto@example.com}]
    custom_access_details: |
      Connect to the VPN.
      Then open https://grafana.example.com
flows:
  - name: everyone to production
    integration: corp-okta
    requesters: {any: [everyone]}
    groups: {include: ["prod*", "On *"], exclude: ["prod-roo*"]}
    duration: {default: 1h, max: 8h, choices: [30m, 1h, 4h]}
    justification: {required: true, pattern: "[A-Z]+-[0-9]+", hint: "Name the ticket."}
"""


class Wall:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_900_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Stage:
    """People, groups, rows and the bot's face between them."""

    def __init__(self, slack: SlackWorkspace, database: Database) -> None:
        self.slack = slack
        self.database = database
        self.org = Org()
        self.wall = Wall()
        self.clock = Clock(wall=self.wall, monotonic=lambda: 0.0)
        self.timing = Timing()
        self.woken = 0
        self.office: Office
        self.desk: Desk
        self.messenger: Messenger
        self.loopback = Loopback()
        self.run(self._build())

    def close(self) -> None:
        """Finish what is being told, and stop listening."""
        self.run(self._close())
        self.loopback.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of `work`, done on the bot's thread."""
        return self.loopback.run(work)

    def connect(self) -> None:
        """Take deliveries over Socket Mode from now on."""
        self.run(self.socket.connect_async())  # type: ignore[no-untyped-call]
        self.slack.wait_for_connection()

    def listen(self) -> str:
        """Take deliveries over signed HTTP from now on; return the address."""
        routes = slack_routes(self.app, self.slack.signing_secret)
        address = self.loopback.serve(Starlette(routes=routes)) + PATH
        self.slack.request_url = address
        return address

    def meet(self) -> None:
        """Read the workspace and the org into rows, as discovery does."""
        self.run(self._meet())

    def work(self) -> None:
        """Carry out everything that is due now."""
        self.run(self._work())

    def put_in_force(self, catalogue: Catalogue) -> None:
        """Let everything go by another file from now on."""
        self.office = replace(
            self.office,
            catalogue=catalogue,
            integration=catalogue.integrations[0],
            flow_maps=FlowMaps(),
        )
        offices = {self.office.name: self.office}
        self.desk.offices = self.messenger.offices = offices

    def settle(self) -> None:
        """Wait for what is told after an ack."""
        self.run(self.desk.finish())

    def pass_time(self, length: timedelta) -> None:
        """Move the clock on."""
        self.wall.seconds += length.total_seconds()

    @property
    def now(self) -> datetime:
        return self.clock()

    def rows(self, table: type[T]) -> list[T]:
        """Return every row of a table."""
        return self.database.look(lambda session: list(session.exec(select(table))))

    def notice(self, kind: str, recipient: str) -> Notice:
        """Return the one notice of a kind to a person."""

        def find(session: Session) -> Notice:
            mine = select(Notice).where(
                Notice.kind == kind, col(Notice.recipient) == recipient
            )
            return session.exec(mine).one()

        return self.database.look(find)

    def ask(self, user: str, text: str = "prod-db 1h OPS-12 slow queries") -> Ack:
        """Let a person type their wish, and route it."""
        ack = self.slack.command(user, f"okta-group {text}")
        self.work()
        return ack

    def card(self, user: str) -> Message:
        """Return the newest card of an approver."""
        return next(m for m in self.slack.messages(user)[::-1] if m.shows("asks for"))

    async def _build(self) -> None:
        slack = self.slack
        client = web_client(slack.bot_token, f"{slack.url}/api/", self.timing)
        catalogue = load(ACCESS)
        office = Office(
            database=self.database,
            directory=self.org,
            integration=catalogue.integrations[0],
            identity=catalogue.identity,
            catalogue=catalogue,
            timing=self.timing,
            clock=self.clock,
        )
        self.office = office
        offices = {office.name: office}
        self.desk = Desk(
            database=self.database,
            offices=offices,
            client=client,
            clock=self.clock,
            timing=self.timing,
            team_id=slack.team_id,
            wake=self._wake,
        )
        self.messenger = Messenger(
            self.database, client, offices, self.clock, self.timing
        )
        self.app = slack_app(
            client, team_id=slack.team_id, bot_user_id=slack.bot_user_id
        )
        register(self.app, self.desk)
        self.socket = socket(self.app, slack.app_token, client)

    def _wake(self) -> None:
        self.woken += 1

    async def _close(self) -> None:
        await self.desk.finish()
        await self.socket.close_async()

    async def _meet(self) -> None:
        accounts = await read_accounts(
            self.desk.client, self.slack.team_id, self.clock()
        )
        await upkeep.meet(self.database, accounts, self.clock())
        await upkeep.discover(self.office)

    async def _work(self) -> None:
        while await self._work_once():
            pass

    async def _work_once(self) -> bool:
        asked = await self._claim(AccessRequest)
        for request in asked:
            await self._carry_out_request(request)
        granted = await self._claim(AccessGrant)
        for grant in granted:
            await grants.carry_out(self.office, grant, lambda: None)
        told = await self._claim(Notice)
        for notice in told:
            await self.messenger.carry_out(notice, lambda: None)
        return bool(asked or granted or told)

    async def _carry_out_request(self, request: AccessRequest) -> None:
        await requests.carry_out(self.office, request)

    async def _claim(self, table: Any) -> list[Any]:
        claimed: list[Any] = await self.database.run(
            claims.claim,
            table,
            owner="stage",
            now=self.clock(),
            lease=self.timing.lease,
            most=50,
        )
        return claimed
