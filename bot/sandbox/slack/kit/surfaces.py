"""Blocks on their surfaces: messages, modals and home views."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.sandbox.slack.kit.checks import (
    Check,
    any_of_fields,
    boolean,
    every,
    form,
    many,
    one_of,
    problem,
    string,
    typed,
)
from bot.sandbox.slack.kit.elements import (
    GROUP,
    ID,
    IN_A_CONTEXT,
    IN_A_SECTION,
    IN_ACTIONS,
    IN_AN_INPUT,
    PLENTY,
    RICH_OPTION,
    URL,
    plain,
    text,
)
from bot.sandbox.slack.kit.rich_text import RICH_TEXT
from bot.sandbox.slack.reading import elements_of

Json = dict[str, Any]

BLOCK: Mapping[str, Check] = {"block_id": ID}
BLOCKS: Mapping[str, Check] = {
    "actions": form({"elements": many(IN_ACTIONS, 25)}, BLOCK),
    "context": form({"elements": many(IN_A_CONTEXT, 10)}, BLOCK),
    "divider": form({}, BLOCK),
    "header": form({"text": plain(150)}, BLOCK),
    "image": form(
        {"alt_text": string(2000)},
        {**BLOCK, "image_url": URL, "title": plain(2000)},
    ),
    "rich_text": form({"elements": many(RICH_TEXT, PLENTY, least=0)}, BLOCK),
    "section": every(
        form(
            {},
            {
                **BLOCK,
                "text": text(3000),
                "fields": many(text(2000), 10),
                "accessory": IN_A_SECTION,
                "expand": boolean,
            },
        ),
        any_of_fields("text", "fields"),
    ),
}
INPUT = form(
    {"label": plain(2000), "element": IN_AN_INPUT},
    {**BLOCK, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
)
MARKDOWN = form({"text": string(12_000, least=1)}, BLOCK)
IN_A_MESSAGE = typed({**BLOCKS, "markdown": MARKDOWN}, noun="block of a message")
IN_A_VIEW = typed({**BLOCKS, "input": INPUT}, noun="block of a view")

VIEW: Mapping[str, Check] = {
    "callback_id": string(255),
    "external_id": string(255),
    "private_metadata": string(3000),
}
VIEWS: Mapping[str, Check] = {
    "modal": form(
        {"title": plain(24), "blocks": many(IN_A_VIEW, 100, least=0)},
        {
            **VIEW,
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
        },
    ),
    "home": form({"blocks": many(IN_A_VIEW, 100, least=0)}, VIEW),
}
MESSAGE_BLOCKS = many(IN_A_MESSAGE, 50, least=0)


def message_problems(blocks: Any) -> list[str]:
    """What Slack refuses in a message's blocks."""
    return [*MESSAGE_BLOCKS(blocks, "/blocks")] or [*_repeated(blocks, "/blocks")]


def view_problems(view: Any, kind: str) -> list[str]:
    """What Slack refuses in a view of that kind, "modal" or "home"."""
    found = [*one_of(kind)(_type_of(view), "/view/type")]
    found = found or [*VIEWS[kind](view, "/view")]
    return found or [*_view_rules(view)]


def options_problems(reply: Any) -> list[str]:
    """What Slack refuses in the answer to a block_suggestion."""
    check = every(
        form(
            {},
            {
                "options": many(RICH_OPTION, 100, least=0),
                "option_groups": many(GROUP, 100, least=0),
            },
        ),
        any_of_fields("options", "option_groups"),
    )
    return [*check(reply, "")]


def _type_of(view: Any) -> Any:
    return view.get("type") if isinstance(view, dict) else None


def _view_rules(view: Json) -> Iterator[str]:
    yield from _repeated(view["blocks"], "/view/blocks")
    holds_input = any(block["type"] == "input" for block in view["blocks"])
    if view["type"] == "modal" and holds_input and "submit" not in view:
        words = "`submit` is required when an `input` block is within the blocks array"
        yield problem(words, "/view")


def _repeated(blocks: list[Json], place: str) -> Iterator[str]:
    for name in _more_than_once(block.get("block_id") for block in blocks):
        yield problem(f"block_id already exists: {name}", place)
    for index, block in enumerate(blocks):
        ids = [element["action_id"] for element in elements_of(block)]
        for name in _more_than_once(ids):
            words = f"action_id already exists: {name}"
            yield problem(words, f"{place}/{index}")


def _more_than_once(names: Iterable[Any]) -> list[Any]:
    counted = Counter(name for name in names if name is not None)
    return [name for name, count in counted.items() if count > 1]
