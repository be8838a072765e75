"""Durations as people write them (`1h30m`) and as people read them.

Strict on purpose: a duration decides how long somebody holds access, so what
is not certainly a duration is none. Nothing here knows what is allowed.
"""

import re
from datetime import timedelta

LONGEST = timedelta(days=3650)
SHAPE = r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?"
EXAMPLES = "a duration such as 90s, 30m, 8h, 7d or 1h30m"

_SHAPE = re.compile(SHAPE)


def parse_duration(text: str) -> timedelta:
    """Return the duration that `text` writes: days, hours, minutes, seconds.

    Each unit at most once and in that order, without spaces or fractions.
    Raises ValueError, with a sentence for the person who wrote it, when it is
    anything else, nothing at all, or longer than ten years.
    """
    found = _SHAPE.fullmatch(text)
    if not text or not found:
        raise ValueError("This is not a duration.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        length = timedelta.max
    if not length:
        raise ValueError("A duration is longer than nothing.")
    if length > LONGEST:
        raise ValueError("A duration is at most ten years (3650d).")
    return length


def say_duration(length: timedelta) -> str:
    """Return `length` in words, such as "1 day 4 h" or "1 h 30 min".

    Fractions of a second are dropped; nothing, and less than nothing, is "0 s".
    """
    parts = [f"{count} {unit}" for count, unit in _split(length) if count]
    return " ".join(parts) or "0 s"


def write_duration(length: timedelta) -> str:
    """Return `length` as `parse_duration` reads it, such as "1h30m"."""
    letters = {"day": "d", "days": "d", "h": "h", "min": "m", "s": "s"}
    parts = [f"{count}{letters[unit]}" for count, unit in _split(length) if count]
    return "".join(parts) or "0s"


def _split(length: timedelta) -> list[tuple[int, str]]:
    whole = max(int(length.total_seconds()), 0)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    day = "day" if days == 1 else "days"
    return [(days, day), (hours, "h"), (minutes, "min"), (seconds, "s")]
