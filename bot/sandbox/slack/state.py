"""The whole state of one workspace, shared by its API and the people in it."""

import copy
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from bot.sandbox.faults import Faults
from bot.sandbox.slack.connections import Sockets
from bot.sandbox.slack.limits import Limits
from bot.sandbox.slack.records import (
    Call,
    Channel,
    Json,
    Message,
    Person,
    View,
    new_id,
)

# What an approval bot in direct messages needs, and no more.
SCOPES = frozenset(
    {"chat:write", "commands", "im:write", "users:read", "users:read.email"}
)
EVENTS = frozenset({"app_home_opened", "user_change"})


@dataclass
class Settings:
    """How the app is installed, and how patient the workspace is, in seconds.

    Without a `request_url` everything goes over Socket Mode. `commands` and
    `shortcuts` are None until a manifest says which there are.
    """

    scopes: frozenset[str] = SCOPES
    events: frozenset[str] = EVENTS
    request_url: str | None = None
    commands: frozenset[str] | None = None
    shortcuts: frozenset[str] | None = None
    revoked: bool = False
    home_tab: bool = True
    messages_tab: bool = True
    # Slack: everything is acknowledged within 3 s, a trigger lives as long.
    ack_seconds: float = 3.0
    trigger_seconds: float = 3.0
    # Slack: an event is tried again at once, after 1 and after 5 minutes.
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)


@dataclass
class Trigger:
    """Permission to open one modal for one person, for a moment."""

    user: str
    expires: float
    used: bool = False


@dataclass
class ResponseUrl:
    """Permission to answer an interaction. Slack: 5 uses within 30 minutes."""

    user: str
    channel: str
    ts: str | None = None
    uses_left: int = 5
    expires: float = field(default_factory=lambda: time.monotonic() + 1800)


class State:
    """One workspace. `lock` is held for every look and every change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.change = threading.Condition(self.lock)
        self.version = 0
        self.url = ""
        self.faults = Faults()
        self.sockets = Sockets()
        self.team_id = new_id("T")
        self.domain = "sandbox"
        self.app_id = new_id("A")
        self.bot_id = new_id("B")
        self.bot_user_id = new_id("U")
        self.bot_token = f"xoxb-{secrets.token_hex(24)}"
        self.app_token = f"xapp-1-{self.app_id}-{secrets.token_hex(24)}"
        self.signing_secret = secrets.token_hex(16)
        self.clear()

    def clear(self) -> None:
        """An empty workspace, as on the first day; the tokens stay good."""
        self.settings = Settings()
        self.limits = Limits()
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.calls: list[Call] = []
        self.last_ts = 0
        self._settle_in()

    def _settle_in(self) -> None:
        bot = Person(self.bot_user_id, "access", self.team_id, "Access", bot=True)
        # Slack: Slackbot is in every list, and is no bot by its flags.
        slackbot = Person("USLACKBOT", "slackbot", self.team_id, "Slackbot")
        slackbot.email_confirmed = False
        self.people |= {one.id: one for one in (bot, slackbot)}

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock, and wake everybody who waits for a change."""
        with self.change:
            try:
                yield
            finally:
                self.version += 1
                self.change.notify_all()

    def new_ts(self) -> str:
        """A message's `ts`: its time, later than every one before it."""
        self.last_ts = max(self.last_ts + 1, time.time_ns() // 1000)
        return f"{self.last_ts // 1_000_000}.{self.last_ts % 1_000_000:06}"

    def direct_channel(self, user: str) -> Channel:
        """The conversation of `user` with the bot, opened where it was not."""
        for channel in self.channels.values():
            if channel.is_direct and user in channel.members:
                return channel
        opened = Channel(new_id("D"), "", {user, self.bot_user_id}, private=True)
        self.channels[opened.id] = opened
        return opened

    def post(self, message: Message) -> Message:
        """Put a message into its channel, its blocks and elements named."""
        message.blocks = named(message.blocks)
        self.messages.append(message)
        return message

    def find_message(self, channel: str, ts: str) -> Message | None:
        """The message as it is now, if nobody has deleted it."""
        for message in reversed(self.messages):
            if (message.channel, message.ts) == (channel, ts):
                return None if message.deleted else message
        return None

    def visible(self, channel: str, *, to: str | None) -> list[Message]:
        """Copies of a channel's messages, or of those ephemeral to one person."""
        return [
            copied(message)
            for message in self.messages
            if (message.channel, message.to) == (channel, to) and not message.deleted
        ]

    def find_view(self, view_id: str, external_id: str = "") -> View | None:
        """An open modal by its id or external id."""
        for view in (view for stack in self.stacks.values() for view in stack):
            if view.id == view_id or (external_id and view.external_id == external_id):
                return view
        return None

    def new_trigger(self, user: str) -> str:
        """A trigger_id for `user`, good once and for a moment."""
        number = time.time_ns()
        trigger_id = f"{number}.{number % 10**10}.{secrets.token_hex(16)}"
        expires = time.monotonic() + self.settings.trigger_seconds
        self.triggers[trigger_id] = Trigger(user, expires)
        return trigger_id

    def new_response_url(self, user: str, channel: str, ts: str | None = None) -> str:
        """An address that answers what `user` did in `channel`."""
        path = f"/response/{self.team_id}/{time.time_ns()}/{secrets.token_hex(12)}"
        self.response_urls[path] = ResponseUrl(user, channel, ts)
        return self.url + path

    def user_json(self, person: Person) -> Json:
        """The user object as the bot's scopes let it be seen."""
        return person.as_json(with_email="users:read.email" in self.settings.scopes)


def copied(message: Message) -> Message:
    """A picture of the message that does not change any more."""
    return replace(message, blocks=copy.deepcopy(message.blocks))


def named(blocks: list[Json]) -> list[Json]:
    """Copies of the blocks; Slack names those that came without a name."""
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        for element in _nameless(block):
            element.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    return blocks


def _nameless(block: Json) -> Iterator[Json]:
    if block["type"] == "actions":
        yield from block["elements"]
    for place in ("accessory", "element"):
        if place in block and block[place]["type"] != "image":
            yield block[place]
