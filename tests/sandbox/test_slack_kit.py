"""Block Kit: the workspace refuses what Slack refuses, and takes the rest."""

from typing import Any

import pytest

from bot.sandbox.slack.kit import message_problems, options_problems, view_problems
from tests.conformance.block_kit import validate
from tests.sandbox.slack_blocks import (
    ASK,
    HOME,
    actions,
    button,
    field,
    modal,
    option,
    plain,
    section,
)

Json = dict[str, Any]
MRKDWN = {"type": "mrkdwn", "text": "x"}
CONFIRM = {"title": plain("Sure?"), "text": MRKDWN, "confirm": plain("Yes")}
INPUT = {"type": "plain_text_input", "action_id": "why"}
RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "for ", "style": {"bold": True}},
                {"type": "user", "user_id": "U1"},
                {"type": "date", "timestamp": 1, "format": "{time}"},
            ],
        },
        {
            "type": "rich_text_preformatted",
            "elements": [{"type": "text", "text": "why"}],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "link", "url": "https://x.example"}],
                }
            ],
        },
    ],
}


def long(most: int) -> str:
    return "x" * (most + 1)


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "hours", **more}


RIGHT_BLOCKS: list[Json] = [
    section("x" * 3000),
    {"type": "section", "fields": [MRKDWN] * 10},
    {**section(), "accessory": button()},
    {
        **section(),
        "accessory": {"type": "overflow", "action_id": "o", "options": [option("a")]},
    },
    {"type": "header", "text": plain("x" * 150)},
    {"type": "context", "elements": [MRKDWN, plain("x")]},
    {"type": "divider"},
    {"type": "image", "alt_text": "x", "image_url": "https://x.example/a.png"},
    {"type": "markdown", "text": "**x**"},
    RICH,
    actions({**button(), "style": "primary", "confirm": CONFIRM}),
    actions(button(value="x" * 2000)),
    actions(select(options=[option("a")] * 100)),
    actions({"type": "users_select", "action_id": "who"}),
    actions({"type": "datepicker", "action_id": "day", "initial_date": "2026-11-23"}),
]
WRONG_BLOCKS: list[tuple[Json, str]] = [
    ({"type": "sektion"}, "unsupported type: sektion"),
    (section(""), "must be more than 0 characters"),
    (section(long(3000)), "must be less than 3001 characters"),
    ({"type": "section"}, "text or fields"),
    ({"type": "section", "fields": [MRKDWN] * 11}, "no more than 10 items"),
    ({"type": "section", "fields": [plain(long(2000))]}, "/blocks/0/fields/0/text"),
    ({**section(), "colour": "red"}, "invalid additional property: colour"),
    ({**section(), "accessory": INPUT}, "unsupported type: plain_text_input"),
    ({"type": "header", "text": plain(long(150))}, "less than 151"),
    ({"type": "header", "text": MRKDWN}, "unsupported type: mrkdwn"),
    ({"type": "context", "elements": [MRKDWN] * 11}, "no more than 10 items"),
    ({"type": "context", "elements": []}, "no fewer than 1 items"),
    (actions(), "no fewer than 1 items"),
    (actions(*[button(f"b{n}") for n in range(26)]), "no more than 25 items"),
    (actions({**button(), "text": plain(long(75))}), "less than 76"),
    (actions({**button(), "text": "Approve"}), "unsupported type"),
    (actions(button(value=long(2000))), "less than 2001"),
    (actions(button(action_id=long(255))), "less than 256"),
    (actions({**button(), "style": "loud"}), "must be one of primary, danger"),
    (actions({**button(), "confirm": {"title": plain("x")}}), "required field: text"),
    (
        actions({**button(), "confirm": {**CONFIRM, "title": plain(long(100))}}),
        "less than 101",
    ),
    (
        actions({**button(), "confirm": {**CONFIRM, "text": plain(long(300))}}),
        "less than 301",
    ),
    (
        actions({**button(), "confirm": {**CONFIRM, "deny": plain(long(30))}}),
        "less than 31",
    ),
    (actions({**button(), "accessibility_label": long(75)}), "less than 76"),
    (actions(select(options=[])), "no fewer than 1 items"),
    (actions(select(options=[option("a")] * 101)), "no more than 100 items"),
    (actions(select(options=[option(long(150))])), "less than 151"),
    (
        actions(select(options=[{"text": plain(long(75)), "value": "a"}])),
        "less than 76",
    ),
    ({**section(), "block_id": long(255)}, "less than 256"),
    ({"type": "image", "image_url": "https://x.example"}, "required field: alt_text"),
    ({"type": "markdown", "text": long(12_000)}, "less than 12001"),
    (
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [MRKDWN]}],
        },
        "unsupported type: mrkdwn",
    ),
]
WRONG_MODALS: list[tuple[Json, str]] = [
    (modal(title=plain(long(24))), "/view/title/text"),
    (modal(submit=plain(long(24))), "/view/submit/text"),
    (modal(close=plain(long(24))), "/view/close/text"),
    (modal(private_metadata=long(3000)), "/view/private_metadata"),
    (modal(callback_id=long(255)), "/view/callback_id"),
    (modal(*[section()] * 101), "no more than 100 items"),
    (modal(field("why", INPUT, hint=plain(""))), "/view/blocks/0/hint/text"),
    (modal(field("why", {**INPUT, "max_length": 3001})), "from 1 to 3000"),
    (modal(field("why", {**INPUT, "placeholder": plain(long(150))})), "less than 151"),
    (modal(field("why", button())), "unsupported type: button"),
    (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown"),
    (HOME, "must be one of modal"),
]


@pytest.mark.parametrize("block", RIGHT_BLOCKS, ids=lambda block: block["type"])
def test_a_block_within_the_limits_is_taken(block: Json) -> None:
    assert message_problems([block]) == []


@pytest.mark.parametrize(("block", "words"), WRONG_BLOCKS)
def test_a_block_beyond_them_is_refused_with_its_place(block: Json, words: str) -> None:
    problems = message_problems([block])
    assert any(words in problem for problem in problems), problems
    assert all("[json-pointer:/blocks/0" in problem for problem in problems)


def test_a_message_holds_50_blocks_and_no_input() -> None:
    assert message_problems([section()] * 50) == []
    assert message_problems([section()] * 51)
    assert message_problems([field("why", INPUT)])
    assert message_problems("not a list")


@pytest.mark.parametrize(
    "choices",
    [
        select(options=[option("a")], initial_option=option("b")),
        select(
            option_groups=[{"label": plain("x"), "options": [option("a")]}],
            initial_option=option("b"),
        ),
        {
            "type": "checkboxes",
            "action_id": "c",
            "options": [option("a")],
            "initial_options": [option("a"), option("b")],
        },
    ],
)
def test_what_is_chosen_at_first_is_among_the_options(choices: Json) -> None:
    (problem,) = message_problems([actions(choices)])
    assert "not among the options" in problem


def test_ids_are_not_repeated() -> None:
    twice = [{**section(), "block_id": "same"}] * 2
    assert "block_id already exists: same" in message_problems(twice)[0]
    assert "action_id" in message_problems([actions(button(), button())])[0]
    assert message_problems([actions(button()), actions(button())]) == []


@pytest.mark.parametrize("view", [ASK, modal(section(), submit=plain("Close"))])
def test_a_modal_within_the_limits_is_taken(view: Json) -> None:
    assert view_problems(view, "modal") == []


@pytest.mark.parametrize(("view", "words"), WRONG_MODALS)
def test_a_modal_beyond_them_is_refused(view: Json, words: str) -> None:
    assert any(words in problem for problem in view_problems(view, "modal"))


def test_a_modal_with_an_input_needs_submit() -> None:
    without = {name: value for name, value in ASK.items() if name != "submit"}
    assert "`submit` is required" in view_problems(without, "modal")[0]
    assert view_problems({**without, "blocks": [section()]}, "modal") == []


def test_a_home_view_has_no_title() -> None:
    assert view_problems(HOME, "home") == []
    assert view_problems({**HOME, "title": plain("Home")}, "home")
    assert view_problems(None, "home")


def test_at_most_100_options_are_suggested() -> None:
    assert options_problems({"options": []}) == []
    assert options_problems({"options": [option("a")] * 100}) == []
    assert options_problems({"options": [option("a")] * 101})
    assert options_problems({"choices": []})


@pytest.mark.parametrize("block", RIGHT_BLOCKS, ids=lambda block: block["type"])
def test_what_is_taken_fits_slacks_own_description(block: Json) -> None:
    validate("message", {"text": "x", "blocks": [block]})


@pytest.mark.parametrize(("block", "words"), WRONG_BLOCKS)
def test_what_is_refused_does_not_fit_it(block: Json, words: str) -> None:
    with pytest.raises(AssertionError):
        validate("message", {"text": "x", "blocks": [block]})
