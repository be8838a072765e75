"""What a Slack workspace holds: people, channels, messages, and what was sent.

Plain values. What leaves the workspace is a copy, so that a reader's picture does
not change under their eyes.
"""

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.sandbox.slack.reading import buttons_of, texts_of

Json = dict[str, Any]
Kind = Literal["slash_commands", "interactive", "events_api"]

LETTERS = string.ascii_uppercase + string.digits


def new_id(prefix: str) -> str:
    """An id as Slack makes them: opaque, upper case, its first letter its kind."""
    return prefix + "0" + "".join(secrets.choice(LETTERS) for _ in range(9))


@dataclass
class Person:
    """A Slack account. `guest` is a multi-channel guest, `ultra_guest` a single."""

    id: str
    name: str
    team_id: str
    real_name: str = ""
    email: str | None = None
    tz: str = "Europe/Paris"
    guest: bool = False
    ultra_guest: bool = False
    stranger: bool = False
    bot: bool = False
    deleted: bool = False
    email_confirmed: bool = True
    updated: int = 0

    def as_json(self, *, with_email: bool) -> Json:
        """The user object. Slack leaves most flags out once somebody is deleted."""
        user: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": self._profile(with_email=with_email),
            "is_bot": self.bot,
            "is_app_user": False,
            "updated": self.updated,
        }
        return user if self.deleted else user | self._flags()

    def _flags(self) -> Json:
        flags: Json = {
            "color": "9f69e7",
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": self._tz_offset(),
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.guest or self.ultra_guest,
            "is_ultra_restricted": self.ultra_guest,
            "is_email_confirmed": self.email_confirmed,
            "who_can_share_contact_card": "EVERYONE",
        }
        # Slack: `is_stranger` is there for people of other workspaces only.
        return flags | ({"is_stranger": True} if self.stranger else {})

    def _tz_offset(self) -> int:
        offset = datetime.now(ZoneInfo(self.tz)).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    def _profile(self, *, with_email: bool) -> Json:
        profile: Json = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "team": self.team_id,
        }
        if with_email and self.email is not None:
            profile["email"] = self.email
        return profile


@dataclass
class Channel:
    """A conversation: C (channel), D (with the bot) or G (several people)."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    private: bool = False
    archived: bool = False
    shared: bool = False
    read_only: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether it is the conversation of one person with the bot."""
        return self.id.startswith("D")

    @property
    def shown_name(self) -> str:
        """Slack: `channel_name` is `directmessage` or `privategroup` for those."""
        if self.is_direct:
            return "directmessage"
        return "privategroup" if self.private else self.name


@dataclass
class Message:
    """A message as a person sees it at one moment.

    `edits` counts the updates so far. An ephemeral one is seen by `to` only.
    """

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    user: str
    edits: int = 0
    deleted: bool = False
    thread_ts: str | None = None
    metadata: Json | None = None
    to: str | None = None

    @property
    def author(self) -> str:
        """Who wrote it: a user id, the bot's for the bot."""
        return self.user

    @property
    def is_ephemeral(self) -> bool:
        """Whether only one person sees it, until they reload."""
        return self.to is not None

    @property
    def buttons(self) -> dict[str, Json]:
        """The buttons to press, by action_id."""
        return buttons_of(self.blocks)

    @property
    def all_text(self) -> str:
        """Every text a person would read, the notification's first."""
        return "\n".join([self.text, *texts_of(self.blocks)])

    def shows(self, fragment: str) -> bool:
        """Whether a person would read `fragment` in it."""
        return fragment in self.all_text


def as_message(shown: Message | Json) -> Message:
    """A message that somebody was shown, also when it comes as plain data."""
    return shown if isinstance(shown, Message) else Message(**shown)


@dataclass
class View:
    """A modal or a home view of one person, and what they have entered in it."""

    id: str
    user: str
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    values: dict[str, Json] = field(default_factory=dict)
    suggested: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """Its blocks, each with its block_id."""
        blocks: list[Json] = self.content["blocks"]
        return blocks

    @property
    def external_id(self) -> str:
        """The developer's own id, or nothing."""
        return str(self.content.get("external_id") or "")


@dataclass
class Ack:
    """What the bot answered to one delivery, and what Slack made of it.

    `status` is None when no answer came in time. `problems` says what Slack would
    not take of the answer: the person then sees that something went wrong.
    """

    status: int | None
    body: Json | None = None
    errors: dict[str, str] = field(default_factory=dict)
    text: str = ""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the bot answered in time, and Slack took the answer."""
        return self.status is not None and self.status < 300 and not self.problems


@dataclass
class Call:
    """One call of the Web API: its arguments decoded, without the token.

    `at` is in seconds of the monotonic clock. `ok` is what the call did, also
    where a fault kept the answer from the caller.
    """

    method: str
    args: Json
    ok: bool
    error: str | None
    at: float
    fault: str | None = None


@dataclass
class Delivery:
    """One payload sent to the bot, once; `at` in monotonic seconds."""

    kind: Kind
    payload: Json
    via: Literal["socket", "http", "nobody"]
    at: float
    envelope_id: str = ""
    attempt: int = 0
    reason: str = ""
    ack: Ack | None = None
