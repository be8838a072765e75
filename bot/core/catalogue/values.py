"""access.yaml as typed values. Each docstring below a key is what editors show.

A value here is complete and checked in itself; what only holds between them is
in `checks`. Nothing here reads a file or decides about a person.
"""

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from bot.core.catalogue.fields import (
    AccessDetails,
    AttributeName,
    IntegrationName,
    Length,
    Line,
    OrgUrl,
    PeopleAttribute,
    SecretReference,
    Switch,
    TextPattern,
    compile_pattern,
    read_whole,
)
from bot.core.catalogue.patterns import matches
from bot.core.catalogue.people import Answering, Bound, Named, Owner, PeopleRule, Value
from bot.core.catalogue.problems import Problem, wrong
from bot.core.durations import say_duration

DEFAULT = timedelta(hours=1)
MAX = timedelta(hours=8)
CHOICES = (timedelta(minutes=30), DEFAULT, timedelta(hours=4), MAX)
MOST_CHOICES = 100  # Slack: at most 100 options in a select menu


class Identity(Value):
    """Which Okta user a Slack person is, looked for once."""

    match: Literal["login", "email"] = "login"
    """The Okta attribute that equals the Slack account's confirmed e-mail."""
    attribute: AttributeName | None = None
    """Instead of match: the Okta attribute that holds the Slack id."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if {"match", "attribute"} <= self.model_fields_set:
            message = "A person is found in one way only."
            raise wrong(message, found="both", expected="match or attribute")
        return self


class ResourceOwner(Value):
    """The group attribute that says who owns the group."""

    key: AttributeName
    """The custom attribute of the Okta group's profile."""
    attribute: PeopleAttribute
    """What its value names: user, group or profile.ATTRIBUTE."""
    only: tuple[Bound, ...] = Field(default=(), min_length=1)
    """Whom it may name. Anyone when left out."""


class UserCleanup(Value):
    """What happens to a person some time after their last access ended."""

    LATER: ClassVar[frozenset[str]] = frozenset({"credentials", "only_members_of"})

    after: Length
    """How long after the last revocation."""
    action: Literal["forget"] = "forget"
    """forget: erase what is kept of the person. The audit stays."""


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


RungName = Literal["resource", "integration", "admins"]
LADDER: tuple[RungName, ...] = ("resource", "integration", "admins")


class Integration(Value):
    """One Okta org."""

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"credential_rotation", "groups", "brake"}
    )

    name: IntegrationName
    """Its name: letters, digits, - and _, at most 50."""
    type: Literal["okta-group"]
    """What is given: membership of Okta groups."""
    org_url: OrgUrl
    """The org's address, never the -admin one."""
    credentials: SecretReference
    """Where the client id and private key are found: env:NAME or file:PATH."""
    owner: tuple[Named, ...] = ()
    """Who answers where the group itself names no owner."""
    resource_owner: tuple[ResourceOwner, ...] = ()
    """The group attributes that name its owner; the first that names somebody."""
    owner_ladder: tuple[RungName, ...] = LADDER
    """Who answers, from the first on; the last rungs may be left out."""
    custom_access_details: AccessDetails = ""
    """Shown with the grant, at most 400 characters."""
    user_cleanup: UserCleanup | None = None
    """Off when left out."""
    discovery: Discovery = Discovery()
    """Which groups are known, and how often they are read."""

    @field_validator("owner_ladder")
    @classmethod
    def _climbs_in_order(cls, value: tuple[str, ...]) -> Any:
        if value != LADDER[: len(value)] or not value:
            message = "Only the last rungs of the ladder may be left out."
            raise wrong(message, expected=", then ".join(LADDER))
        return value

    @field_validator("resource_owner")
    @classmethod
    def _needs_an_owner(cls, value: Any, info: ValidationInfo) -> Any:
        # An owner that is there but wrong is reported by itself.
        if value and info.data.get("owner") == ():
            message = "A resource owner needs an integration owner to fall back on."
            raise wrong(message, expected="the key owner beside it")
        return value


class GroupRule(NameRule):
    """Which groups a flow is about."""

    include: tuple[Line, ...] = Field(min_length=1)
    """Names of groups that may be asked for, with * for any text."""


def _usual(data: dict[str, Any]) -> timedelta:
    most: timedelta = data["max"]
    return min(DEFAULT, most)


def _usual_choices(data: dict[str, Any]) -> tuple[timedelta, ...]:
    most: timedelta = data["max"]
    return tuple(choice for choice in CHOICES if choice <= most) or (most,)


