"""Block Kit, the few pieces that are used. Each returns what Slack is sent."""

import re
from collections.abc import Sequence
from typing import Any

from bot.slack.views.text import clean, cut

Block = dict[str, Any]

_LINK = re.compile(r"(https://[^\s<>|\"]+)")


def section(mrkdwn: str, *, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn, in which all that is not ours must be escaped."""
    block: Block = {"type": "section", "text": _mrkdwn(mrkdwn)}
    return block | {"accessory": accessory} if accessory else block


def paragraph(text: str) -> Block:
    """A paragraph of plain text."""
    return {"type": "section", "text": plain(text or " ")}


def small(*mrkdwn: str) -> Block:
    """A line of smaller print."""
    return {"type": "context", "elements": [_mrkdwn(each) for each in mrkdwn]}


def small_plain(text: str) -> Block:
    """A line of smaller print, in plain text."""
    return {"type": "context", "elements": [plain(text)]}


def heading(text: str) -> Block:
    return {"type": "header", "text": plain(cut(text, 150))}


def quote(text: str) -> Block:
    """What a person wrote, set off, and not parsed for anything."""
    return _rich("rich_text_quote", [{"type": "text", "text": text}])


def linked(text: str) -> Block:
    """Text in which whole https addresses are links, and nothing else is markup."""
    elements = [
        {"type": "link", "url": part} if at % 2 else {"type": "text", "text": part}
        for at, part in enumerate(_LINK.split(text))
        if part
    ]
    return _rich("rich_text_section", elements)


def buttons(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(
    label: str, action_id: str, value: str, *, spoken: str, style: str | None = None
) -> Block:
    """A button; `spoken` is what a screen reader says of it."""
    made: Block = {
        "type": "button",
        "text": plain(label),
        "action_id": action_id,
        "value": value,
        "accessibility_label": clean(spoken, 75),
    }
    return made | {"style": style} if style else made


def confirmation(title: str, text: str, confirm: str) -> Block:
    """What a button asks before it does anything. Slack: at most 100 and 300."""
    return {
        "title": plain(cut(title, 100)),
        "text": plain(cut(text, 300)),
        "confirm": plain(confirm),
        "deny": plain("Back"),
    }


def entry(
    label: str, block_id: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    """An input of a modal."""
    made: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    return made | {"hint": plain(hint)} if hint else made


def option(text: str, value: str, description: str = "") -> Block:
    """A choice. Slack: text, value and description hold at most 75 characters."""
    made: Block = {"text": plain(clean(text, 75) or "-"), "value": value}
    described = clean(description, 75)
    return made | {"description": plain(described)} if described else made


def modal(title: str, blocks: Sequence[Block], *, close: str, **more: Any) -> Block:
    return {
        "type": "modal",
        "title": plain(title),
        "close": plain(close),
        "blocks": list(blocks),
        **more,
    }


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _rich(kind: str, elements: list[Block]) -> Block:
    inner = {"type": kind, "elements": elements}
    return {"type": "rich_text", "elements": [inner]}
