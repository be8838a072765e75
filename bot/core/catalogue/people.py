"""How access.yaml names people: selectors, and the rules that combine them.

`group` always means an Okta group. Names are exact where they decide; a
pattern may only bound (`GroupPattern`). Nothing here knows who fits.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bot.core.catalogue.fields import AttributeValues, ExactName, Line
from bot.core.catalogue.problems import nearest_word, quoted, wrong


class Value(BaseModel):
    """A mapping of the file: frozen, its keys known."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class UserSelector(Value):
    """One Okta user."""

    spelled: ClassVar[str] = "{user: LOGIN}"

    user: ExactName
    """The Okta login."""


class GroupSelector(Value):
    """The members of one Okta group."""

    spelled: ClassVar[str] = "{group: NAME or ID}"

    group: ExactName
    """The group's exact name, or its id."""


class GroupPattern(Value):
    """The members of the Okta groups whose names fit. A bound, never an authority."""

    spelled: ClassVar[str] = '{group: "PATTERN"}'

    group: Line
    """A group's name, with * for any text, or its id."""


class ProfileSelector(Value):
    """The people whose Okta profile holds these values."""

    spelled: ClassVar[str] = "{profile: {ATTRIBUTE: value or [values]}}"

    profile: AttributeValues
    """Attributes, each with a value or several of which one must fit."""


class Word(Value):
    """People named by one word of the product."""

    spelled: ClassVar[str]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"const": cls.spelled, "type": "string", "title": cls.__name__}


class Everyone(Word):
    """Every person the org lets us see, written `everyone`."""

    spelled: ClassVar[str] = "everyone"


class Owner(Word):
    """Whoever the owner ladder finds for the group, written `owner`."""

    spelled: ClassVar[str] = "owner"


class Manager(Word):
    """Whom the grantee's Okta profile names as their manager, written `manager`."""

    spelled: ClassVar[str] = "manager"


Selector = UserSelector | GroupSelector | ProfileSelector | Everyone | Owner | Manager
Kind = (
    type[UserSelector]
    | type[GroupSelector]
    | type[GroupPattern]
    | type[ProfileSelector]
    | type[Word]
)


def _one_of(*kinds: Kind) -> Callable[[Any], Any]:
    words = {kind.spelled: kind for kind in kinds if issubclass(kind, Word)}
    keys = {key: kind for kind in kinds for key in kind.model_fields}
    expected = " or ".join(kind.spelled for kind in kinds)

    def read(value: Any) -> Any:
        """Return the selector that is written, or say what would be one."""
        if isinstance(value, kinds):
            return value
        if isinstance(value, str) and value in words:
            return words[value]()
        if isinstance(value, dict) and len(value) == 1:
            key = next(iter(value))
            if key in keys:
                return keys[key].model_validate(value)
        raise _no_selector(value, {*words, *keys}, expected)

    return read


def _no_selector(value: Any, known: set[str], expected: str) -> Exception:
    written = [value] if isinstance(value, str) else []
    written += (
        [key for key in value if key not in known] if isinstance(value, dict) else []
    )
    if not written:
        return wrong("This does not name people.", expected=expected)
    word = written[0]
    return wrong(
        "This does not name people here.",
        found=quoted(word),
        expected=expected,
        nearest=nearest_word(word, known),
    )


Named = Annotated[
    UserSelector | GroupSelector,
    PlainValidator(
        _one_of(UserSelector, GroupSelector),
        json_schema_input_type=UserSelector | GroupSelector,
    ),
]
"""A person or group named for itself: admins and owners."""

Asking = Annotated[
    UserSelector | GroupSelector | ProfileSelector | Everyone,
    PlainValidator(
        _one_of(UserSelector, GroupSelector, ProfileSelector, Everyone),
        json_schema_input_type=UserSelector
        | GroupSelector
        | ProfileSelector
        | Everyone,
    ),
]
"""Whoever may ask, and whoever may hold."""

Answering = Annotated[
    Owner | Manager | UserSelector | GroupSelector,
    PlainValidator(
        _one_of(Owner, Manager, UserSelector, GroupSelector),
        json_schema_input_type=Owner | Manager | UserSelector | GroupSelector,
    ),
]
"""Whoever may answer a step."""

InGroup = Annotated[
    GroupSelector,
    PlainValidator(_one_of(GroupSelector), json_schema_input_type=GroupSelector),
]
"""The members of one group, and nothing else that names people."""

Bound = Annotated[
    UserSelector | GroupPattern,
    PlainValidator(
        _one_of(UserSelector, GroupPattern),
        json_schema_input_type=UserSelector | GroupPattern,
    ),
]
"""Whom an owner attribute may name."""


class PeopleRule(Value):
    """A person fits who fits one of `any`, all of `all` and none of `none`."""

    any: tuple[Asking, ...] = Field(default=(), min_length=1)
    """At least one of these must fit."""
    all: tuple[Asking, ...] = Field(default=(), min_length=1)
    """Each of these must fit."""
    none: tuple[Asking, ...] = Field(default=(), min_length=1)
    """None of these may fit."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if Everyone() in self.none or not (self.any or self.all):
            found = "none: everyone" if Everyone() in self.none else "no any, no all"
            expected = "any or all; for everybody, any: [everyone]"
            raise wrong("This rule lets nobody in.", found=found, expected=expected)
        return self
