"""Nothing that people or Okta write changes what an approver reads."""

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.slack.pictures import AboutGrant, AboutRequest, Alert, Home, Who
from bot.slack.views import draw, home, lists, modal
from tests.slack.gallery.examples import ASKED, FOUR_EYES, HELD, NOW
from tests.slack.hostile import hostile

TEXTS = list(dict.fromkeys(hostile()))
BATCHES = [TEXTS[at : at + 20] for at in range(0, len(TEXTS), 20)]

OURS = re.compile(
    r"<@U0[A-Z]+>|<!date\^[0-9]+\^\{date_short_pretty\} at \{time\}\|[^<>|]*>"
)
"""The only markup there is: mentions of whom we know, and instants."""

HARMLESS = "harmless"
MARKUP = re.compile("[<>]")
UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069]"
)


def drawn(text: str) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Return every view that shows what others wrote, with `text` as all of it."""
    person = Who(name=text, login=text, slack_id="U0ANN")
    asked = replace(
        ASKED,
        requester=person,
        grantee=person,
        group=text,
        description=text,
        justification=text,
        reason=text,
        passed=(text,),
        labels=(text,),
        people=(person, person),
    )
    held = replace(HELD, group=text, details=text[:400], problem=text, holder=person)
    eyes = replace(
        asked,
        step=2,
        approval=replace(FOUR_EYES.approval, by=(person,), confirms=False),
    )
    whole = Home(now=NOW, held=(held,), asked=(asked,), waiting=(eyes,), again=(asked,))
    return {
        "card": draw(AboutRequest(kind="card", asked=asked, is_theirs=True)),
        "four eyes": draw(AboutRequest(kind="card", asked=eyes, is_theirs=True)),
        "reminder": draw(AboutRequest(kind="reminder", asked=asked, is_theirs=True)),
        "sent": draw(AboutRequest(kind="sent", asked=asked)),
        "comment": draw(
            AboutRequest(kind="comment", asked=asked, comment=text, comment_by=person)
        ),
        "granted": draw(AboutGrant(kind="granted", held=held)),
        "failed": draw(AboutGrant(kind="failed", held=held)),
        "alert": draw(Alert(text=f"About {text}")),
        "mine": lists.mine([held], [asked], NOW),
        "waiting": lists.waiting([asked]),
        "who": lists.who(text, [held]),
        "denial": ("", modal.denial(asked, "a:1")["blocks"]),
        "approval": ("", modal.approval(asked, "a:1")["blocks"]),
        "extension": ("", modal.extension(held, text, text)["blocks"]),
        "home": ("", home.draw(whole)["blocks"]),
    }


def mrkdwn(value: Any) -> list[str]:
    """Return every text that Slack would parse."""
    if isinstance(value, list):
        return [text for each in value for text in mrkdwn(each)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if value.get("type") == "mrkdwn" else []
    return own + [text for each in value.values() for text in mrkdwn(each)]


def shape(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["type"] for block in blocks]


EXPECTED = {name: shape(blocks) for name, (_, blocks) in drawn(HARMLESS).items()}
LINES = {
    name: [text.count("\n") for text in mrkdwn(blocks)]
    for name, (_, blocks) in drawn(HARMLESS).items()
}


def test_there_are_more_than_two_hundred() -> None:
    assert len(TEXTS) > 200


@pytest.mark.parametrize(
    "texts", BATCHES, ids=lambda texts: texts[0][:12].encode().hex()
)
def test_no_text_becomes_markup_or_a_line_of_ours(texts: list[str]) -> None:
    for text in texts:
        for name, (said, blocks) in drawn(text).items():
            for parsed in (said, *mrkdwn(blocks)):
                assert not MARKUP.search(OURS.sub("", parsed)), (name, text)
                assert not UNREADABLE.search(parsed), (name, text)
                assert parsed.count("<@") <= 6, (name, text)


@pytest.mark.parametrize(
    "texts", BATCHES, ids=lambda texts: texts[0][:12].encode().hex()
)
def test_no_text_adds_a_block_or_a_line_to_what_is_parsed(texts: list[str]) -> None:
    """What is empty once it is cleaned may take its own block away, no other."""
    for text in texts:
        for name, (_, blocks) in drawn(text).items():
            assert len(shape(blocks)) <= len(EXPECTED[name]), (name, text)
            buttons = shape(blocks).count("actions")
            assert buttons == EXPECTED[name].count("actions"), (name, text)
            lines = [parsed.count("\n") for parsed in mrkdwn(blocks)]
            assert max(lines, default=0) <= max(LINES[name], default=0), (name, text)
