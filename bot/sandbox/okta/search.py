"""Okta's SCIM expressions: `type eq "OKTA_GROUP" and lastUpdated gt "..."`.

An expression becomes a predicate over a look-up of attributes. What Okta does
not document (`ne`, `not`, functions) is refused, as Okta refuses it.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Look = Callable[[str], Any]
Predicate = Callable[[Look], bool]

TOKEN = re.compile(
    r"""\s*(?:(?P<paren>[()])|(?P<text>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<word>[A-Za-z0-9_.$-]+))"""
)
COMPARE: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda have, want: have == want,
    "sw": lambda have, want: have.startswith(want),
    "co": lambda have, want: want in have,
    "gt": lambda have, want: have > want,
    "ge": lambda have, want: have >= want,
    "lt": lambda have, want: have < want,
    "le": lambda have, want: have <= want,
}


class InvalidExpression(ValueError):
    """The expression is not one Okta would take."""


class Expression:
    """A parsed expression: `matches(look)` asks it of one thing.

    `allowed` says which attributes may be named; `exact` whether the case of
    values counts, as it does in `filter` and does not in `search`.
    """

    def __init__(
        self, text: str, allowed: Callable[[str], bool], *, exact: bool = True
    ) -> None:
        self._tokens = list(_tokens(text))
        self._allowed = allowed
        self._exact = exact
        self.matches = self._either()
        if self._tokens:
            raise InvalidExpression(f"unexpected {self._tokens[0]}")

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda look: any(p(look) for p in parts)

    def _both(self) -> Predicate:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda look: all(p(look) for p in parts)

    def _one(self) -> Predicate:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise InvalidExpression("a parenthesis is not closed")
            return inner
        return self._comparison(self._next(), self._next().lower())

    def _comparison(self, attribute: str, operator: str) -> Predicate:
        if not self._allowed(attribute):
            raise InvalidExpression(f"cannot search by {attribute}")
        if operator == "pr":
            return lambda look: look(attribute) not in (None, "", [])
        if operator not in COMPARE:
            raise InvalidExpression(f"unknown operator {operator}")
        compare, want = COMPARE[operator], self._folded(_literal(self._next()))
        return lambda look: any(
            compare(self._folded(have), want) for have in _values(look(attribute))
        )

    def _folded(self, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return text if self._exact else text.casefold()

    def _take(self, wanted: str) -> bool:
        found = bool(self._tokens) and self._tokens[0].lower() == wanted
        if found:
            self._tokens.pop(0)
        return found

    def _next(self) -> str:
        if not self._tokens:
            raise InvalidExpression("the expression ends too early")
        return self._tokens.pop(0)


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while text[position:].strip():
        found = TOKEN.match(text, position)
        if found is None:
            raise InvalidExpression(f"cannot read {text[position:]!r}")
        yield found.group().strip()
        position = found.end()


def _literal(token: str) -> Any:
    try:
        return json.loads(token)
    except ValueError as error:
        raise InvalidExpression(f"not a JSON literal: {token}") from error


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
