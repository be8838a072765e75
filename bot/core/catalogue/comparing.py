"""Two files side by side: what the one says otherwise than the other."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.core.catalogue.schema import as_written
from bot.core.catalogue.values import AccessFile

NAMED = ("integrations", "flows", "bundles")
"""The sections whose entries have names."""

IN_ORDER = "flows: their order is another, and the first that fits decides"


def rule_changes(before: AccessFile, after: AccessFile) -> list[str]:
    """Return each rule that is another in `after`, as one line in the file's words."""
    old, new = as_written(before), as_written(after)
    changes = list(_between("", _unnamed(old), _unnamed(new)))
    for section in NAMED:
        was, now = _by_name(old, section), _by_name(new, section)
        for name in [*was, *(name for name in now if name not in was)]:
            changes += _entry(f"{section} {name}", was.get(name), now.get(name))
    common = _by_name(old, "flows").keys() & _by_name(new, "flows").keys()
    orders = [
        [n for n in _by_name(each, "flows") if n in common] for each in (old, new)
    ]
    return [*changes, IN_ORDER] if orders[0] != orders[1] else changes


def _entry(
    what: str, was: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> Iterator[str]:
    if was is None:
        yield f"{what}: is new"
    elif now is None:
        yield f"{what}: is gone"
    else:
        yield from _between(f"{what}: ", was, now)


def _between(
    what: str, was: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[str]:
    for key in [*was, *(key for key in now if key not in was)]:
        if was.get(key) != now.get(key):
            yield f"{what}{key}: {_said(was.get(key))} -> {_said(now.get(key))}"


def _said(value: Any) -> str:
    if value is None:
        return "as usual"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _by_name(written: Mapping[str, Any], section: str) -> dict[str, Mapping[str, Any]]:
    # A flow that asks nobody has no steps to write.
    usual = {"approval": "automatic"} if section == "flows" else {}
    return {entry["name"]: usual | entry for entry in written.get(section, ())}


def _unnamed(written: Mapping[str, Any]) -> dict[str, Any]:
    kept = (*NAMED, "hash", "warnings", "tests", "version")
    return {key: value for key, value in written.items() if key not in kept}
