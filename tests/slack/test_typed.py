"""What people type after the command."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.durations import parse_duration
from bot.slack.typed import Typed, length_until, read_ask, split_command

HOURS = timedelta(hours=4)


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("", "", ""),
        ("   ", "", ""),
        ("help", "help", ""),
        ("OKTA-GROUP", "okta-group", ""),
        ("okta-group\u00a0prod-db  4h", "okta-group", "prod-db  4h"),
        ("okta-group\n prod-db", "okta-group", "prod-db"),
        ("a &lt;b&gt; &amp;amp; c", "a", "<b> &amp; c"),
    ],
)
def test_the_first_word_and_the_rest(text: str, word: str, rest: str) -> None:
    assert split_command(text) == (word, rest)


@pytest.mark.parametrize(
    ("text", "group", "duration", "justification"),
    [
        ("", "", None, ""),
        ("prod-db", "prod-db", None, ""),
        ("prod-db 4h", "prod-db", HOURS, ""),
        ("prod-db 4H OPS-12", "prod-db", HOURS, "OPS-12"),
        ("prod-db 4h OPS-12  two\nlines", "prod-db", HOURS, "OPS-12  two\nlines"),
        ("prod-db\u00a04h\u2003OPS-12", "prod-db", HOURS, "OPS-12"),
        ("prod-db OPS-12 for 4h", "prod-db", None, "OPS-12 for 4h"),
        ("prod-db 4 hours", "prod-db", None, "4 hours"),
        ("prod-db 99999d why", "prod-db", None, "99999d why"),
        ('"On Call" 4h OPS-12', "On Call", HOURS, "OPS-12"),
        ("“On Call” 4h OPS-12", "On Call", HOURS, "OPS-12"),
        ("„On Call“ 4h OPS-12", "On Call", HOURS, "OPS-12"),
        ("«On Call» 4h OPS-12", "On Call", HOURS, "OPS-12"),
        ('"On Call"', "On Call", None, ""),
        ('"On Call 4h OPS-12', '"On', None, "Call 4h OPS-12"),
        ("4h OPS-12", "4h", None, "OPS-12"),
        ('prod-db 4h it is "urgent"', "prod-db", HOURS, 'it is "urgent"'),
    ],
)
def test_a_wish_as_it_is_typed(
    text: str, group: str, duration: timedelta | None, justification: str
) -> None:
    wish = Typed(group=group, duration=duration, justification=justification)
    assert read_ask(text) == wish


@pytest.mark.parametrize(
    ("text", "until", "justification"),
    [
        ("prod-db until 17:00 OPS-12", time(17), "OPS-12"),
        ("prod-db Until 9:05", time(9, 5), ""),
        ("prod-db till 17h30 OPS-12", time(17, 30), "OPS-12"),
        ("prod-db until 24:00 OPS-12", None, "until 24:00 OPS-12"),
        ("prod-db until 17:001 OPS-12", None, "until 17:001 OPS-12"),
        ("prod-db until then", None, "until then"),
    ],
)
def test_a_time_of_day_is_an_end(
    text: str, until: time | None, justification: str
) -> None:
    wish = Typed(group="prod-db", until=until, justification=justification)
    assert read_ask(text) == wish


@pytest.mark.parametrize(
    ("now", "until", "length"),
    [
        (datetime(2026, 11, 27, 12, 30, tzinfo=UTC), time(17), "3h30m"),
        (datetime(2026, 11, 27, 17, 0, tzinfo=UTC), time(17), "23h"),
        # The night the clocks go back is an hour longer, and the one on is shorter.
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), time(6), "9h"),
        (datetime(2026, 3, 28, 20, 0, tzinfo=UTC), time(6), "8h"),
    ],
)
def test_how_long_it_is_until_then_in_paris(
    now: datetime, until: time, length: str
) -> None:
    assert length_until(until, now, ZoneInfo("Europe/Paris")) == parse_duration(length)
