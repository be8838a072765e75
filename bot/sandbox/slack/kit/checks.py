"""The pieces a form is described with: each check yields what is wrong, and where.

A place is a JSON pointer. The words are those of Slack's `response_metadata`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[str]]
Json = dict[str, Any]


def problem(words: str, place: str) -> str:
    """One line of `response_metadata.messages`."""
    return f"[ERROR] {words} [json-pointer:{place}]"


def string(most: int, least: int = 0) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem("must be a string", place)
        elif len(value) < least:
            yield problem(f"must be more than {least - 1} characters", place)
        elif len(value) > most:
            yield problem(f"must be less than {most + 1} characters", place)

    return check


def number(low: int, high: int) -> Check:
    """An integer from `low` to `high`."""

    def check(value: Any, place: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield problem("must be a number", place)
        elif not low <= value <= high:
            yield problem(f"must be from {low} to {high}", place)

    return check


def boolean(value: Any, place: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield problem("must be a boolean", place)


def one_of(*allowed: object) -> Check:
    """One of the values listed."""

    def check(value: Any, place: str) -> Iterator[str]:
        if value not in allowed:
            yield problem(f"must be one of {', '.join(map(str, allowed))}", place)

    return check


def many(item: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` items."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield problem("must be an array", place)
            return
        if len(value) < least:
            yield problem(f"no fewer than {least} items allowed", place)
        if len(value) > most:
            yield problem(f"no more than {most} items allowed", place)
        for index, one in enumerate(value):
            yield from item(one, f"{place}/{index}")

    return check


def form(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """An object with these fields and no others, `type` aside."""
    known = {**required, **optional}

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must be an object", place)
            return
        for name in required:
            if name not in value:
                yield problem(f"missing required field: {name}", place)
        for name, one in value.items():
            if name in known:
                yield from known[name](one, f"{place}/{name}")
            elif name != "type":
                yield problem(f"invalid additional property: {name}", place)

    return check


def typed(kinds: Mapping[str, Check], *, noun: str) -> Check:
    """An object whose `type` is one of `kinds`, and which passes that check."""

    def check(value: Any, place: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            yield problem(f"unsupported type: {kind} ({noun})", place)
        else:
            yield from kinds[kind](value, place)

    return check


def every(*checks: Check) -> Check:
    """All of the checks in turn, up to the first that finds something."""

    def check(value: Any, place: str) -> Iterator[str]:
        for one in checks:
            found = [*one(value, place)]
            yield from found
            if found:
                return

    return check


def any_of_fields(*names: str) -> Check:
    """An object with at least one of the fields."""

    def check(value: Any, place: str) -> Iterator[str]:
        if isinstance(value, dict) and not set(names) & set(value):
            yield problem(f"must define either {' or '.join(names)}", place)

    return check
