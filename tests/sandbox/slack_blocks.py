"""Blocks and views that tests of the workspace send."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str = "*prod-db-read* for 4 h") -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str = "approve", value: str = "17") -> Json:
    text = plain(action_id.title())
    return {"type": "button", "action_id": action_id, "text": text, "value": value}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def field(block_id: str, element: Json, **more: Any) -> Json:
    label = plain(block_id.title())
    return {
        "type": "input",
        "block_id": block_id,
        "label": label,
        "element": element,
        **more,
    }


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


GROUP = {"type": "external_select", "action_id": "group", "min_query_length": 0}
HOURS = {
    "type": "static_select",
    "action_id": "hours",
    "options": [option("1h"), option("4h")],
    "initial_option": option("1h"),
}
WHY = {"type": "plain_text_input", "action_id": "why", "max_length": 20}


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": plain("Ask for access"),
        "submit": plain("Ask"),
        "blocks": list(blocks) or [field("why", WHY)],
        **more,
    }


ASK = modal(field("group", GROUP), field("hours", HOURS), field("why", WHY))
HOME = {"type": "home", "blocks": [section("What you hold"), actions(button())]}
