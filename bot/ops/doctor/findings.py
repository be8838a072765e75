"""What the doctor found: one sentence for each check, and one remedy.

What was not looked at is never called ok. No finding holds a secret: what it
repeats of an error is what that error says to everybody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from bot.core.words import (
    DirectoryError,
    DirectoryUnavailable,
    SettingError,
)

REACH_OKTA = (
    "Check org_url, this machine's network and proxy, and Okta's status page, then "
    "ask again."
)
LET_READ = (
    "Give the app's admin role the permission to read this (README: Okta, step 5)."
)


class Level(StrEnum):
    """How well a thing stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found. `remedy` is empty where there is nothing to do.

    `part` is what was looked at: "set-up", "slack", or an integration's name.
    """

    part: str
    check: str
    level: Level
    says: str
    remedy: str = ""


@dataclass
class Sheet:
    """The findings about one part, in the order they were made."""

    part: str
    findings: list[Finding] = field(default_factory=list)

    def ok(self, check: str, says: str) -> None:
        """Note that `check` was looked at, and is well."""
        self._note(check, Level.OK, says, "")

    def warning(self, check: str, says: str, remedy: str) -> None:
        """Note what works, but not as it should."""
        self._note(check, Level.WARNING, says, remedy)

    def failed(self, check: str, says: str, remedy: str) -> None:
        """Note what keeps the bot from its work."""
        self._note(check, Level.FAILED, says, remedy)

    def unchecked(self, check: str, why: str, remedy: str = "") -> None:
        """Note that `check` could not be looked at: neither well nor wrong."""
        self._note(check, Level.WARNING, f"Not checked: {why}", remedy)

    @contextmanager
    def trying(self, check: str) -> Iterator[None]:
        """Make a failed finding of what the set-up or Okta refuses in the block."""
        try:
            yield
        except SettingError as error:
            self.failed(check, error.problem, error.remedy)
        except DirectoryUnavailable as error:
            self.failed(check, str(error), REACH_OKTA)
        except DirectoryError as error:
            self.failed(check, str(error), LET_READ)

    def _note(self, check: str, level: Level, says: str, remedy: str) -> None:
        finding = Finding(
            part=self.part, check=check, level=level, says=says, remedy=remedy
        )
        self.findings.append(finding)


def counted(number: int, noun: str) -> str:
    """Return "1 group", "2 groups"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def few(names: list[str], most: int = 3) -> str:
    """Return the first names, quoted, and how many more there are."""
    shown = ", ".join(f"“{name[:60]}”" for name in names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown
