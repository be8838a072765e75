"""The environment, typed; every wait in one `Timing`; the one clock.

Secrets are read through references (`bot.secrets`) where they are used, and
are never part of a representation of these values.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.core.words import SettingError
from bot.secrets import READERS, read_secret

SECRET_SCHEMES = tuple(f"{kind}:" for kind in READERS)


class Settings(BaseSettings):
    """What the environment says. README has the same table."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False)

    slack_bot_token: SecretStr = Field(
        default=SecretStr(""), description="The bot's token, xoxb-..."
    )
    slack_app_token: SecretStr = Field(
        default=SecretStr(""), description="Socket Mode: the app's token, xapp-..."
    )
    slack_signing_secret: SecretStr = Field(
        default=SecretStr(""), description="HTTP mode: what Slack signs with"
    )
    slack_api_url: str = Field(
        default="https://slack.com/api/", description="For tests: another Slack"
    )
    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///access-bot.db"), description="Where rows live"
    )
    access_config: Path = Field(
        default=Path("access.yaml"), description="The policy: access as code"
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""), description="Keys the audit chain and the seals"
    )
    audit_anchor: Path | None = Field(
        default=None, description="The file of the audit's published head"
    )
    jwks_folder: Path | None = Field(
        default=None, description="Where public keys are written, for jwks_uri"
    )
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for all"
    )
    port: int = Field(default=3000, ge=0, le=65535, description="Port to listen on")
    log_format: Literal["text", "json"] = Field(
        default="text", description="For people or for machines"
    )

    @field_validator("slack_api_url")
    @classmethod
    def _https_or_loopback(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "https" and parts.hostname:
            return value
        if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
            return value
        raise ValueError("is not an https address; http is for loopback alone")

    def secret(self, name: str) -> str:
        """Return the value of the secret setting `name`, through its reference.

        Raises SettingError when a reference cannot be read.
        """
        value: SecretStr = getattr(self, name)
        text = value.get_secret_value().strip()
        return read_secret(text) if text.startswith(SECRET_SCHEMES) else text

    def require(self, name: str, why: str) -> str:
        """Return the secret setting `name`; SettingError when it is empty."""
        value = self.secret(name)
        if not value:
            raise SettingError(f"{name.upper()} is not set.", why)
        return value


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Every wait of the bot. `scaled` shortens all of them alike."""

    sweep: timedelta = timedelta(seconds=5)  # a loop looks at least this often
    lease: timedelta = timedelta(seconds=30)  # a claim no one renews is free again
    okta_call: timedelta = timedelta(seconds=10)  # one call, all told
    okta_read_at_click: timedelta = timedelta(seconds=1.5)  # one read before an ack
    slack_call: timedelta = timedelta(seconds=10)
    slack_at_start: timedelta = timedelta(seconds=1)  # what is overdue waits no longer
    facts_stay_fresh: timedelta = timedelta(minutes=10)  # rows believed at a click
    lag: timedelta = timedelta(seconds=30)  # reads of members may trail a change
    read_back: timedelta = timedelta(seconds=1)  # first look after a change, doubled
    unsure: timedelta = timedelta(hours=1)  # an add without an answer may still land
    retry_first: timedelta = timedelta(seconds=1)  # doubled with each try
    retry_most: timedelta = timedelta(minutes=1)
    late: timedelta = timedelta(minutes=5)  # a revocation this late is told
    late_again: timedelta = timedelta(hours=1)
    verify: timedelta = timedelta(minutes=1)  # seals of what lives are looked at
    lost: timedelta = timedelta(hours=1)  # the chain is searched for lost grants
    anchor: timedelta = timedelta(minutes=1)  # the head of the audit is published
    clean_up: timedelta = timedelta(hours=1)
    clean_up_notice: timedelta = timedelta(days=7)  # before an account is ended
    discover_changes: timedelta = timedelta(minutes=5)  # between whole discoveries
    reconcile: timedelta = timedelta(minutes=5)  # rows are compared with Okta
    absent: timedelta = timedelta(minutes=1)  # between two readings that end a grant
    meet: timedelta = timedelta(hours=1)  # the people of the workspace are read
    watch: timedelta = timedelta(minutes=5)  # Okta's log of what our key did
    retain: timedelta = timedelta(hours=6)  # what is kept too long is let go of
    rotate: timedelta = timedelta(hours=1)  # keys are looked at
    day: timedelta = timedelta(days=1)  # between reminders, and before a new key
    token_lives: timedelta = timedelta(hours=1)  # the old key outlives the switch
    beat: timedelta = timedelta(seconds=2)  # one of several processes is heard of
    stop: timedelta = timedelta(seconds=10)  # to finish or hand back on SIGTERM

    def scaled(self, factor: float) -> Self:
        """Return the same waits, each times `factor`."""
        return type(self)(
            **{item.name: getattr(self, item.name) * factor for item in fields(self)}
        )


class Clock:
    """The one clock: aware UTC, never back, never still.

    It reads `max(last + monotonic time elapsed, wall)`, so a wall clock set
    back neither lengthens a grant nor stops the bot.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last = wall()
        self._ticked = monotonic()
        self._reading = Lock()  # transactions read it too, on threads of their own

    def follow(self, instant: datetime) -> None:
        """Go by another clock, which reads `instant` now; by this machine's no more.

        It is told again and again, since only time that passes is counted between.
        """
        began, since = instant.timestamp(), self._monotonic()
        with self._reading:
            self._wall = lambda: began + self._monotonic() - since

    def not_before(self, instant: datetime) -> None:
        """Never read earlier than `instant` from now on."""
        self._last = max(self._last, instant.timestamp())

    def __call__(self) -> datetime:
        with self._reading:
            # The wall first: what passes between the two looks is counted once.
            wall, tick = self._wall(), self._monotonic()
            self._last = max(self._last + tick - self._ticked, wall)
            self._ticked = tick
            return datetime.fromtimestamp(self._last, UTC)
