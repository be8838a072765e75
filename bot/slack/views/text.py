"""Hostile text made harmless, and instants and people in words.

What goes into mrkdwn is escaped here; what people wrote freely goes into plain
text objects and is only cleaned and cut.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

MOST_NAME = 80
MOST_FREE = 500

_SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_UNREADABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def clean(text: str, most: int = MOST_FREE) -> str:
    """Return `text` on one line, without control and bidi characters, cut."""
    spaced = "".join(" " if mark.isspace() else mark for mark in text)
    return cut(" ".join(_readable(spaced).split()), most)


def clean_lines(text: str, most: int = MOST_FREE) -> str:
    """Return `text` with its lines, each cleaned, cut."""
    return cut("\n".join(clean(line, most) for line in text.splitlines()), most)


def cut(text: str, most: int) -> str:
    """Return `text` in at most `most` characters.

    The tail is kept, since it is what tells names apart.
    """
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"


def escape(text: str) -> str:
    """Return `text` as mrkdwn that mentions nobody and links nowhere.

    Slack: "escape only & < >", the ampersand first.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def named(text: str, most: int = MOST_NAME) -> str:
    """Return a name from Okta or Slack as mrkdwn."""
    return escape(clean(text, most))


def mention(slack_id: str | None) -> str:
    """Return the mention of a Slack person; nothing for what is no Slack id."""
    return f"<@{slack_id}>" if slack_id and _SLACK_ID.fullmatch(slack_id) else ""


def when(instant: datetime) -> str:
    """Return `instant` as mrkdwn that each reader sees in their own time zone."""
    stamp = int(instant.timestamp())
    return f"<!date^{stamp}^{{date_short_pretty}} at {{time}}|{utc(instant)}>"


def utc(instant: datetime) -> str:
    """Return `instant` in words that need no time zone of the reader's."""
    return f"{instant.astimezone(UTC):%a %d %b %H:%M} UTC"


def clock_time(instant: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return `instant` as plain text in a reader's zone: 14:05, or Tue 14:05."""
    local = instant.astimezone(zone)
    is_today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if is_today else f"{local:%a %d %b %H:%M}"


def listed(parts: Iterable[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def sentence(text: str) -> str:
    """Return `text` with a full stop, unless it ends in one of its own."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _readable(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in _UNREADABLE)
