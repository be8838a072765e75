"""An Okta org held in memory: enough of one to ask, answer and hold."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.words import DirectoryUnavailable, Group, Person


@dataclass
class Org:
    """People, groups and who is in which. While `is_down`, every call fails."""

    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    memberships: dict[str, set[str]] = field(default_factory=dict)
    is_down: bool = False

    def add_person(self, login: str, name: str = "", status: str = "ACTIVE") -> str:
        person_id = f"00u{login.partition('@')[0]}"
        name = name or login.partition("@")[0].title()
        self.people[person_id] = Person(
            id=person_id, login=login, email=login, name=name, status=status
        )
        return person_id

    def add_group(self, name: str, description: str = "", owner: str = "") -> str:
        group_id = f"00g{len(self.groups)}"
        self.groups[group_id] = Group(
            id=group_id,
            name=name,
            description=description,
            profile={"resourceOwner": owner},
            carries_admin_role=False,
            rule_managed=False,
            feeds_rule=False,
        )
        return group_id

    def change_person(self, person_id: str, **changes: Any) -> None:
        self.people[person_id] = replace(self.people[person_id], **changes)

    def is_member(self, group_id: str, person_id: str) -> bool:
        return person_id in self.memberships.get(group_id, set())

    async def person(self, id_or_login: str) -> Person | None:
        await self._answer()
        for person in self.people.values():
            if id_or_login in (person.id, person.login):
                return person
        return None

    async def people_with(self, attribute: str, value: str) -> list[Person]:
        await self._answer()
        return [p for p in self.people.values() if getattr(p, attribute) == value]

    async def people_changed(self, since: datetime) -> list[Person]:
        await self._answer()
        return list(self.people.values())

    def skew(self) -> timedelta:
        return timedelta()

    async def groups_of(self, person_id: str) -> frozenset[str]:
        await self._answer()
        return frozenset(g for g in self.groups if self.is_member(g, person_id))

    async def group(self, group_id: str) -> Group | None:
        await self._answer()
        return self.groups.get(group_id)

    async def guarded_group(self, group_id: str) -> Group | None:
        return await self.group(group_id)

    async def guarded_groups(
        self,
        since: datetime | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Group]:
        await self._answer()
        return list(self.groups.values())

    async def group_named(self, name: str) -> list[Group]:
        await self._answer()
        return [group for group in self.groups.values() if group.name == name]

    async def members(self, group_id: str, most: int | None = None) -> list[Person]:
        await self._answer()
        return [self.people[p] for p in sorted(self.memberships.get(group_id, set()))]

    async def owners(self, group_id: str) -> None:
        """Owners in Okta itself need a feature that this org has not."""

    async def add_member(
        self, group_id: str, person_id: str, *, before_send: Callable[[], None]
    ) -> str:
        await self._answer()
        before_send()
        self.memberships.setdefault(group_id, set()).add(person_id)
        return "okta-request"

    async def remove_member(
        self, group_id: str, person_id: str, *, before_send: Callable[[], None]
    ) -> str:
        await self._answer()
        before_send()
        self.memberships.get(group_id, set()).discard(person_id)
        return "okta-request"

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.is_down:
            raise DirectoryUnavailable("Okta is down.")
