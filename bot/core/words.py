"""The words of the product: statuses, moves, causes, people, groups, refusals.

Everything else is written in these words. Nothing here reads a clock, a file,
a network or a database. A refusal is a value (`Refused`); a failure is an
exception (`AccessBotError` and its children):

    AccessBotError
    ├── SettingError          the set-up is wrong: one sentence, one remedy
    ├── StaleState            someone else acted first
    ├── BrokenSeal            a row is not as this program wrote it
    └── DirectoryError        Okta did not do what it was asked
        ├── DirectoryRefused      for good: asking again will not help
        ├── DirectoryGone         the person, group or membership is not there
        └── DirectoryUnavailable  for now: try again
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class RequestStatus(StrEnum):
    """Where an access request is in its life, and who acts next."""

    PENDING = "pending"  # the bot until it is routed, then the approvers
    APPROVED = "approved"  # nobody: a grant was born of it
    DENIED = "denied"  # nobody: by an approver or by policy
    CANCELLED = "cancelled"  # nobody: by the requester
    LAPSED = "lapsed"  # nobody: by time


class GrantStatus(StrEnum):
    """Where a grant is in its life, and who acts next."""

    GRANTING = "granting"  # the bot: add the member in Okta
    ACTIVE = "active"  # the clock: until it expires or is ended early
    REVOKING = "revoking"  # the bot: remove the member, until Okta agrees
    REVOKED = "revoked"  # nobody: it ended
    FAILED = "failed"  # nobody: no add was ever sent, or all were refused


class Cause(StrEnum):
    """Why a grant ended."""

    EXPIRED = "expired"
    GIVEN_BACK = "given back"
    REVOKED = "revoked"
    FAILED = "failed"
    ENDED_OUTSIDE = "ended outside"
    GONE = "gone"
    PERSON_LEFT = "person left"


Status = RequestStatus | GrantStatus

ORIGINS: Mapping[Status, frozenset[Status | None]] = MappingProxyType(
    {
        RequestStatus.PENDING: frozenset({None}),
        RequestStatus.APPROVED: frozenset({RequestStatus.PENDING}),
        RequestStatus.DENIED: frozenset({RequestStatus.PENDING}),
        RequestStatus.CANCELLED: frozenset({RequestStatus.PENDING}),
        RequestStatus.LAPSED: frozenset({RequestStatus.PENDING}),
        GrantStatus.GRANTING: frozenset({None}),
        GrantStatus.ACTIVE: frozenset({GrantStatus.GRANTING}),
        GrantStatus.REVOKING: frozenset({GrantStatus.GRANTING, GrantStatus.ACTIVE}),
        GrantStatus.REVOKED: frozenset({GrantStatus.ACTIVE, GrantStatus.REVOKING}),
        GrantStatus.FAILED: frozenset({GrantStatus.GRANTING}),
    }
)
"""The declared moves: each status with those it may be reached from."""

LIVE = frozenset({GrantStatus.GRANTING, GrantStatus.ACTIVE, GrantStatus.REVOKING})
"""At most one grant of an org, grantee and group is in one of these."""

POLICY, AUTOMATIC = "policy", "automatic"
"""Who decided where no person did: a refusal by policy, an approval by rule."""

CAN_RECEIVE = frozenset({"ACTIVE"})
"""Okta statuses in which a person may ask, answer and receive."""

STILL_HOLDS = frozenset({"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT"})
"""Okta statuses that do not end what a person holds."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """An Okta user as last read. `groups` is None while it is not known."""

    id: str
    login: str
    email: str
    name: str
    status: str
    groups: frozenset[str] | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    read_at: datetime | None = None

    @property
    def may_receive(self) -> bool:
        return self.status in CAN_RECEIVE


@dataclass(frozen=True, kw_only=True)
class Group:
    """An Okta group as last read. A guard that is None was not determined."""

    id: str
    name: str
    description: str = ""
    type: str = "OKTA_GROUP"
    profile: Mapping[str, Any] = field(default_factory=dict)
    carries_admin_role: bool | None = None
    rule_managed: bool | None = None
    feeds_rule: bool | None = None
    read_at: datetime | None = None


@dataclass(frozen=True)
class Allowed:
    """Policy says yes."""


@dataclass(frozen=True)
class Refused:
    """Policy says no. `reason` is a sentence for the person who is refused.

    `field` names what to put right where there is one thing: group, duration,
    justification or grantee.
    """

    reason: str
    field: str = "group"


class AccessBotError(Exception):
    """Something went wrong that this program has a word for."""


class SettingError(AccessBotError):
    """The set-up is wrong. Its text is one sentence, `remedy` the next one."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class StaleState(AccessBotError):
    """Someone else acted first: the row is no longer as it was read."""


class BrokenSeal(AccessBotError):
    """A grant is not as this program wrote it: nothing is given on it."""


class DirectoryError(AccessBotError):
    """Okta did not do what it was asked.

    `request_id` is Okta's X-Okta-Request-Id of the call, `code` its errorCode,
    `status` the HTTP status; each empty or 0 where there was no answer.
    """

    def __init__(
        self, message: str, *, status: int = 0, code: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id


class DirectoryRefused(DirectoryError):
    """Okta refused for good: asking again will not help."""


class DirectoryGone(DirectoryError):
    """Okta answered 404: it is gone, or not visible to our app."""


class DirectoryUnavailable(DirectoryError):
    """Okta cannot answer now: try again, after `retry_after` where it said so.

    `landed` is False when the request certainly had no effect (it was never
    sent, or a clean answer refused it, as with 429), True when it may have.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        landed: bool = True,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id)
        self.landed = landed
        self.retry_after = retry_after
