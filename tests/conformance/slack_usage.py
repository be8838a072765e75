"""What the bot's own source uses of Slack, read from its syntax trees.

Only literals and module-level names are understood: a command or an event under
a name that is put together is an error here, so that none escapes the manifest.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REGISTRATIONS = {
    "command": "commands",
    "event": "events",
    "shortcut": "shortcuts",
    "global_shortcut": "shortcuts",
    "message_shortcut": "shortcuts",
}


@dataclass(frozen=True)
class Usage:
    """What is listened to, and every attribute or text that may name a method."""

    commands: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    shortcuts: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


def read_usage(listeners: Iterable[Path], rest: Iterable[Path] = ()) -> Usage:
    """Return what `listeners` register, and what they and `rest` may call."""
    usage = Usage()
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in listeners]
    named = {name: text for tree in trees for name, text in _constants(tree)}
    for tree in trees:
        for kind, argument in _registrations(tree):
            getattr(usage, kind).add(_text(argument, named))
    for tree in [*trees, *(ast.parse(path.read_text("utf-8")) for path in rest)]:
        usage.words.update(_words(tree))
    return usage


def methods(usage: Usage, known: Iterable[str]) -> set[str]:
    """Return those of the `known` Web API methods that are called.

    `client.chat_postMessage(...)` and `client.api_call("chat.postMessage")` both
    count.
    """
    return {name for name in known if {name, name.replace(".", "_")} & usage.words}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(str(text))):
                yield name, text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(str(text))):
                yield name, text


def _registrations(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=attr), args=[first, *_]):
                if attr in REGISTRATIONS:
                    yield REGISTRATIONS[attr], first


def _text(argument: ast.expr, named: dict[str, str]) -> str:
    match argument:
        case ast.Constant(str(text)):
            return text
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in named:
            return named[name]
    raise AssertionError(f"cannot tell what {ast.unparse(argument)} listens to")


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=word) | ast.Constant(str(word)):
                yield word
