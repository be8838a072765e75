"""Durations as people write and read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.durations import LONGEST, parse_duration, say_duration, write_duration

SECONDS = st.integers(min_value=1, max_value=int(LONGEST.total_seconds()))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("8h", 28800),
        ("7d", 604800),
        ("1h30m", 5400),
        ("1d2h3m4s", 93784),
        ("90m", 5400),
        ("08h", 28800),
        ("3650d", 315360000),
    ],
)
def test_a_duration_is_days_hours_minutes_and_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "8",
        "h",
        "8 h",
        " 8h",
        "8h\n",
        "8H",
        "1.5h",
        "-1h",
        "+1h",
        "30m1h",
        "1h1h",
        "1w",
        "1h30",
        "PT1H",
        "٨h",
        "²h",
        "indefinite",
    ],
)
def test_what_is_not_certainly_a_duration_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="This is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0d0h0m0s"])
def test_no_time_at_all_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3650d1s", "999999999d", "999999999d999999999h"])
def test_a_duration_is_at_most_ten_years(text: str) -> None:
    with pytest.raises(ValueError, match="at most ten years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5400, "1 h 30 min"),
        (1, "1 s"),
        (900, "15 min"),
        (86400, "1 day"),
        (172800 + 3600, "2 days 1 h"),
        (59.9, "59 s"),
        (0, "0 s"),
        (-5, "0 s"),
    ],
)
def test_a_duration_is_said_in_words(seconds: float, words: str) -> None:
    assert say_duration(timedelta(seconds=seconds)) == words


@given(SECONDS)
def test_what_is_written_is_read_back_the_same(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(write_duration(length)) == length
