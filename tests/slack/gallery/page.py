"""The examples as a page that shows them about as Slack does. No network, no script."""

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.slack.gallery.examples import Example

STYLE = """
body{font:15px/1.46 Lato,Helvetica,Arial,sans-serif;color:#1d1c1d;margin:0 auto;
 max-width:680px;padding:12px;background:#fff}
h1{font-size:22px}h2{font-size:14px;color:#616061;margin:34px 0 6px;font-weight:700}
.m,.v{border:1px solid #ddd;border-radius:8px;padding:10px 14px;overflow-wrap:anywhere}
.v header{font-weight:900;font-size:18px;border-bottom:1px solid #eee}
.s{margin:6px 0}.c{font-size:12px;color:#616061;margin:6px 0}
.h{font-size:18px;font-weight:900;margin:10px 0 4px}
blockquote{border-left:4px solid #ddd;margin:6px 0;padding-left:10px}
.b{display:inline-block;border:1px solid #bbb;border-radius:4px;padding:4px 12px;
 font-weight:700;margin:4px 6px 4px 0;background:#fff}
.primary{background:#007a5a;color:#fff;border-color:#007a5a}
.danger{color:#e01e5a;border-color:#e01e5a}
.i{margin:10px 0}.i b{display:block}.f{border:1px solid #868686;border-radius:4px;
 padding:6px 10px;color:#616061;min-height:20px}.i small{color:#616061}
.at{background:#e8f5fa;color:#1264a3;border-radius:3px;padding:0 2px}
hr{border:0;border-top:1px solid #ddd}a{color:#1264a3}
"""


def page(examples: Iterable[Example], title: str = "What the bot shows") -> str:
    """Return the whole page."""
    heading = f"<h1>{title}</h1>" if title else ""
    parts = [
        f'<h2 id="{_slug(each.name)}">{html.escape(each.name)} · to {each.to}</h2>'
        f"{_drawn(each)}"
        for each in examples
    ]
    return (
        "<!doctype html><meta charset=utf-8><title>What the bot shows</title>"
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>"
        f"{heading}{''.join(parts)}"
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _drawn(example: Example) -> str:
    shown = "".join(map(_block, example.payload["blocks"]))
    if example.kind != "modal":
        return f'<div class="m">{shown}</div>'
    title = html.escape(example.payload["title"]["text"])
    buttons = [example.payload.get("close"), example.payload.get("submit")]
    foot = "".join(_button({"text": each}) for each in buttons if each)
    return f'<div class="v"><header>{title}</header>{shown}{foot}</div>'


def _block(block: dict[str, Any]) -> str:
    return DRAWN[block["type"]](block)


def _section(block: dict[str, Any]) -> str:
    return f'<div class="s">{_text(block["text"])}</div>'


def _context(block: dict[str, Any]) -> str:
    return f'<div class="c">{" ".join(map(_text, block["elements"]))}</div>'


def _header(block: dict[str, Any]) -> str:
    return f'<div class="h">{_text(block["text"])}</div>'


def _actions(block: dict[str, Any]) -> str:
    return f'<div class="s">{"".join(map(_button, block["elements"]))}</div>'


def _button(element: dict[str, Any]) -> str:
    style = element.get("style", "")
    if "initial_option" in element:
        element = element["initial_option"]
    return f'<span class="b {style}">{_text(element["text"])}</span>'


def _rich(block: dict[str, Any]) -> str:
    drawn = []
    for part in block["elements"]:
        inner = "".join(map(_rich_element, part["elements"]))
        tag = "blockquote" if part["type"] == "rich_text_quote" else "div"
        drawn.append(f"<{tag}>{inner}</{tag}>")
    return "".join(drawn)


def _rich_element(element: dict[str, Any]) -> str:
    if element["type"] == "link":
        return f"<a>{html.escape(element['url'])}</a>"
    return html.escape(element["text"])


def _input(block: dict[str, Any]) -> str:
    element, hint = block["element"], block.get("hint", {}).get("text", "")
    options = [element["initial_option"]] if "initial_option" in element else []
    options += element.get("initial_options", [])
    chosen = ", ".join(option["text"]["text"] for option in options)
    shown = chosen or element.get("initial_value", "")
    optional = " (optional)" if block["optional"] else ""
    placeholder = element.get("placeholder", {}).get("text", "")
    field = html.escape(shown or placeholder)
    label = html.escape(block["label"]["text"] + optional)
    return (
        f'<div class="i"><b>{label}</b><div class="f">{field}</div>'
        f"<small>{html.escape(hint)}</small></div>"
    )


def _text(text: dict[str, Any]) -> str:
    if text["type"] == "plain_text":
        return html.escape(text["text"]).replace("\n", "<br>")
    said = re.sub(
        r"<!date\^[0-9]+\^[^|]*\|([^>]*)>", r"\1", text["text"]
    )  # as its fallback
    said = re.sub(r"<@([A-Z0-9]+)>", r"@@\1@@", said)
    shown = html.escape(html.unescape(said)).replace("\n", "<br>")
    return re.sub(r"@@U0([A-Z]+)@@", _mention, shown)


def _mention(found: re.Match[str]) -> str:
    return f'<span class="at">@{found[1].title()}</span>'


DRAWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "section": _section,
    "context": _context,
    "header": _header,
    "actions": _actions,
    "rich_text": _rich,
    "input": _input,
    "divider": lambda _block: "<hr>",
}
