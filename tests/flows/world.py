"""The world of a flow: an org, a workspace, their people, and the bot in it.

The bot is the real one, whole, in a thread with its own loop; only addresses
and waits are the test's. `World.killable` runs it as its own process instead.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlmodel import Session, SQLModel, select

from bot.app.running import run
from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot
from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.slack.records import Ack, Message
from bot.settings import Clock, Settings, Timing
from bot.slack.http import PATH
from bot.store import directory
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.tables import AccessGrant, AccessRequest
from bot.store.verification import verify

GROUP = "prod-db-read"
ENGINEERS = ("rita", "olga", "mallory")
WHY = "OPS-12 look at slow queries"
HAS = f"You have {GROUP} until"
AUDIT_KEY = "the audit key of the flows"
DATABASE = "access-bot.db"

QUICK = Timing(
    sweep=timedelta(seconds=0.5),
    okta_call=timedelta(seconds=5),
    okta_read_at_click=timedelta(seconds=2.5),
    lag=timedelta(seconds=1),
    retry_first=timedelta(seconds=0.05),
    retry_most=timedelta(seconds=0.5),
    verify=timedelta(seconds=0.5),
    clean_up=timedelta(seconds=0.5),
)
"""The waits of a flow: what the bot does by itself comes at once."""

POLICY = """\
version: 1
limits: {{open: 100, asks_per_hour: 1000, after_denial: 1s}}
admins: [{admins}]
integrations:
  - name: corp-okta
    type: okta-group
    org_url: {org_url}
    credentials: file:{credentials}
    owner: [{owner}]
    resource_owner: [{{key: resourceOwner, attribute: group}}]
    custom_access_details: Connect to the VPN first.
    {more}
flows:
  - name: engineers to production
    integration: corp-okta
    requesters: {requesters}
    groups: {{include: ["prod-*"]}}
    duration: {{default: {duration}, max: 8h, choices: [{duration}, 4h, 8h]}}
    justification: {{required: true, pattern: "[A-Z]+-[0-9]+", hint: Name the ticket}}
    lapse_after: {lapse_after}
    warn_before: [{warn_before}]
    {flow}
