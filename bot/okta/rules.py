"""What an org's group rules mean for a group that is to be asked for.

A group filled by an active rule is not ours to fill, and one whose members an
active rule puts into other groups gives more than its name says. Expressions
are never evaluated: it is only told whether one may depend on a group, and
where that cannot be told the answer is None, not False.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import re2

from bot.core.words import Group

_AT_REST = frozenset({"INACTIVE", "INVALID"})
"""Statuses of rules that do nothing. Any other one is taken as active."""

_LITERAL = r"\"[^\"\\]*\"|'[^'\\]*'"
_CALL = re.compile(
    rf"\bisMemberOf(\w*)\s*\(\s*((?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))*)\s*\)"
)
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_ABOUT_GROUPS = re.compile(r"group|memberof", re.IGNORECASE)

_Test = Callable[[Group, str], bool | None]


@dataclass(frozen=True)
class Rules:
    """The active rules of an org: which groups they fill, and by what.

    `managed` are the groups that an active rule fills. `unclear` is whether
    some active rule does not say which, or by what.
    """

    managed: frozenset[str] = frozenset()
    expressions: tuple[str, ...] = ()
    unclear: bool = False

    def manages(self, group_id: str) -> bool | None:
        """Whether an active rule fills the group; None when it cannot be told."""
        if group_id in self.managed:
            return True
        return None if self.unclear else False

    def feeds(self, group: Group) -> bool | None:
        """Whether an active rule may depend on who is in `group`.

        None when it cannot be told, as with an expression of unknown form.
        """
        told = [_depends(expression, group) for expression in self.expressions]
        return _any([*told, None if self.unclear else False])


def read_rules(items: Iterable[Mapping[str, Any]]) -> Rules:
    """Return what the rules of `items`, as Okta lists them, mean."""
    active = [item for item in items if item.get("status") not in _AT_REST]
    targets = [_targets(item) for item in active]
    expressions = [_expression(item) for item in active]
    return Rules(
        managed=frozenset(id for ids in targets if ids for id in ids),
        expressions=tuple(one for one in expressions if one is not None),
        unclear=None in targets or None in expressions,
    )


def _targets(item: Mapping[str, Any]) -> list[str] | None:
    ids = _at(item, "actions", "assignUserToGroups", "groupIds")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids):
        return None
    return ids


def _expression(item: Mapping[str, Any]) -> str | None:
    value = _at(item, "conditions", "expression", "value")
    return value if isinstance(value, str) else None


def _at(item: object, *keys: str) -> object:
    for key in keys:
        item = item.get(key) if isinstance(item, Mapping) else None
    return item


def _depends(expression: str, group: Group) -> bool | None:
    """Whether `expression` may depend on membership of `group`; None: unknown."""
    told: list[bool | None] = []
    for name, arguments in _CALL.findall(expression):
        test = _TESTS.get(name)
        told += [test(group, one) if test else None for one in _values(arguments)]
    rest = _STRING.sub('""', _CALL.sub("", expression))
    told.append(None if _ABOUT_GROUPS.search(rest) or _unbalanced(rest) else False)
    return _any(told)


def _values(arguments: str) -> list[str]:
    return [literal[1:-1] for literal in re.findall(_LITERAL, arguments)]


def _unbalanced(rest: str) -> bool:
    """Whether a quote is left over, so that what is a string cannot be told."""
    return bool(set(rest.replace('""', "")) & {'"', "'", "\\"})


def _any(told: Sequence[bool | None]) -> bool | None:
    """Three-valued or: yes beats unknown, unknown beats no."""
    if True in told:
        return True
    return None if None in told else False


def _is_id(group: Group, value: str) -> bool:
    return value == group.id


def _is_name(group: Group, value: str) -> bool:
    return value.casefold() == group.name.casefold()


def _starts_with(group: Group, value: str) -> bool:
    return group.name.casefold().startswith(value.casefold())


def _contains(group: Group, value: str) -> bool:
    return value.casefold() in group.name.casefold()


def _matches(group: Group, value: str) -> bool | None:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return bool(re2.search(value, group.name, options))
    except re2.error:
        return None


_TESTS: Mapping[str, _Test] = MappingProxyType(
    {
        "Group": _is_id,
        "AnyGroup": _is_id,
        "GroupName": _is_name,
        "GroupNameStartsWith": _starts_with,
        "GroupNameContains": _contains,
        "GroupNameRegex": _matches,
    }
)
"""Okta's isMemberOf... functions, each with what may make it true of a group.

Letter case is ignored throughout: it is not documented whether Okta minds it.
"""
