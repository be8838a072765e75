"""Every view and message has an example, Slack takes it, and the page shows it."""

import html
import re
from typing import Any

import pytest

from bot.slack.views import notices
from tests.conformance import block_kit
from tests.conformance.reference import is_here
from tests.slack.gallery.examples import Example, examples
from tests.slack.gallery.page import page

EXAMPLES = list(examples())

pytestmark = pytest.mark.skipif(not is_here(), reason="the schemas are not here")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_one_that_slack_takes(example: Example) -> None:
    block_kit.validate(example.kind, example.payload)


@pytest.mark.parametrize("kind", [*notices.OF_REQUESTS, *notices.OF_GRANTS, "card"])
def test_every_kind_of_message_has_an_example(kind: str) -> None:
    assert any(example.name.partition(",")[0] == kind for example in EXAMPLES)


def _texts(value: Any) -> set[str]:
    if isinstance(value, list):
        return {text for each in value for text in _texts(each)}
    if not isinstance(value, dict):
        return set()
    own = {value["text"]} if isinstance(value.get("text"), str) else set()
    hidden = ("confirm", "options", "initial_option", "placeholder")
    return own.union(*(_texts(v) for key, v in value.items() if key not in hidden))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_page_shows_every_word_of_an_example(example: Example) -> None:
    shown = html.unescape(re.sub("<[^>]*>", " ", page([example])))
    for text in _texts(example.payload["blocks"]):
        plain = re.sub(r"<!date[^|]*\|([^>]*)>", r"\1", text)
        plain = re.sub(r"<@U0([A-Z]+)>", lambda m: m[1].title(), html.unescape(plain))
        for word in re.findall(r"\w+", plain):
            assert word in shown
