"""Texts, options and elements, with Slack's limits."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack.kit.checks import (
    Check,
    any_of_fields,
    boolean,
    every,
    form,
    many,
    number,
    one_of,
    problem,
    string,
    typed,
)

PLENTY = 1_000_000


def plain(most: int = 3000) -> Check:
    """A plain_text object. Slack: "empty string is invalid"."""
    return typed({"plain_text": _text(most, emoji=boolean)}, noun="plain text")


def text(most: int = 3000) -> Check:
    """A text object, plain or mrkdwn."""
    return typed(
        {
            "plain_text": _text(most, emoji=boolean),
            "mrkdwn": _text(most, verbatim=boolean),
        },
        noun="text object",
    )


def _text(most: int, **optional: Check) -> Check:
    return form({"text": string(most, least=1)}, optional)


ID = string(255, least=1)
URL = string(3000, least=1)
STYLE = one_of("primary", "danger")
CONFIRM = form(
    {"text": text(300)},
    {"title": plain(100), "confirm": plain(30), "deny": plain(30), "style": STYLE},
)


def option(label: Check) -> Check:
    """One choice; `label` is how its text may be written."""
    about = {"value": string(150), "description": plain(75), "url": URL}
    return form({"text": label}, about)


PLAIN_OPTION = option(plain(75))
RICH_OPTION = option(text(75))
GROUP = form({"label": plain(75), "options": many(PLAIN_OPTION, 100)}, {})
CHOICES: Mapping[str, Check] = {
    "options": many(PLAIN_OPTION, 100),
    "option_groups": many(GROUP, 100),
}
EITHER_CHOICES = any_of_fields("options", "option_groups")

COMMON: Mapping[str, Check] = {
    "action_id": ID,
    "confirm": CONFIRM,
    "focus_on_load": boolean,
}
CHOOSING: Mapping[str, Check] = {**COMMON, "placeholder": plain(150)}
SEVERAL: Mapping[str, Check] = {**CHOOSING, "max_selected_items": number(1, PLENTY)}
TYPING: Mapping[str, Check] = {
    "action_id": ID,
    "focus_on_load": boolean,
    "placeholder": plain(150),
    "dispatch_action_config": form(
        {},
        {
            "trigger_actions_on": many(
                one_of("on_enter_pressed", "on_character_entered"), 2
            )
        },
    ),
}
LENGTHS: Mapping[str, Check] = {
    "min_length": number(0, 3000),
    "max_length": number(1, 3000),
}


def initial_is_offered(element: Any, place: str) -> Iterator[str]:
    """Slack: what is chosen at first is one of the options, in the same words."""
    options = list(element.get("options", []))
    for group in element.get("option_groups", []):
        options += group["options"]
    single = [element["initial_option"]] if "initial_option" in element else []
    for chosen in element.get("initial_options", single):
        if chosen not in options:
            yield problem("initial option is not among the options", place)


def _ticked(initial: str, check: Check) -> Check:
    boxes = form({"options": many(RICH_OPTION, 10)}, {**COMMON, initial: check})
    return every(boxes, initial_is_offered)


BUTTON = form(
    {"text": plain(75)},
    {
        "action_id": ID,
        "value": string(2000),
        "url": URL,
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
IMAGE = every(
    form(
        {"alt_text": string(2000)},
        {"image_url": URL, "slack_file": form({}, {"id": ID, "url": URL})},
    ),
    any_of_fields("image_url", "slack_file"),
)

CHOSEN: Mapping[str, Check] = {
    "checkboxes": _ticked("initial_options", many(RICH_OPTION, 10)),
    "radio_buttons": _ticked("initial_option", RICH_OPTION),
    "static_select": every(
        form({}, {**CHOOSING, **CHOICES, "initial_option": PLAIN_OPTION}),
        EITHER_CHOICES,
        initial_is_offered,
    ),
    "multi_static_select": every(
        form({}, {**SEVERAL, **CHOICES, "initial_options": many(PLAIN_OPTION, 100)}),
        EITHER_CHOICES,
        initial_is_offered,
    ),
    "external_select": form(
        {},
        {
            **CHOOSING,
            "initial_option": PLAIN_OPTION,
            "min_query_length": number(0, 75),
        },
    ),
    "multi_external_select": form(
        {},
        {
            **SEVERAL,
            "initial_options": many(PLAIN_OPTION, 100),
            "min_query_length": number(0, 75),
        },
    ),
    "users_select": form({}, {**CHOOSING, "initial_user": ID}),
    "multi_users_select": form({}, {**SEVERAL, "initial_users": many(ID, 100)}),
    "conversations_select": form({}, {**CHOOSING, "initial_conversation": ID}),
    "channels_select": form({}, {**CHOOSING, "initial_channel": ID}),
    "datepicker": form({}, {**CHOOSING, "initial_date": string(10, 10)}),
    "timepicker": form(
        {}, {**CHOOSING, "initial_time": string(5, 5), "timezone": string(100)}
    ),
    "datetimepicker": form({}, {**COMMON, "initial_date_time": number(0, 10**10)}),
}
PRESSED: Mapping[str, Check] = {
    "button": BUTTON,
    "overflow": form(
        {"options": many(PLAIN_OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM}
    ),
}
FILLED: Mapping[str, Check] = {
    "plain_text_input": form(
        {}, {**TYPING, **LENGTHS, "multiline": boolean, "initial_value": string(3000)}
    ),
    "email_text_input": form({}, {**TYPING, "initial_value": string(3000)}),
    "url_text_input": form({}, {**TYPING, "initial_value": string(3000)}),
    "number_input": form(
        {"is_decimal_allowed": boolean},
        {
            **TYPING,
            "initial_value": string(100),
            "min_value": string(100),
            "max_value": string(100),
        },
    ),
}

IN_A_SECTION = typed({**CHOSEN, **PRESSED, "image": IMAGE}, noun="element of a section")
IN_ACTIONS = typed({**CHOSEN, **PRESSED}, noun="element of actions")
IN_AN_INPUT = typed({**CHOSEN, **FILLED}, noun="element of an input")
IN_A_CONTEXT = typed(
    {
        "image": IMAGE,
        "plain_text": _text(3000, emoji=boolean),
        "mrkdwn": _text(3000, verbatim=boolean),
    },
    noun="element of a context",
)