class DurationRule(Value):
    """How long a grant may last."""

    # `max` stands first: the others are measured against it.
    max: Length = MAX
    """The longest that may be asked for."""
    default: Length = Field(default_factory=_usual)
    """What is offered first."""
    choices: tuple[Length, ...] = Field(
        default_factory=_usual_choices, min_length=1, max_length=MOST_CHOICES
    )
    """What is offered."""

    @field_validator("default")
    @classmethod
    def _within_max(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value > info.data.get("max", value):
            raise _longer(value, info.data["max"])
        return value

    @field_validator("choices")
    @classmethod
    def _all_within_max(cls, value: tuple[timedelta, ...], info: ValidationInfo) -> Any:
        faults = [
            InitErrorDetails(type=fault, loc=(at,), input=choice)
            for at, choice in enumerate(value)
            if (fault := _choice_fault(value[:at], choice, info.data.get("max")))
        ]
        if faults:
            raise ValidationError.from_exception_data("choices", faults)
        return value


def _choice_fault(
    earlier: tuple[timedelta, ...], choice: timedelta, most: timedelta | None
) -> PydanticCustomError | None:
    if choice in earlier:
        return wrong("This choice is there already.", found=say_duration(choice))
    if most is not None and choice > most:
        return _longer(choice, most)
    return None


def _longer(length: timedelta, most: timedelta) -> PydanticCustomError:
    return wrong(
        "This is longer than the maximum.",
        found=say_duration(length),
        expected=f"at most {say_duration(most)}",
    )


class JustificationRule(Value):
    """What a person must say to be given access."""

    required: Switch = True
    """Whether something must be said at all."""
    pattern: TextPattern | None = None
    """A regular expression (RE2) that must be found in what is said."""
    hint: Line | None = None
    """Shown under the field."""

    def fits(self, text: str) -> bool:
        """Tell whether `text` is enough. The pattern may match anywhere in it."""
        if not text.strip():
            return not self.required
        return not self.pattern or bool(compile_pattern(self.pattern).search(text))


class Step(Value):
    """One step of an approval: who may answer it."""

    LATER: ClassVar[frozenset[str]] = frozenset({"all_of", "approvals", "escalate"})

    any_of: tuple[Answering, ...] = Field(min_length=1)
    """Any one of these is enough."""


def _read_approval(value: Any) -> Any:
    if value == "automatic":
        message = "`automatic` is not in this version."
        raise wrong(message, expected="one step, such as [{any_of: [owner]}]")
    if isinstance(value, list | tuple) and len(value) > 1:
        message = "More than one step is not in this version."
        raise wrong(message, expected="one step, such as [{any_of: [owner]}]")
    return value


class Flow(Value):
    """An access flow: who may ask for which groups, for how long, who answers."""

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            "approver_reason",
            "authority",
            "automatic_when",
            "channel",
            "confirm",
            "extensions",
            "grantees",
            "labels",
            "notify",
            "remind_every",
            "request_for",
            "requester_may_approve",
            "timeframe",
        }
    )

    name: Line
    """Its name, shown to people and kept in the audit."""
    integration: IntegrationName
    """The integration whose groups it is about."""
    requesters: PeopleRule
    """Who may ask."""
    groups: GroupRule
    """What may be asked for."""
    duration: DurationRule = DurationRule()
    """For how long."""
    justification: JustificationRule = JustificationRule()
    """What must be said."""
    approval: Annotated[tuple[Step, ...], BeforeValidator(_read_approval)] = Field(
        default=(Step(any_of=(Owner(),)),), min_length=1
    )
    """Who answers, step by step."""
    lapse_after: Length = timedelta(hours=24)
    """When a request nobody answered ends, and an approved one stops waiting."""
    warn_before: tuple[Length, ...] = Field(
        default=(timedelta(days=1), timedelta(minutes=15)), min_length=1
    )
    """How long before the end the person is warned. Kept longest first."""

    @field_validator("warn_before")
    @classmethod
    def _longest_first(cls, value: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        return tuple(sorted(set(value), reverse=True))


class AccessFile(Value):
    """All that access.yaml says."""

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"limits", "retention", "bundles", "tests"}
    )

    version: Annotated[Literal[1], BeforeValidator(read_whole)]
    """The version of this format: 1."""
    admins: tuple[Named, ...] = ()
    """They see everything, may revoke, and answer where no owner is found."""
    identity: Identity = Identity()
    """How a Slack person is found in Okta."""
    integrations: tuple[Integration, ...] = Field(min_length=1)
    """The Okta orgs."""
    flows: tuple[Flow, ...] = ()
    """In order; the first that fits the person and the group decides."""


class Catalogue(AccessFile):
    """The file as it is in force. What it holds together, `load` has checked."""

    hash: str = ""
    warnings: tuple[Problem, ...] = ()

    def integration(self, name: str) -> Integration | None:
        """Return the integration called `name`, or None when the file has none."""
        return next((each for each in self.integrations if each.name == name), None)

    def flows_of(self, integration: str) -> tuple[Flow, ...]:
        """Return the flows about the integration called so, in the file's order."""
        return tuple(flow for flow in self.flows if flow.integration == integration)
