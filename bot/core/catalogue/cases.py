"""The cases of access.yaml: what its flows must decide, kept beside them."""

from typing import Self

from pydantic import Field, model_validator

from bot.core.catalogue.fields import AttributeValues, Length, Line, Switch
from bot.core.catalogue.people import Value
from bot.core.catalogue.problems import wrong


class CasePerson(Value):
    """A person of the cases, as Okta would show them."""

    login: Line
    """Their Okta login, which is their e-mail too."""
    groups: tuple[Line, ...] = ()
    """The Okta groups they are in, by name."""
    profile: AttributeValues = Field(default_factory=dict)
    """Attributes of their profile, managerId or manager among them."""
    status: Line = "ACTIVE"
    """Their Okta status."""


class CaseGroup(Value):
    """A group of the cases; one that only people name needs no entry."""

    name: Line
    """Its name."""
    profile: AttributeValues = Field(default_factory=dict)
    """Its custom attributes, that of its owner among them."""
    carries_admin_role: Switch = False
    """Whether it carries an Okta admin role."""
    rule_managed: Switch = False
    """Whether an active group rule fills it."""


class Expected(Value):
    """What must come of it: a refusal, or a flow and its approvers."""

    flow: Line | None = None
    """The flow that decides."""
    approvers: tuple[tuple[Line, ...], ...] | None = None
    """Who would be asked, by login, a list for each step; none when automatic."""
    refused: Line | None = None
    """A part of the reason why it is refused."""

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        expects = self.flow is not None or self.approvers is not None
        if expects == (self.refused is not None):
            message = "A case expects a refusal, or a flow and its approvers."
            raise wrong(message, expected="refused, or flow and approvers")
        return self


class Case(Value):
    """Somebody asks for something, and what must come of it."""

    who: Line
    """Who asks, by login."""
    grantee: Line | None = None
    """For whom, by login. For themselves when left out."""
    group: Line
    """The group, by name."""
    duration: Length | None = None
    """For how long."""
    at: Line | None = None
    """When, such as 2026-03-29T02:30+01:00. Now when left out."""
    justification: Line = "OPS-12 a case of access.yaml"
    """What they say."""
    expect: Expected
    """What must come of it."""


class Cases(Value):
    """People and groups as Okta would show them, and what must be decided."""

    people: tuple[CasePerson, ...] = ()
    """Who there is."""
    groups: tuple[CaseGroup, ...] = ()
    """Which groups there are."""
    cases: tuple[Case, ...] = Field(min_length=1)
    """What must be decided."""
