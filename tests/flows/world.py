"""The world of a flow: an org, a workspace, their people, and the bot in it.

The bot is the real one, whole, in a thread with its own loop; only addresses
and waits are the test's. `World.killable` runs it as its own process instead.
"""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.app import run
from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot
from bot.sandbox.slack.records import Ack, Message
from bot.settings import Settings, Timing
from bot.store import directory
from bot.store.audit import Chain
from bot.store.database import Database, open_database

GROUP = "prod-db-read"
ENGINEERS = ("rita", "olga", "mallory")
WHY = "OPS-12 look at slow queries"
AUDIT_KEY = "the audit key of the flows"

QUICK = Timing(
    sweep=timedelta(seconds=0.5),
    lag=timedelta(seconds=1),
    retry_first=timedelta(seconds=0.05),
    retry_most=timedelta(seconds=0.5),
    verify=timedelta(seconds=0.5),
    clean_up=timedelta(seconds=0.5),
)

POLICY = """\
version: 1
admins: [{{user: ada@example.com}}]
integrations:
  - name: corp-okta
    type: okta-group
    org_url: {org_url}
    credentials: file:{credentials}
    owner: [{{group: IAM Team}}]
    resource_owner: [{{key: resourceOwner, attribute: group}}]
    custom_access_details: Connect to the VPN first.
flows:
  - name: engineers to production
    integration: corp-okta
    requesters: {{any: [{{group: Engineering}}]}}
    groups: {{include: ["prod-*"]}}
    duration: {{default: {duration}, max: 8h, choices: [{duration}, 4h, 8h]}}
    justification: {{required: true, pattern: "[A-Z]+-[0-9]+", hint: Name the ticket}}
    lapse_after: {lapse_after}
    warn_before: [{warn_before}]
"""


