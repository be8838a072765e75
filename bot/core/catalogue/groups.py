"""How access.yaml names groups: patterns, exact names, ids and attributes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator

from bot.core.catalogue.fields import AttributeValues, Length, Line, one_line
from bot.core.catalogue.patterns import matches
from bot.core.catalogue.people import Value
from bot.core.catalogue.problems import wrong


class NameRule(Value):
    """Names that fit one of `include` and none of `exclude`."""

    include: tuple[Line, ...] = Field(default=("*",), min_length=1)
    """Names, with * for any text."""
    exclude: tuple[Line, ...] = ()
    """Names left out again, with * for any text."""

    def fits(self, name: str) -> bool:
        """Tell whether `name` is in. Exclusion is the stronger one."""
        included = any(matches(pattern, name) for pattern in self.include)
        return included and not any(matches(pattern, name) for pattern in self.exclude)


class Discovery(NameRule):
    """Which groups of the org are looked at, and how often."""

    every: Length = timedelta(hours=1)
    """How often the org is read anew."""


class AttributeSelector(Value):
    """The groups whose custom attributes hold these values."""

    spelled: ClassVar[str] = "{attribute: {ATTRIBUTE: value or [values]}}"

    attribute: AttributeValues
    """Attributes, each with a value or several of which one must fit."""


def _read_group(value: Any) -> Any:
    if isinstance(value, AttributeSelector):
        return value
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict) and set(value) == {"attribute"}:
        return AttributeSelector.model_validate(value)
    expected = f"a name, a pattern with *, an id, or {AttributeSelector.spelled}"
    raise wrong("This does not name groups.", expected=expected)


AskedFor = Annotated[
    str | AttributeSelector,
    PlainValidator(_read_group, json_schema_input_type=str | AttributeSelector),
]
"""A name, a pattern, an id, or what custom attributes must hold."""


class GroupRule(Value):
    """Groups that fit one of `include` and none of `exclude`."""

    include: tuple[AskedFor, ...] = Field(min_length=1)
    """Names of groups that may be asked for, with * for any text; ids; attributes."""
    exclude: tuple[AskedFor, ...] = ()
    """Groups left out again, the same way. An exact name must be there."""

    @property
    def excluded_names(self) -> frozenset[str]:
        """The exact names that are left out: they are pinned to their groups."""
        return frozenset(
            each for each in self.exclude if isinstance(each, str) and "*" not in each
        )


def holds(profile: Mapping[str, Any], wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether `profile` has, for each attribute, one of the values wanted."""
    return all(
        not set(values).isdisjoint(_said(profile.get(key)))
        for key, values in wanted.items()
    )


def _said(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    plain = [each for each in values if isinstance(each, str | int)]
    return [
        str(each).lower() if isinstance(each, bool) else str(each) for each in plain
    ]