"""
USUAL = {
    "admins": "{user: ada@example.com}",
    "owner": "{group: IAM Team}",
    "duration": "1h",
    "lapse_after": "24h",
    "warn_before": "15m",
    "more": "",
    "requesters": "{any: [{group: Engineering}]}",
    "flow": "",
}

Row = TypeVar("Row", bound=SQLModel)


@dataclass(kw_only=True)
class World:
    """Everybody in the story, by first name: a login in Okta, an id in Slack.

    `policy` is what access.yaml says otherwise than usual. `port` is where the
    bot listens, `database_url` where its rows are: a file in `folder` unless told
    otherwise. `is_tampered` once the database is not as the bot wrote it.
    """

    sandbox: Sandbox
    folder: Path
    port: int
    database_url: str = ""
    policy: dict[str, str] = field(default_factory=dict)
    slack_ids: dict[str, str] = field(default_factory=dict)
    socket: bool = True
    is_tampered: bool = False
    _database: Database | None = None

    def __post_init__(self) -> None:
        self.database_url = self.database_url or f"sqlite:///{self.folder / DATABASE}"
        self.slack: SlackWorkspace = self.sandbox.slack
        self.okta = self.sandbox.okta
        for name in ("rita", "olga", "otto", "ivan", "ada", "mallory"):
            self.join(name)
        self.okta.add_group("Engineering", members=[login(n) for n in ENGINEERS])
        self.okta.add_group("IAM Team", members=[login("ivan")])
        self.okta.add_group("db-owners", members=[login("olga"), login("otto")])
        self.okta.add_group(GROUP, description="Read it", resourceOwner="db-owners")
        self.okta.add_group("prod-logs", description="Production logs")
        self.credentials = self.folder / "okta.json"
        self.credentials.touch(mode=0o600)
        self.credentials.write_text(json.dumps(self.okta.new_app()))

    def join(self, name: str, **slack: Any) -> str:
        """Give somebody an Okta user and a Slack account; return the latter's id."""
        self.okta.add_user(login(name), first=name.title(), last="Test")
        self.slack_ids[name] = self.slack.add_person(name, email=login(name), **slack)
        return self.slack_ids[name]

    def speak_http(self) -> None:
        """Let Slack send signed requests to the bot's port, and no socket."""
        self.socket = False
        self.slack.request_url = self.address(PATH)

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    # The bot

    @contextmanager
    def bot(self, timing: Timing = QUICK, clock: Clock | None = None) -> Iterator[None]:
        """Run the bot in this process until the block ends, ready in it."""
        with self.bot_not_ready(timing, clock) as runner:
            self.slack.wait_for(lambda: runner.is_well() and self.is_met())
            yield

    @contextmanager
    def bot_not_ready(
        self, timing: Timing = QUICK, clock: Clock | None = None
    ) -> Iterator["_InThread"]:
        """Run the bot in this process until the block ends, from its first moment."""
        runner = _InThread(self.settings(), timing, clock)
        try:
            yield runner
        finally:
            runner.stop()

    def killable(self) -> Bot:
        """Return the bot as a process of its own, not yet running."""
        bot = Bot(self.folder, self.environment())
        if not self.socket:
            self.slack.request_url = f"http://127.0.0.1:{bot.port}{PATH}"
        return bot

    def is_met(self) -> bool:
        """Tell whether the bot is ready, and has read who is in the workspace."""
        if not self.is_ready():
            return False
        with self.rows() as database:
            met = database.look(directory.account, self.slack.team_id, self.id("rita"))
        return met is not None

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.address("/readyz"), trust_env=False).is_success
        except httpx.TransportError:
            return False

    def settings(self) -> Settings:
        values: Any = {name.lower(): v for name, v in self.environment().items()}
        return Settings(**values, port=self.port)

    def environment(self) -> dict[str, str]:
        path = self.folder / "access.yaml"
        given = {"org_url": self.okta.url, "credentials": self.credentials}
        path.write_text(POLICY.format(**(USUAL | given | self.policy)))
        how = (
            {"SLACK_APP_TOKEN": self.slack.app_token}
            if self.socket
            else {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
        )
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": f"{self.slack.url}/api/",
            "DATABASE_URL": self.database_url,
            "ACCESS_CONFIG": str(path),
            "AUDIT_KEY": AUDIT_KEY,
            **how,
        }

    # What people do

    def id(self, who: str) -> str:
        """Return somebody's Slack id."""
        return self.slack_ids[who]

    def ask(self, who: str = "rita", text: str = f"{GROUP} 1h {WHY}") -> str:
        """Let somebody type the whole command; return what they are told at once."""
        return self.slack.command(self.id(who), f"okta-group {text}").text

    def card_of(self, who: str, fragment: str = GROUP) -> Message:
        """Wait for an approver's card."""
        return self.slack.wait_for_message(self.id(who), fragment)

    def asked(self, text: str = f"{GROUP} 1h {WHY}", approver: str = "olga") -> Message:
        """Let Rita ask; return the approver's card."""
        self.ask("rita", text)
        return self.card_of(approver)

    def press(self, who: str, action: str, message: Message, **how: Any) -> Ack:
        """Let somebody press a button of a message."""
        return self.slack.press(self.id(who), action, message=message, **how)

    def given(self, text: str = f"{GROUP} 1h {WHY}") -> Message:
        """Let Rita ask and Olga approve; return the message that she has it."""
        self.press("olga", "approve", self.asked(text))
        return self.told("rita", HAS)

    def meets(self, who: str, card: Message) -> None:
        """Let the bot read who somebody is, by a click that decides nothing."""
        self.press(who, "deny", card)
        self.slack.close_view(self.id(who))

    def deny(self, who: str, card: Message, reason: str) -> Ack:
        """Let somebody press Deny, write a reason and submit it."""
        self.press(who, "deny", card)
        return self.slack.submit(self.id(who), {"reason": reason})

    # What people see

    def told(self, who: str, fragment: str) -> Message:
        """Wait until somebody has been written `fragment`, or shown it in passing."""

        def shown() -> Message | None:
            messages = self.shown(who)
            return next((each for each in messages if each.shows(fragment)), None)

        message = self.slack.wait_for(shown)
        assert message is not None
        return message

    def shown(self, who: str) -> list[Message]:
        """Return what somebody is shown by the bot, the newest first."""
        user = self.id(who)
        return [*self.slack.ephemerals(user), *self.slack.messages(user)][::-1]

    def message_with(self, who: str, action: str) -> Message:
        """Wait for the newest message that carries this button."""

        def buttoned() -> Message | None:
            return next((m for m in self.shown(who) if action in m.buttons), None)

        message = self.slack.wait_for(buttoned)
        assert message is not None
        return message

    def was_told(self, who: str, fragment: str) -> bool:
        """Tell whether somebody is shown `fragment` by now."""
        return any(message.shows(fragment) for message in self.shown(who))

    def now_shows(self, message: Message, fragment: str) -> Message:
        """Wait until a message that was posted before shows `fragment`."""

        def redrawn() -> Message | None:
            found = self.slack.message(message.channel, message.ts)
            return found if found.shows(fragment) else None

        found = self.slack.wait_for(redrawn)
        assert found is not None
        return found

    # What Okta holds

    def members(self, *expected: str) -> None:
        """Wait until exactly these people, by first name, are in the group."""
        logins = sorted(login(name) for name in expected)
        self.slack.wait_for(lambda: self.okta.members(GROUP) == logins)

    def changes(self, verb: str = "") -> list[str]:
        """Return the changes of members that the bot made, oldest first.

        `verb` is add or remove; only what was different afterwards counts.
        """
        return [
            call.effect
            for call in self.okta.journal
            if call.method != "OUTSIDE"
            and call.actual_change
            and (call.effect or "").startswith(verb)
            and call.effect
        ]

    def never_added(self) -> bool:
        """Tell whether Okta was never asked to add anybody."""
        return not any(call.method == "PUT" for call in self.okta.journal)

    # What is kept

    @contextmanager
    def rows(self) -> Iterator[Database]:
        """Open the bot's own database beside it, as a command would.

        No connection stays open: the file may be copied, or another put there.
        """
        if self._database is None:
            chain = Chain(AUDIT_KEY.encode())
            self._database = open_database(self.database_url, chain=chain)
        try:
            yield self._database
        finally:
            self._database.engine.dispose()
            self._database.reading_engine.dispose()

    def all_of(self, table: type[Row]) -> list[Row]:
        """Return every row of a table."""

        def every(session: Session) -> list[Row]:
            return list(session.exec(select(table)))

        with self.rows() as database:
            return database.look(every)

    def requests(self) -> list[str]:
        """Return the status of every request."""
        return [str(row.status) for row in self.all_of(AccessRequest)]

    def all_of_grants(self) -> list[AccessGrant]:
        """Return every grant."""
        return self.all_of(AccessGrant)

    def grants(self) -> list[str]:
        """Return the status of every grant."""
        return [str(row.status) for row in self.all_of(AccessGrant)]

    def comes_to(self, *grants: str) -> None:
        """Wait until the grants have exactly these statuses."""
        self.slack.wait_for(lambda: self.grants() == list(grants))

    def by_hand(self, statement: str, *values: Any) -> None:
        """Change the database as someone would who can write the file."""
        self.is_tampered = True
        with closing(sqlite3.connect(self.folder / DATABASE, timeout=10)) as file, file:
            file.execute(statement, values)

    def findings(self) -> list[str]:
        """Return what the verification of the audit finds."""
        with self.rows() as database:
            return database.look(lambda session: [f.what for f in verify(session)])


