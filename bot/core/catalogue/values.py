"""access.yaml as typed values. Each docstring below a key is what editors show.

A value here is complete and checked in itself; what only holds between them is
in `checks`. Nothing here reads a file or decides about a person.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.core.catalogue.cases import Cases
from bot.core.catalogue.fields import (
    Count,
    ExactName,
    IntegrationName,
    Keeping,
    Length,
    Line,
    read_whole,
)
from bot.core.catalogue.flows import Flow
from bot.core.catalogue.integrations import Identity, Integration
from bot.core.catalogue.people import Named, Value
from bot.core.catalogue.problems import Problem

MOST_OF_BUNDLE = 20


class Limits(Value):
    """How much one person may ask for."""

    open: Count = 10
    """How many requests of theirs may wait for an answer."""
    asks_per_hour: Count = 20
    """How often they may ask within an hour."""
    after_denial: Length = timedelta(minutes=15)
    """How long they wait before they ask for the same again after a denial."""


class Retention(Value):
    """How long what is kept of people is kept."""

    audit: Keeping | None = None
    """Events older than this are pruned, behind a signed checkpoint."""
    messages: Keeping | None = None
    """Free text of messages and profiles older than this is erased."""


class Bundle(Value):
    """Groups that are asked for at once: one request each."""

    name: Line
    """Its name, as people look for it."""
    integration: IntegrationName
    """The integration whose groups they are."""
    groups: tuple[ExactName, ...] = Field(min_length=1, max_length=MOST_OF_BUNDLE)
    """The groups, by name or id."""


class AccessFile(Value):
    """All that access.yaml says."""

    version: Annotated[Literal[1], BeforeValidator(read_whole)]
    """The version of this format: 1."""
    admins: tuple[Named, ...] = ()
    """They see everything, may revoke, and answer where no owner is found."""
    identity: Identity = Identity()
    """How a Slack person is found in Okta."""
    limits: Limits = Limits()
    """How much any one person may ask for."""
    retention: Retention = Retention()
    """How long the audit and what people wrote are kept."""
    integrations: tuple[Integration, ...] = Field(min_length=1)
    """The Okta orgs."""
    bundles: tuple[Bundle, ...] = ()
    """Groups that are asked for at once."""
    flows: tuple[Flow, ...] = ()
    """In order; the first that fits the person and the group decides."""
    tests: Cases | None = None
    """What the flows must decide: run by access-bot config test."""


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

    def flow(self, name: str) -> Flow | None:
        """Return the flow called `name`, or None when the file has none."""
        return next((each for each in self.flows if each.name == name), None)
