"""What an org's group rules mean for a group that is to be asked for.

A group filled by an active rule is not ours to fill, and one whose members an
active rule puts into other groups gives more than its name says. Expressions
are never evaluated: it is only told whether one may depend on a group, and
where that cannot be told the answer is None, not False.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import re2

from bot.core.words import Group

_AT_REST = ("INACTIVE", "INVALID")
"""Statuses of rules that do nothing. Any other one is taken as active."""

_LITERAL = r"(?:\"[^\"\\]*\"|'[^'\\]*')"
_CALL = re.compile(
    r"\bisMemberOf(Group|AnyGroup|GroupName|GroupNameStartsWith|GroupNameContains"
    rf"|GroupNameRegex)\s*\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\)"
)
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_STILL_UNCLEAR = re.compile(r"group|member|[\"'\\]", re.IGNORECASE)
"""What may be about groups once every call that is understood is taken out."""


@dataclass
class _Named:
    """The groups that active rules ask about, by each way of naming them.

    Letter case is ignored in names: it is not documented whether Okta minds it.
    """

    ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    starts: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    patterns: list[Any] = field(default_factory=list)
    unclear: bool = False

    def add(self, way: str, value: str) -> None:
        """Note that a rule asks about the groups that `value` names."""
        if way in ("Group", "AnyGroup"):
            self.ids.add(value)
        elif way == "GroupNameRegex":
            self._add_pattern(value)
        else:
            ways = {"GroupName": self.names, "GroupNameContains": self.parts}
            ways.get(way, self.starts).add(value.casefold())

    def _add_pattern(self, value: str) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        try:
            self.patterns.append(re2.compile(value, options))
        except re2.error:
            self.unclear = True

    def fit(self, group: Group) -> bool:
        """Whether `group` is one of them."""
        name = group.name.casefold()
        return (
            group.id in self.ids
            or name in self.names
            or name.startswith(tuple(self.starts))
            or any(part in name for part in self.parts)
            or any(pattern.search(group.name) for pattern in self.patterns)
        )


class Rules:
    """The active rules of an org: which groups they fill, and which they ask about.

    `managed` are the ids of the groups that an active rule fills.
    """

    def __init__(self, items: Iterable[Mapping[str, Any]] = ()) -> None:
        """Read the rules of `items`, as Okta lists them."""
        active = [item for item in items if item.get("status") not in _AT_REST]
        targets = [_targets(item) for item in active]
        self.managed = frozenset(id for ids in targets for id in ids or ())
        self._all_targets_known = None not in targets
        self._named = _Named()
        for item in active:
            _read_expression(item, self._named)

    def manages(self, group_id: str) -> bool | None:
        """Whether an active rule fills the group; None when it cannot be told."""
        if group_id in self.managed:
            return True
        return False if self._all_targets_known else None

    def feeds(self, group: Group) -> bool | None:
        """Whether an active rule may depend on who is in `group`.

        None when it cannot be told, as with an expression of unknown form.
        """
        if self._named.fit(group):
            return True
        return None if self._named.unclear else False


def _targets(item: Mapping[str, Any]) -> list[str] | None:
    ids = _at(item, "actions", "assignUserToGroups", "groupIds")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        return None
    return ids


def _read_expression(item: Mapping[str, Any], named: _Named) -> None:
    """Note which groups the rule asks about, or that this is unclear."""
    expression = _at(item, "conditions", "expression", "value")
    if not isinstance(expression, str):
        named.unclear = True
        return
    for way, arguments in _CALL.findall(expression):
        for literal in re.findall(_LITERAL, arguments):
            named.add(way, literal[1:-1])
    rest = _STRING.sub(" ", _CALL.sub(" ", expression))
    named.unclear |= bool(_STILL_UNCLEAR.search(rest))


def _at(item: object, *keys: str) -> object:
    for key in keys:
        item = item.get(key) if isinstance(item, Mapping) else None
    return item
