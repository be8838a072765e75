"""The Okta orgs of access.yaml, and how people are found in them."""

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bot.core.catalogue.fields import (
    AccessDetails,
    AttributeName,
    Count,
    IntegrationName,
    Length,
    OrgUrl,
    PeopleAttribute,
    SecretReference,
    Share,
    Switch,
)
from bot.core.catalogue.groups import Discovery
from bot.core.catalogue.people import Bound, InGroup, Named, Value
from bot.core.catalogue.problems import wrong


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


class Rotation(Value):
    """When the key of the Okta app is changed, and by whom."""

    every: Length = timedelta(days=90)
    """How old a key may become."""
    mode: Literal["remind", "jwks_uri", "automatic"] = "remind"
    """remind: a person does it and is reminded; the others are done by the bot."""
    accept_super_admin: Switch = False
    """What `automatic` needs: an app that may do everything in the org."""

    @model_validator(mode="after")
    def _knows_its_price(self) -> Self:
        if self.mode == "automatic" and not self.accept_super_admin:
            message = "Automatic rotation needs an app with Super Admin."
            raise wrong(message, expected="accept_super_admin: true beside it")
        return self


class UserCleanup(Value):
    """What happens to a person some time after their last access ended."""

    after: Length
    """How long after the last revocation."""
    action: Literal["forget", "suspend", "deactivate", "delete"] = "forget"
    """forget: erase what is kept of the person. The others act on the Okta user."""
    credentials: SecretReference | None = None
    """Where the key of a second Okta app is found, for all but forget."""
    only_members_of: tuple[InGroup, ...] = Field(default=(), min_length=1)
    """Only members of these are acted on, for all but forget."""

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if self.action != "forget" and not (self.credentials and self.only_members_of):
            message = f"`{self.action}` needs a second app, and a bound."
            raise wrong(message, expected="credentials and only_members_of beside it")
        return self


class Guards(Value):
    """Which groups that are refused as a rule may be asked for all the same."""

    allow_rule_managed: Switch = False
    """Groups that an active Okta group rule fills."""
    allow_feeding: Switch = False
    """Groups whose members an active rule puts into others."""
    allow_admin: Switch = False
    """Groups that carry an Okta admin role: the bot then needs Super Admin."""


class Brake(Value):
    """How many ends that are only inferred happen at once: the larger of the two."""

    most: Count = 20
    """So many."""
    share: Share = 0.1
    """Such a share of what is held."""


RungName = Literal["resource", "integration", "admins"]
LADDER: tuple[RungName, ...] = ("resource", "integration", "admins")


class Integration(Value):
    """One Okta org."""

    name: IntegrationName
    """Its name: letters, digits, - and _, at most 50."""
    type: Literal["okta-group"]
    """What is given: membership of Okta groups."""
    org_url: OrgUrl
    """The org's address, never the -admin one."""
    credentials: SecretReference
    """Where the client id and private key are found, as README lists the places."""
    owner: tuple[Named, ...] = ()
    """Who answers where the group itself names no owner."""
    resource_owner: tuple[ResourceOwner, ...] = ()
    """The group attributes that name its owner; the first that names somebody."""
    owner_ladder: tuple[RungName, ...] = LADDER
    """Who answers, from the first on; the last rungs may be left out."""
    custom_access_details: AccessDetails = ""
    """Shown with the grant, at most 400 characters."""
    credential_rotation: Rotation | None = None
    """When the key of the Okta app is changed. Off when left out."""
    user_cleanup: UserCleanup | None = None
    """Off when left out."""
    discovery: Discovery = Discovery()
    """Which groups are known, and how often they are read."""
    groups: Guards = Guards()
    """Whether groups that are refused as a rule may be asked for all the same."""
    brake: Brake = Brake()
    """Where ends that are only inferred stop and an admin is asked."""

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
