"""What a person reads and can press in Block Kit blocks."""

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

TEXTS = frozenset({"plain_text", "mrkdwn", "markdown"})
PARTS = ("title", "text", "fields", "label", "hint", "elements", "accessory", "element")
CONTROLS = frozenset(
    {"button", "overflow", "checkboxes", "radio_buttons", "workflow_button"}
)


def texts_of(blocks: Iterable[Json]) -> list[str]:
    """Every text in them, in reading order; not what buttons and choices say."""
    return [text for block in blocks for text in _texts(block)]


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        yield from _joined(part)
    elif isinstance(part, dict) and part.get("type") not in CONTROLS:
        yield from _own_text(part)
        for name in PARTS:
            if isinstance(part.get(name), dict | list):
                yield from _texts(part[name])


def _joined(parts: list[Any]) -> Iterator[str]:
    """The texts of a list; the pieces of one rich text line are one text."""
    inline = [_inline(part) for part in parts]
    if parts and all(piece is not None for piece in inline):
        yield "".join(piece for piece in inline if piece)
        return
    for part in parts:
        yield from _texts(part)


def _inline(part: Json) -> str | None:
    match part:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "link", "url": url}:
            return str(part.get("text") or url)
        case {"type": "user", "user_id": user}:
            return f"<@{user}>"
        case {"type": "channel", "channel_id": channel}:
            return f"<#{channel}>"
        case {"type": "usergroup", "usergroup_id": group}:
            return f"<!subteam^{group}>"
        case {"type": "broadcast", "range": who}:
            return f"<!{who}>"
        case {"type": "emoji", "name": name}:
            return f":{name}:"
        case {"type": "date"}:
            return str(part.get("fallback", ""))
    return None


def _own_text(part: Json) -> Iterator[str]:
    if part.get("type") in TEXTS and isinstance(part.get("text"), str):
        yield part["text"]
    if part.get("type") == "image":
        yield str(part.get("alt_text", ""))


def elements_of(block: Json) -> list[Json]:
    """What a person can press, choose or fill in it."""
    found = [block.get("accessory"), block.get("element")]
    if block.get("type") == "actions":
        found += block.get("elements", [])
    return [one for one in found if isinstance(one, dict) and "action_id" in one]


def placed_elements(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Each (block, element) a person can press, choose or fill."""
    for block in blocks:
        for element in elements_of(block):
            yield block, element


def buttons_of(blocks: Iterable[Json]) -> dict[str, Json]:
    """The buttons by action_id; the first where several share one."""
    found: dict[str, Json] = {}
    for _, element in placed_elements(blocks):
        if element["type"] == "button":
            found.setdefault(element["action_id"], element)
    return found
