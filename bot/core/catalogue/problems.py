"""What is wrong in access.yaml, said like a compiler: where, what, what instead.

A value of a secret never gets in here: what was found under `credentials` is
not shown, nor an address that carries a password.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError
from rapidfuzz import fuzz, process

from bot.core.words import SettingError

Loc = tuple[str | int, ...]
"""Where a value stands: ("flows", 0, "duration", "max")."""

REMEDY = "Mend the file, then check it with: access-bot config check"
SHOWN = 60
CLOSE = 65


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong. `line` and `column` count from 1; `key` is a dotted path."""

    file: str
    line: int
    column: int
    key: str
    message: str
    found: str = ""
    expected: str = ""
    nearest: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}:{self.column} {key}{self.text}"

    @property
    def text(self) -> str:
        """The sentences without the place."""
        sides = (("found", self.found), ("expected", self.expected))
        facts = ", ".join(f"{name} {value}" for name, value in sides if value)
        said = [self.message, f"{facts[0].upper()}{facts[1:]}." if facts else ""]
        said.append(f"Did you mean {self.nearest}?" if self.nearest else "")
        return " ".join(part for part in said if part)


class CatalogueError(SettingError):
    """The file cannot be used. `problems` holds all that is wrong, in its order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), REMEDY)

    def __str__(self) -> str:
        between = "\n" if len(self.problems) > 1 else " "
        return f"{self.problem}{between}{self.remedy}"


def wrong(
    message: str, *, found: str = "", expected: str = "", nearest: str = ""
) -> PydanticCustomError:
    """Return what a validator raises; an empty `found` is filled in from the value."""
    said = {"message": message, "found": found, "expected": expected}
    return PydanticCustomError("catalogue", "{message}", said | {"nearest": nearest})


def nearest_word(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` was meant to be, or nothing."""
    hit = process.extractOne(word, sorted(known), scorer=fuzz.ratio, score_cutoff=CLOSE)
    return f"`{hit[0]}`" if hit else ""


def dotted(loc: Loc) -> str:
    """Return `loc` as people write it: flows[0].duration.max."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in loc]
    return "".join(parts).removeprefix(".")


def quoted(text: str) -> str:
    """Return `text` in back quotes, shortened and harmless."""
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return f"`{harmless(short)}`"


def harmless(text: str) -> str:
    """Return `text` with whatever a terminal would obey written out."""
    return text if text.isprintable() else ascii(text)[1:-1]


def shown(loc: Loc, value: Any) -> str:
    """Return what stands at `loc` for an error, or only its kind where secret."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "nothing"
    # NB. People paste the key itself where its reference belongs.
    if "credentials" in loc or (loc[-1:] == ("org_url",) and "@" in str(value)):
        return "a value that is not shown"
    return quoted(str(value))


def _key(step: str) -> str:
    return step if re.fullmatch(r"[\w-]{1,60}", step, re.ASCII) else quoted(step)
