"""What people type after the command."""

from datetime import timedelta

import pytest

from bot.slack.typed import Typed, read_ask, split_command

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
