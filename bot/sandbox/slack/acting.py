"""What a person's own Slack client does: find a control, enter a value, press.

A client shows only what is there and sends only what it shows. Whoever writes
their own client is not held to that: `force` is how a test does.
"""

from collections.abc import Iterable
from typing import Any

from bot.sandbox.slack.reading import placed_elements
from bot.sandbox.slack.records import Json, Message, View
from bot.sandbox.slack.values import (
    OPTION,
    OPTIONS,
    PLAIN,
    SEVERAL_PLAIN,
    entered_value,
    is_empty,
)

FORGED_BLOCK = "forged"


def find_element(
    blocks: Iterable[Json],
    action_id: str,
    *,
    block_id: str | None = None,
    value: Any = None,
) -> tuple[Json, Json]:
    """The (block, element) with this action_id, and `block_id` where it is given.

    Among several buttons `value` says which. Raises ValueError, with what is there.
    """
    placed = [*placed_elements(blocks)]
    for block, element in placed:
        if element["action_id"] != action_id or block_id not in (
            None,
            block["block_id"],
        ):
            continue
        if element["type"] != "button" or value in (None, element.get("value")):
            return block, element
    there = ", ".join(element["action_id"] for _, element in placed) or "nothing"
    raise ValueError(f"there is no {action_id} to be seen, only {there}")


def forged_element(message: Message, action_id: str, value: Any) -> tuple[Json, Json]:
    """A button that is no longer there, or never was, with any value."""
    try:
        block, element = find_element(message.blocks, action_id)
    except ValueError:
        text = {"type": "plain_text", "text": action_id, "emoji": True}
        block = {"type": "actions", "block_id": FORGED_BLOCK}
        element = {"type": "button", "action_id": action_id, "text": text}
    return block, element if value is None else {**element, "value": value}


def as_action(block: Json, element: Json, entered: Json | None) -> Json:
    """One entry of `actions`: what was pressed, or chosen and now is."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
    }
    if entered is not None:
        return {**entered, **action}
    shown = {name: element[name] for name in BUTTON_PARTS if name in element}
    return {**action, **shown}


BUTTON_PARTS = ("text", "value", "style", "url", "accessibility_label", "confirm")


def enter(
    view: View, action_id: str, value: Any, *, block_id: str | None = None
) -> tuple[Json, Json, Json]:
    """Put `value` into a field of the view; (block, element, its state).

    Raises ValueError for a field that is not there, and a choice not offered.
    """
    block, element = find_element(view.blocks, action_id, block_id=block_id)
    suggested = view.suggested.get(action_id, ())
    entered = entered_value(element, value, suggested)
    view.values.setdefault(block["block_id"], {})[action_id] = entered
    return block, element, entered


def is_entered(element: Json) -> bool:
    """Whether the element holds a value, rather than being pressed."""
    kinds = {*OPTION, *OPTIONS, *PLAIN, *SEVERAL_PLAIN}
    return element["type"] in kinds


def is_dispatched(block: Json) -> bool:
    """Whether Slack tells the bot at once when a value of the block changes."""
    return block["type"] != "input" or bool(block.get("dispatch_action"))


def require_filled(view: View) -> None:
    """Raise ValueError where Slack's own client would not let it be submitted."""
    if "submit" not in view.content:
        raise ValueError("this view cannot be submitted: it has no submit button")
    for block, element in placed_elements(view.blocks):
        if block["type"] == "input":
            values = view.values[block["block_id"]]
            _require_valid(block, element, values[element["action_id"]])


def _require_valid(block: Json, element: Json, value: Json) -> None:
    action_id = element["action_id"]
    if is_empty(value):
        if not block.get("optional"):
            raise ValueError(f"{action_id} is required")
        return
    length = len(str(value.get("value", "")))
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if element["type"] == "plain_text_input" and not least <= length <= most:
        raise ValueError(f"{action_id} must have {least} to {most} characters")
