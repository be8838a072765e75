"""What the org keeps, and how Okta writes each of it as JSON."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def new_id(prefix: str) -> str:
    """An id as Okta makes them: 20 characters, told apart by the first three."""
    return prefix + secrets.token_hex(9)[:17]


def stamp(seconds: float) -> str:
    """Epoch seconds as Okta writes instants: ISO 8601, milliseconds, Z."""
    instant = datetime.fromtimestamp(seconds, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Call:
    """One line of the journal: a call to the API, or a change made outside it.

    `status` is what the call was answered, also where a fault kept the answer
    back, and 0 where it never took place. `effect` is "add GROUP USER",
    "remove GROUP USER" or another change asked for; `actual_change` says
    whether anything changed. `at` is monotonic, `wall` is epoch seconds.
    """

    at: float
    wall: float
    method: str
    path: str
    query: str
    status: int
    request_id: str
    client_id: str
    effect: str | None = None
    actual_change: bool = False
    fault: str | None = None


@dataclass(frozen=True)
class Actor:
    """Who did something, as the System Log names them."""

    id: str
    type: str = "User"
    name: str = ""


ADMIN = Actor("admin", "User", "An administrator")


@dataclass
class User:
    """A person in the org."""

    number: int
    id: str
    status: str
    profile: dict[str, Any]
    created: str
    updated: str
    groups: set[str] = field(default_factory=set)
    roles: list[str] = field(default_factory=list)

    @property
    def login(self) -> str:
        return str(self.profile["login"])

    def look(self, attribute: str) -> Any:
        """The value of an attribute in a search."""
        if attribute.startswith("profile."):
            return self.profile.get(attribute.removeprefix("profile."))
        return {
            "id": self.id,
            "status": self.status,
            "created": self.created,
            "lastUpdated": self.updated,
        }.get(attribute)

    def document(self, url: str) -> str:
        """The user as JSON."""
        return json.dumps(
            {
                "id": self.id,
                "status": self.status,
                "created": self.created,
                "activated": self.created,
                "statusChanged": self.updated,
                "lastLogin": None,
                "lastUpdated": self.updated,
                "passwordChanged": None,
                "type": {"id": "oty00000000000000001"},
                "profile": self.profile,
                "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
                "_links": {"self": {"href": f"{url}/api/v1/users/{self.id}"}},
            }
        )


@dataclass(frozen=True)
class Owner:
    """Who owns a group: a USER or a GROUP."""

    number: int
    id: str
    type: str
    name: str
    updated: str

    def document(self) -> str:
        """The owner as JSON."""
        return json.dumps(
            {
                "id": self.id,
                "type": self.type,
                "resolved": True,
                "originId": "null",
                "originType": "OKTA_DIRECTORY",
                "displayName": self.name,
                "lastUpdated": self.updated,
            }
        )


@dataclass
class Group:
    """A group of the org. `written` is its JSON, until it changes."""

    number: int
    id: str
    type: str
    profile: dict[str, Any]
    created: str
    updated: str
    members_updated: str
    members: set[str] = field(default_factory=set)
    carries_admin_role: bool = False
    owners: list[Owner] = field(default_factory=list)
    written: str = ""

    @property
    def name(self) -> str:
        return str(self.profile["name"])

    def look(self, attribute: str) -> Any:
        """The value of an attribute in a search."""
        if attribute.startswith("profile."):
            return self.profile.get(attribute.removeprefix("profile."))
        return {
            "id": self.id,
            "type": self.type,
            "created": self.created,
            "lastUpdated": self.updated,
            "lastMembershipUpdated": self.members_updated,
        }.get(attribute)

    def document(self, url: str) -> str:
        """The group as JSON."""
        if not self.written:
            self.written = json.dumps(self._fields(url))
        return self.written

    def document_with_stats(self, url: str) -> str:
        """The group as JSON, with what `expand=stats` adds.

        Okta misspells `hasAdminPrivlege`.
        """
        stats = {
            "usersCount": len(self.members),
            "appsCount": 0,
            "groupPushMappingsCount": 0,
            "hasAdminPrivlege": self.carries_admin_role,
        }
        return json.dumps({**self._fields(url), "_embedded": {"stats": stats}})

    def _fields(self, url: str) -> dict[str, Any]:
        here = f"{url}/api/v1/groups/{self.id}"
        return {
            "id": self.id,
            "created": self.created,
            "lastUpdated": self.updated,
            "lastMembershipUpdated": self.members_updated,
            "objectClass": ["okta:user_group"],
            "type": self.type,
            "profile": self.profile,
            "_links": {
                "self": {"href": here},
                "users": {"href": f"{here}/users"},
                "apps": {"href": f"{here}/apps"},
            },
        }


@dataclass
class Rule:
    """A group rule: whom it fills is given, not worked out."""

    number: int
    id: str
    name: str
    targets: list[str]
    expression: str
    status: str
    created: str
    members: set[str] = field(default_factory=set)
    excluded: list[str] = field(default_factory=list)

    def document(self, names: dict[str, str] | None = None) -> str:
        """The rule as JSON, with the names of its groups where asked for."""
        fields: dict[str, Any] = {
            "type": "group_rule",
            "id": self.id,
            "status": self.status,
            "name": self.name,
            "created": self.created,
            "lastUpdated": self.created,
            "conditions": {
                "people": {
                    "users": {"exclude": self.excluded},
                    "groups": {"exclude": []},
                },
                "expression": {
                    "value": self.expression,
                    "type": "urn:okta:expression:1.0",
                },
            },
            "actions": {"assignUserToGroups": {"groupIds": self.targets}},
        }
        if names is not None:
            fields["_embedded"] = {"groupIdToGroupNameMap": names}
        return json.dumps(fields)


def role_document(kind: str, assignment: str, created: str) -> dict[str, Any]:
    """An admin role as JSON. `assignment` is USER, GROUP or CLIENT."""
    return {
        "id": new_id("ra1"),
        "label": kind.replace("_", " ").title(),
        "type": kind,
        "status": "ACTIVE",
        "created": created,
        "lastUpdated": created,
        "assignmentType": assignment,
    }