class _InThread:
    """The bot in a thread with a loop of its own, until stopped."""

    def __init__(
        self, settings: Settings, timing: Timing, clock: Clock | None = None
    ) -> None:
        self._others = set(threading.enumerate())
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._threads = ThreadPoolExecutor(1)
        self._running = self._threads.submit(
            self._loop.run_until_complete,
            run(settings, timing, self._stopped, clock=clock),
        )

    def is_well(self) -> bool:
        """Raise what the bot stopped with, if it has."""
        if self._running.done():
            self._running.result()
        return not self._running.done()

    def stop(self) -> None:
        """Stop the bot; nothing of it is left, neither task nor thread."""
        if not self._running.done():
            self._loop.call_soon_threadsafe(self._stopped.set)
        try:
            self._running.result(20)
        except TimeoutError:
            raise AssertionError(f"the bot does not stop: {self._cancel()}") from None
        finally:
            self._threads.shutdown()
        left = asyncio.all_tasks(self._loop)
        self._loop.close()
        assert not left
        new = set(threading.enumerate()) - self._others
        assert not [thread.name for thread in new if _is_the_bots(thread)]

    def _cancel(self) -> list[str]:
        """Cancel whatever the bot still does; return what that was."""
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        return [repr(task) for task in tasks]


def login(name: str) -> str:
    return f"{name}@example.com"


def _is_the_bots(thread: threading.Thread) -> bool:
    return thread.name.startswith(("writer", "reader"))
