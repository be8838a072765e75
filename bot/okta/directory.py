"""Groups, people and memberships of one Okta org, as core values.

A read is complete or raises. A change is sent once and not verified here: Okta
answers 204 to adding a member who was one already, so the caller reads before
and reads back. What Okta says is believed about ids and statuses only; names
and attributes are somebody else's text.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from bot.core.words import (
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    Group,
    Person,
)
from bot.okta.answers import FEATURE_OFF, Answer
from bot.okta.client import Lane, OktaClient, objects
from bot.okta.readings import carries_admin_role, read_group, read_id, read_person
from bot.okta.rules import Rules

Item = TypeVar("Item")
Query = Mapping[str, str | int]

GROUPS = "/api/v1/groups"
USERS = "/api/v1/users"

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_OMITTED = "omitCredentials,omitCredentialsLinks"
_SPARING: Mapping[str, str] = MappingProxyType(
    {"Content-Type": f"application/json; okta-response={_OMITTED}"}
)
"""Okta: leaving these out of a user "cuts cost" and what we hold of people."""


def literal(value: str) -> str:
    """Return `value` as a literal of a search or filter expression.

    Okta: "String literals must be valid JSON strings".
    """
    return json.dumps(value)


def segment(value: str) -> str:
    """Return `value` as one segment of a path, whatever is in it."""
    quoted = quote(value, safe="", errors="replace")
    return quoted if value.strip(".") else quoted.replace(".", "%2E")


class OktaDirectory:
    """What the bot reads and changes in one Okta org.

    Every read raises DirectoryUnavailable when Okta cannot answer, and
    DirectoryRefused when it will not. Reads go in the lane that this directory
    was made for, or that `at` gives.
    """

    def __init__(self, client: OktaClient, lane: Lane = Lane.READ) -> None:
        self._client = client
        self._lane = lane

    def at(self, lane: Lane) -> Self:
        """Return the same directory with its reads in another lane."""
        return type(self)(self._client, lane)

    def skew(self) -> timedelta:
        """Return how far Okta's clock was ahead of ours at its last answer."""
        return self._client.apart

    async def ping(self) -> None:
        """Return when Okta takes our token and answers a small read."""
        objects(await self._get(GROUPS, {"limit": 1}), f"GET {GROUPS}")

    async def person(self, id_or_login: str) -> Person | None:
        """Return the user with this id or this whole login, None where there is none.

        Okta also takes "me" for the caller and the first part of a login for
        the whole; neither is meant here. Not for an e-mail address.
        """
        if id_or_login.casefold() == "me" or not id_or_login.strip(". "):
            return None
        if set(id_or_login) & set("/?#\\"):
            return await self._person_by_search(id_or_login)
        try:
            answer = await self._get(
                f"{USERS}/{segment(id_or_login)}", headers=_SPARING
            )
        except DirectoryGone:
            return None
        found = read_person(_object(answer, f"GET {USERS}"), self._client.clock())
        asked = found.id == id_or_login or _same(found.login, id_or_login)
        return found if asked else None

    async def people_with_email(self, email: str) -> list[Person]:
        """Return all users with this e-mail address, in whatever status.

        An e-mail address is not unique in Okta. The index that is searched
        trails changes, by less than a second as a rule.
        """
        return await self.people_with("email", email)

    async def people_with(self, attribute: str, value: str) -> list[Person]:
        """Return all users whose profile holds `value`, letter case apart.

        Also the deactivated ones: the caller looks at the status. An attribute
        that is a list holds its members. Raises DirectoryRefused for a name
        that no attribute can have.
        """
        if not _ATTRIBUTE.fullmatch(attribute):
            raise DirectoryRefused("This is not the name of a profile attribute.")
        query = {"search": f"profile.{attribute} eq {literal(value)}"}
        people = await self._list(USERS, query, self._read_person)
        return [one for one in people if _holds(one.profile.get(attribute), value)]

    async def people_changed(self, since: datetime) -> list[Person]:
        """Return all users that changed after `since` on Okta's clock, of any status.

        Okta: search finds the deactivated ones too, and trails changes by less than
        a second as a rule.
        """
        query = {"search": f"lastUpdated gt {literal(_instant(since))}"}
        return await self._list(USERS, query, self._read_person)

    async def groups_of(self, person_id: str) -> frozenset[str]:
        """Return the ids of all groups that the person is in and we may see.

        Raises DirectoryGone when there is no such person. Membership reads may
        trail a change by some seconds.
        """
        found: set[str] = set()
        path = f"{USERS}/{path_id(person_id)}/groups"
        async for page in self._client.pages(path, lane=self._lane):
            found.update(read_id(item) for item in page)
        return frozenset(found)

    async def is_member(self, group_id: str, user_id: str) -> bool:
        """Whether the group is among the person's, as `groups_of` reads them."""
        return group_id in await self.groups_of(user_id)

    async def group(self, group_id: str) -> Group | None:
        """Return the group as it is now, None where it is gone or not visible.

        Whether it carries an admin role comes from the search index beside it,
        and is None where that does not say. Its rules are not looked at: see
        `with_guards`.
        """
        try:
            answer = await self._get(f"{GROUPS}/{path_id(group_id)}")
        except DirectoryGone:
            return None
        item = _object(answer, f"GET {GROUPS}")
        found = read_group(item, self._client.clock())
        role = await self._carries_admin_role(group_id)
        return replace(found, carries_admin_role=role)

    async def group_named(self, name: str) -> list[Group]:
        """Return all groups with exactly this name. Okta keeps no name unique."""
        query = {"search": f"profile.name eq {literal(name)}", "expand": "stats"}
        groups = await self._list(GROUPS, query, self._read_group)
        return [group for group in groups if group.name == name]

    async def all_groups(
        self,
        since: datetime | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Group]:
        """Return every group we may see, or those changed after `since`.

        Complete or raises. Deleted groups never appear among the changed ones.
        `progress` is told how many were read so far.
        """
        query: dict[str, str | int] = {"expand": "stats"}
        if since is not None:
            after = literal(_instant(since))
            query["filter"] = (
                f"lastUpdated gt {after} or lastMembershipUpdated gt {after}"
            )
        groups = await self._list(GROUPS, query, self._read_group, progress)
        return list({group.id: group for group in groups}.values())

    async def rules(self) -> Rules:
        """Return what the org's group rules mean."""
        return Rules(await self._list(f"{GROUPS}/rules", {}, dict))

    def with_guards(self, group: Group, rules: Rules) -> Group:
        """Return `group` with what `rules` say of it, None where they do not."""
        return replace(
            group, rule_managed=rules.manages(group.id), feeds_rule=rules.feeds(group)
        )

    async def guarded_group(self, group_id: str) -> Group | None:
        """Return the group as it is now, with what the org's rules say of it."""
        found = await self.group(group_id)
        return found and self.with_guards(found, await self.rules())

    async def guarded_groups(
        self,
        since: datetime | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Group]:
        """Return what `all_groups` does, with what the org's rules say of each."""
        rules = await self.rules()
        groups = await self.all_groups(since, progress)
        return [self.with_guards(group, rules) for group in groups]

    async def members(self, group_id: str, most: int | None = 50) -> list[Person]:
        """Return the members of a group live, the first `most` of them, or all.

        They have any status. Raises DirectoryGone when there is no such group.
        """
        found: list[Person] = []
        path = f"{GROUPS}/{path_id(group_id)}/users"
        query = {"limit": 200 if most is None else min(200, max(1, most))}
        async with aclosing(self._client.pages(path, query, lane=self._lane)) as pages:
            async for page in pages:
                now = self._client.clock()
                found += [read_person(item, now) for item in page]
                if most is not None and len(found) >= most:
                    break
        return found[:most]

    async def owners(self, group_id: str) -> list[tuple[str, str]] | None:
        """Return the group's owners as (USER or GROUP, id), None without the feature.

        Okta: group owners come with its Identity Governance; other orgs answer
        401 E0000015, 403 or 404.
        """
        if FEATURE_OFF in self._client.learnt:
            return None
        try:
            return await self._list(f"{GROUPS}/{path_id(group_id)}/owners", {}, _owner)
        except (DirectoryRefused, DirectoryGone) as error:
            if error.status not in (401, 403, 404):
                raise
            self._client.learnt.update({error.code} & {FEATURE_OFF})
            return None

    async def add_member(
        self,
        group_id: str,
        user_id: str,
        *,
        before_send: Callable[[], None] | None = None,
        lane: Lane = Lane.GRANT,
        deadline: float | None = None,
    ) -> str:
        """Make the person a member, and return Okta's request id.

        Sent once only: a repeat that is answered would hide a first one that
        may still land. Raises DirectoryGone when person or group is not there.
        """
        answer = await self._client.request(
            "PUT",
            _membership(group_id, user_id),
            lane=lane,
            deadline=deadline,
            before_send=before_send,
        )
        return answer.request_id

    async def remove_member(
        self,
        group_id: str,
        user_id: str,
        *,
        before_send: Callable[[], None] | None = None,
        lane: Lane = Lane.REVOKE,
        deadline: float | None = None,
    ) -> str:
        """End the person's membership, and return Okta's request id.

        Repeated when Okta does not answer. Raises DirectoryGone on a 404, which
        alone does not prove that the membership has ended.
        """
        answer = await self._client.request(
            "DELETE",
            _membership(group_id, user_id),
            lane=lane,
            safe=True,
            deadline=deadline,
            before_send=before_send,
        )
        return answer.request_id

    async def _get(
        self,
        path: str,
        query: Query | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return await self._client.request(
            "GET", path, query=query, headers=headers, lane=self._lane
        )

    async def _list(
        self,
        path: str,
        query: Query,
        read: Callable[[dict[str, Any]], Item],
        progress: Callable[[int], None] | None = None,
    ) -> list[Item]:
        return await self._client.listing(
            path, query, read=read, lane=self._lane, progress=progress
        )

    def _read_group(self, item: Mapping[str, Any]) -> Group:
        return read_group(item, self._client.clock())

    def _read_person(self, item: Mapping[str, Any]) -> Person:
        return read_person(item, self._client.clock())

    async def _person_by_search(self, login: str) -> Person | None:
        # Okta: a login with a slash or question mark can be read only by id.
        found = await self.people_with("login", login)
        return found[0] if len(found) == 1 else None

    async def _carries_admin_role(self, group_id: str) -> bool | None:
        query = {"search": f"id eq {literal(group_id)}", "expand": "stats"}
        try:
            answer = await self._get(GROUPS, query)
        except (DirectoryRefused, DirectoryGone):
            return None
        items = objects(answer, f"GET {GROUPS}")
        told = [
            carries_admin_role(item) for item in items if item.get("id") == group_id
        ]
        return told[0] if len(told) == 1 else None


def _owner(item: Mapping[str, Any]) -> tuple[str, str]:
    return (str(item.get("type")), read_id(item))


def _membership(group_id: str, user_id: str) -> str:
    return f"{GROUPS}/{path_id(group_id)}/users/{path_id(user_id)}"


def path_id(value: str) -> str:
    """Return `value` if it can stand in a path as an id; else DirectoryRefused."""
    # NB. An id from a row or a file must not reach another path of Okta's API.
    if not _ID.fullmatch(value) or value.casefold() == "me":
        raise DirectoryRefused("This is not an id of Okta's.")
    return value


def _object(answer: Answer, what: str) -> Mapping[str, Any]:
    if not isinstance(answer.data, dict):
        raise DirectoryUnavailable(
            f"Okta's answer to {what} is not the documented object.",
            status=answer.status,
            request_id=answer.request_id,
        )
    return answer.data


def _holds(found: object, value: str) -> bool:
    if isinstance(found, list):
        return any(_holds(one, value) for one in found)
    return isinstance(found, str) and _same(found, value)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _instant(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
