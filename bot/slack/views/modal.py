"""The modals: asking, the reason of a denial, and a sentence to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.durations import say_duration, write_duration
from bot.slack.pictures import Asked, Held
from bot.slack.views import blocks
from bot.slack.views.blocks import Block
from bot.slack.views.text import clean, cut, named, when
from bot.slack.views.words import for_whom, person, wish

ASK = "ask"
DENIAL = "denial"
APPROVAL = "approval"
EXTENSION = "extension"
GRANTEE = "grantee"
GROUP = "group"
DURATION = "duration"
JUSTIFICATION = "justification"
REASON = "reason"
"""Callback ids, and ids of inputs: each block is called as its element is."""

MOST_CHOICES = 100
MOST_WRITTEN = 1000
MOST_AT_ONCE = 10
"""How many groups and bundles one form asks for."""

HINT = "In a few words: what you need it for."


@dataclass(frozen=True, kw_only=True)
class GroupChoice:
    """A group as it is offered: an opaque value, and names to read."""

    value: str
    name: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class AskForm:
    """What the modal that asks shows, and what it is filled with."""

    choices: tuple[timedelta, ...]
    duration: timedelta
    hint: str = ""
    required: bool = True
    groups: tuple[GroupChoice, ...] = ()
    justification: str = ""
    note: str = ""
    for_others: bool = False
    grantee: str = ""
    about: tuple[str, ...] = ()


def ask(form: AskForm) -> Block:
    """Return the modal that asks for a group."""
    note = [blocks.paragraph(clean(form.note))] if form.note else []
    return blocks.modal(
        "Ask for access",
        [
            *note,
            _group(form),
            *(blocks.small_plain(clean(each)) for each in form.about),
            _duration(form),
            _justification(form),
            *([_grantee(form)] if form.for_others else []),
        ],
        close="Close",
        callback_id=ASK,
        submit=blocks.plain("Ask"),
    )


def group_option(choice: GroupChoice) -> Block:
    """Return a group as a choice of the typeahead."""
    return blocks.option(choice.name, choice.value, choice.about)


def denial(asked: Asked, button_value: str) -> Block:
    """Return the modal that takes the reason of a denial.

    It carries what the button carried; everything is decided anew on submit.
    """
    return blocks.modal(
        "Deny the request",
        [
            blocks.section(f"{person(asked.requester)} asked for {wish(asked)}."),
            blocks.entry(
                "Reason",
                REASON,
                _text(REASON),
                hint="The requester sees it.",
                optional=True,
            ),
        ],
        close="Back",
        callback_id=DENIAL,
        private_metadata=button_value,
        submit=blocks.plain("Deny"),
    )


def approval(asked: Asked, button_value: str) -> Block:
    """Return the modal that approves: for how long, at most as asked, and why."""
    choices = sorted({*asked.approval.choices, asked.duration})
    length: Block = {
        "type": "static_select",
        "action_id": DURATION,
        "options": [_length(choice) for choice in choices[:MOST_CHOICES]],
        "initial_option": _length(asked.duration),
    }
    asks = f"{person(asked.requester)} asks for {wish(asked)}"
    return blocks.modal(
        "Approve the request",
        [
            blocks.section(f"{asks}{for_whom(asked, person)}."),
            blocks.entry("For how long", DURATION, length),
            blocks.entry(
                "Why you approve",
                REASON,
                _text(REASON),
                optional=not asked.approval.needs_reason,
            ),
        ],
        close="Back",
        callback_id=APPROVAL,
        private_metadata=button_value,
        submit=blocks.plain("Approve"),
    )


def extension(held: Held, justification: str, hint: str) -> Block:
    """Return the modal that asks for more of what is held."""
    ends = when(held.expires_at + held.more)
    return blocks.modal(
        "Extend access",
        [
            blocks.section(
                f"{named(held.group)} for {say_duration(held.more)} more, "
                f"until {ends}, once it is approved."
            ),
            blocks.entry(
                "Justification",
                JUSTIFICATION,
                _text(JUSTIFICATION, justification),
                hint=clean(hint) or HINT,
                optional=True,
            ),
        ],
        close="Back",
        callback_id=EXTENSION,
        private_metadata=held.id,
        submit=blocks.plain("Ask"),
    )


def told(text: str) -> Block:
    """Return a modal that only says something."""
    return blocks.modal("Access", [blocks.paragraph(clean(text, 2000))], close="Close")


def written(body: Mapping[str, Any], block_id: str) -> str:
    """Return what was written or chosen in an input of a submitted modal."""
    values = body["view"]["state"]["values"]
    state = values.get(block_id, {}).get(block_id, {})
    if "selected_user" in state:
        return str(state["selected_user"] or "")
    if "selected_option" in state:
        return str((state["selected_option"] or {}).get("value") or "")
    return str(state.get("value") or "")


def chosen(body: Mapping[str, Any], block_id: str) -> list[str]:
    """Return the values of all that was chosen in an input of a submitted modal."""
    state = body["view"]["state"]["values"].get(block_id, {}).get(block_id, {})
    return [
        str(each.get("value") or "") for each in state.get("selected_options") or ()
    ]


def _group(form: AskForm) -> Block:
    element: Block = {
        "type": "multi_external_select",
        "action_id": GROUP,
        "min_query_length": 0,
        "max_selected_items": MOST_AT_ONCE,
        "placeholder": blocks.plain("Type a part of its name"),
    }
    if form.groups:
        element["initial_options"] = [group_option(each) for each in form.groups]
    # What is under it follows the choice, so Slack is to tell of it at once.
    return blocks.entry("Groups", GROUP, element) | {"dispatch_action": True}


def _duration(form: AskForm) -> Block:
    choices = sorted({*form.choices, form.duration})[:MOST_CHOICES]
    element: Block = {
        "type": "static_select",
        "action_id": DURATION,
        "options": [_length(choice) for choice in choices],
    }
    if form.duration in choices:
        element["initial_option"] = _length(form.duration)
    return blocks.entry("For how long", DURATION, element)


def _text(action_id: str, text: str = "") -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": True,
        "max_length": MOST_WRITTEN,
    }
    return element | {"initial_value": cut(text, MOST_WRITTEN)} if text else element


def _grantee(form: AskForm) -> Block:
    element: Block = {"type": "users_select", "action_id": GRANTEE}
    if form.grantee:
        element["initial_user"] = form.grantee
    hint = "Leave it empty to ask for yourself."
    return blocks.entry("For whom", GRANTEE, element, hint=hint, optional=True)


def _justification(form: AskForm) -> Block:
    return blocks.entry(
        "Justification",
        JUSTIFICATION,
        _text(JUSTIFICATION, form.justification),
        hint=clean(form.hint) or HINT,
        optional=not form.required,
    )


def _length(length: timedelta) -> Block:
    return blocks.option(say_duration(length), write_duration(length))
