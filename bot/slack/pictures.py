"""What views draw: the values that a message is a picture of.

Nothing here is text for people yet, and nothing is decided.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.words import Cause, GrantStatus, RequestStatus


@dataclass(frozen=True, kw_only=True)
class Who:
    """A person as Okta names them, and where they are in Slack."""

    name: str
    login: str
    slack_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Before:
    """What the grantee had of the group before, and was denied."""

    had: int = 0
    last_ended: datetime | None = None
    denied: int = 0


@dataclass(frozen=True, kw_only=True)
class Approval:
    """How far the approval of a request is, and what it asks of who answers.

    `of` steps in all; `by` have approved the one it is at, and `needed` must.
    """

    of: int = 1
    needed: int = 1
    by: tuple[Who, ...] = ()
    choices: tuple[timedelta, ...] = ()
    needs_reason: bool = False
    confirms: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An access request. `decided_by` is None where no person decided.

    An extension has when its grant `extends` would end else.
    """

    id: str
    integration: str
    status: RequestStatus
    step: int
    requester: Who
    group: str
    description: str
    duration: timedelta
    justification: str
    lapse_at: datetime
    people: tuple[Who, ...]
    rung: str
    passed: tuple[str, ...]
    decided_at: datetime | None
    decided_by: Who | None
    reason: str
    grantee: Who | None = None
    approval: Approval = Approval()
    labels: tuple[str, ...] = ()
    extends: datetime | None = None
    by_rule: bool = False


@dataclass(frozen=True, kw_only=True)
class Held:
    """A grant, and what its integration says about getting in.

    It can be extended by `more` now, where that is not nothing.
    """

    id: str
    request_id: str = ""
    holder: Who | None = None
    more: timedelta = timedelta()
    status: GrantStatus
    group: str
    duration: timedelta
    expires_at: datetime
    ended_at: datetime | None
    cause: Cause | None
    ended_by: Who | None
    problem: str
    details: str


@dataclass(frozen=True, kw_only=True)
class AboutRequest:
    """A notice about a request; `is_theirs` while its reader may answer it.

    A `comment` is what somebody said with an answer, and goes into the `thread` of
    the message with that number.
    """

    kind: str
    asked: Asked
    held: Held | None = None
    before: Before = Before()
    is_theirs: bool = False
    rung: str = ""
    nudged: bool = False
    comment: str = ""
    comment_by: Who | None = None
    thread: str | None = None


@dataclass(frozen=True, kw_only=True)
class AboutGrant:
    """A notice about a grant; `other` holds it where its reader only asked for it."""

    kind: str
    held: Held
    other: Who | None = None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something to tell an owner or an admin, in one text.

    `stuck` is the grant of which they are asked whether its group is gone, `braked`
    where many ends wait for an admin and since when, `keepable` an account that
    clean-up would end, `mutable` a group whose additions are reported.
    """

    text: str
    stuck: str = ""
    braked: str = ""
    keepable: str = ""
    mutable: str = ""


@dataclass(frozen=True)
class Freeze:
    """What an admin has frozen: its name, and what a button that lifts it carries."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Admin:
    """What an admin sees of the bot: orgs, freezes, counts, the file in force."""

    integrations: tuple[tuple[str, str], ...] = ()
    frozen: tuple[Freeze, ...] = ()
    live: int = 0
    pending: int = 0
    file: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Home:
    """The home tab of one person: a refusal, or what is theirs and waits for them."""

    now: datetime
    refusal: str = ""
    held: tuple[Held, ...] = ()
    asked: tuple[Asked, ...] = ()
    waiting: tuple[Asked, ...] = ()
    again: tuple[Asked, ...] = ()
    admin: Admin | None = None


Picture = AboutRequest | AboutGrant | Alert | Home


@dataclass(frozen=True)
class Shown:
    """A picture, and the version of its notice that it shows."""

    picture: Picture
    version: int


@dataclass(frozen=True)
class Dropped:
    """A notice that must not be sent any more, and why."""

    why: str