@dataclass(kw_only=True)
class World:
    """Everybody in the story, by first name: a login in Okta, an id in Slack."""

    sandbox: Sandbox
    folder: Path
    policy: dict[str, str] = field(default_factory=dict)
    slack_ids: dict[str, str] = field(default_factory=dict)
    socket: bool = True

    def __post_init__(self) -> None:
        self.slack, self.okta = self.sandbox.slack, self.sandbox.okta
        for name in ("rita", "olga", "otto", "ivan", "ada", "mallory"):
            self.join(name)
        self.okta.add_group("Engineering", members=[_login(n) for n in ENGINEERS])
        self.okta.add_group("IAM Team", members=[_login("ivan")])
        self.okta.add_group("db-owners", members=[_login("olga"), _login("otto")])
        self.okta.add_group(GROUP, description="Read it", resourceOwner="db-owners")
        self.okta.add_group("prod-logs", description="Production logs")
        self.credentials = self.folder / "okta.json"
        self.credentials.touch(mode=0o600)
        self.credentials.write_text(json.dumps(self.okta.new_app()))

    def join(self, name: str, **slack: Any) -> str:
        """Give somebody an Okta user and a Slack account; return the latter's id."""
        self.okta.add_user(_login(name), first=name.title(), last="Test")
        self.slack_ids[name] = self.slack.add_person(name, email=_login(name), **slack)
        return self.slack_ids[name]

    def __getattr__(self, name: str) -> str:
        if name in self.__dict__.get("slack_ids", {}):
            return self.slack_ids[name]
        raise AttributeError(name)

    @contextmanager
    def bot(self, timing: Timing = QUICK) -> Iterator["World"]:
        """Run the bot in this process until the block ends."""
        runner = _InThread(self.settings(), timing)
        try:
            self._wait_until_ready(runner)
            yield self
        finally:
            runner.stop()

    @contextmanager
    def killable(self) -> Iterator[Bot]:
        """Run the bot as a process of its own, ready when the block begins."""
        bot = Bot(self.folder, self.environment())
        with bot.running():
            yield bot

    def _wait_until_ready(self, runner: "_InThread") -> None:
        """Wait until the bot knows the people and the groups, and listens."""

        def ready() -> bool:
            runner.check()
            with self.rows() as database:
                known = database.look(directory.remembered, "discovered:corp-okta")
                met = database.look(
                    directory.account, self.slack.team_id, self.slack_ids["rita"]
                )
            return bool(known and met) and (self.slack.connected or not self.socket)

        self.slack.wait_for(ready)

    def settings(self) -> Settings:
        return Settings(**{n.lower(): v for n, v in self.environment().items()}, port=0)

    def environment(self) -> dict[str, str]:
        values = {"duration": "1h", "lapse_after": "24h", "warn_before": "15m"}
        path = self.folder / "access.yaml"
        path.write_text(
            POLICY.format(
                org_url=self.okta.url,
                credentials=self.credentials,
                **(values | self.policy),
            )
        )
        how = (
            {"SLACK_APP_TOKEN": self.slack.app_token}
            if self.socket
            else {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
        )
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": f"{self.slack.url}/api/",
            "DATABASE_URL": f"sqlite:///{self.folder / 'access-bot.db'}",
            "ACCESS_CONFIG": str(path),
            "AUDIT_KEY": AUDIT_KEY,
            **how,
        }

    @contextmanager
    def rows(self) -> Iterator[Database]:
        """Open the bot's own database beside it, as a command would."""
        database = open_database(
            self.environment()["DATABASE_URL"], chain=Chain(AUDIT_KEY.encode())
        )
        try:
            yield database
        finally:
            database.close()

    def ask(self, who: str, text: str = f"{GROUP} 1h {WHY}") -> str:
        """Let somebody type the whole command; return what they are told at once."""
        user = self.slack_ids[who]
        answered = self.slack.command(user, f"okta-group {text}")
        return answered.text or ""

    def card_of(self, who: str, fragment: str = GROUP) -> Message:
        """Wait for an approver's card."""
        return self.slack.wait_for_message(self.slack_ids[who], fragment)

    def press(self, who: str, action: str, message: Message, **how: Any) -> Ack:
        return self.slack.press(self.slack_ids[who], action, message=message, **how)

    def told(self, who: str, fragment: str, timeout: float = 10.0) -> Message:
        """Wait until somebody has been written `fragment`, or shown it in passing."""
        user = self.slack_ids[who]

        def shown() -> Message | None:
            messages = self.slack.messages(user) + self.slack.ephemerals(user)
            fitting = [each for each in messages if each.shows(fragment)]
            return fitting[-1] if fitting else None

        message = self.slack.wait_for(shown, timeout)
        assert message is not None
        return message

    def now_shows(self, message: Message, fragment: str) -> Message:
        """Wait until a message that was posted before shows `fragment`."""

        def redrawn() -> Message | None:
            found = self.slack.message(message.channel, message.ts)
            return found if found.shows(fragment) else None

        found = self.slack.wait_for(redrawn)
        assert found is not None
        return found

    def members(self, *expected: str) -> None:
        """Wait until exactly these people, by first name, are in the group."""
        logins = sorted(_login(name) for name in expected)
        self.slack.wait_for(lambda: self.okta.members(GROUP) == logins)

    def never_added(self) -> bool:
        """Tell whether Okta was never asked to add anybody."""
        return not any(call.method == "PUT" for call in self.okta.journal)


class _InThread:
    """The bot in a thread with a loop of its own, until stopped."""

    def __init__(self, settings: Settings, timing: Timing) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._threads = ThreadPoolExecutor(1)
        self._running = self._threads.submit(
            self._loop.run_until_complete, run(settings, timing, self._stopped)
        )

    def check(self) -> None:
        """Raise what the bot stopped with, if it has."""
        if self._running.done():
            self._running.result()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._running.result(15)
        self._threads.shutdown()
        self._loop.close()


def _login(name: str) -> str:
    return f"{name}@example.com"
