"""What someone typed after the command. Never decides, never looks anything up.

Slack: "text = everything after the command, user-typed: may contain smart
quotes, newlines, NBSP; & < > arrive escaped".
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.durations import parse_duration

_QUOTED = re.compile(
    '["\u201c\u201d\u201e\u201f\u00ab]([^"\u201c\u201d\u201e\u201f\u00bb]+)'
    '["\u201c\u201d\u201e\u201f\u00bb](?:\\s+(.*))?',
    re.DOTALL,
)


_UNTIL = re.compile(
    r"(?:until|till)\s+([01]?\d|2[0-3])[:.h]([0-5]\d)(?=\s|$)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A group and the rest, each empty or None where it was not typed.

    `until` is a time of day on the clock of who typed it.
    """

    group: str = ""
    duration: timedelta | None = None
    until: time | None = None
    justification: str = ""


def split_command(text: str) -> tuple[str, str]:
    """Return the first word in lower case, and what follows it."""
    return _first(_unescape(text), fold=True)


def read_ask(text: str) -> Typed:
    """Return what `GROUP [DURATION or until HH:MM] [JUSTIFICATION...]` says.

    A name with spaces stands in quotes of any kind. What follows the name and
    is no duration belongs to the justification.
    """
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        group, rest = quoted[1].strip(), quoted[2] or ""
    else:
        group, rest = _first(text)
        group = as_group(group)
    until = _UNTIL.match(rest)
    if until:
        return Typed(
            group=group,
            until=time(int(until[1]), int(until[2])),
            justification=rest[until.end() :].strip(),
        )
    word, after = _first(rest)
    duration = _length(word)
    return Typed(
        group=group,
        duration=duration,
        justification=(after if duration else rest).strip(),
    )


def length_until(until: time, now: datetime, zone: ZoneInfo) -> timedelta:
    """Return how long it is from `now` until the clock next shows `until`, there."""
    local = now.astimezone(zone)
    end = local.replace(hour=until.hour, minute=until.minute, second=0, microsecond=0)
    if end <= local:
        end = (end.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    minutes = (end.astimezone(UTC) - now).total_seconds() // 60
    return timedelta(minutes=max(minutes, 1))


def as_group(text: str) -> str:
    """Return the name of a group as it was typed: quotes and a leading # are no part.

    Slack: a channel of this name arrives as `<#C0123|name>`.
    """
    text = text.strip()
    channel = re.fullmatch(r"<#[A-Z0-9]+\|([^>]*)>", text)
    if channel:
        return channel[1]
    quoted = _QUOTED.fullmatch(text)
    return quoted[1].strip() if quoted and not quoted[2] else text.removeprefix("#")


def as_user(text: str) -> tuple[str, str]:
    """Return the Slack id that was mentioned, or the login or name that was typed.

    Slack: with should_escape a mention arrives as `<@U0123>` or `<@U0123|name>`.
    """
    mention = re.fullmatch(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>", text.strip())
    return (mention[1], "") if mention else ("", text.strip().removeprefix("@"))


def _first(text: str, *, fold: bool = False) -> tuple[str, str]:
    """Return the first word and the rest; every kind of space parts them."""
    word, rest = ([*text.split(None, 1), "", ""])[:2]
    return (word.casefold() if fold else word), rest.strip()


def _length(word: str) -> timedelta | None:
    try:
        return parse_duration(word.casefold())
    except ValueError:
        return None


def _unescape(text: str) -> str:
    """Return `text` as it was typed: the ampersand last, or it would undo more."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
