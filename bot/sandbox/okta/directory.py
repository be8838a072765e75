"""The org's people, groups, memberships and rules, and its System Log.

`change_member` is the only place where a membership changes, so nothing
changes without its line in the log. Callers hold the org's lock.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bot.sandbox.okta.answers import ApiError
from bot.sandbox.okta.records import Actor, Group, Owner, Rule, User, new_id, stamp

GONE = "DEPROVISIONED"


@dataclass
class Clock:
    """The org's own idea of the time: `skew` seconds off ours."""

    skew: float = 0.0

    def now(self) -> float:
        return time.time() + self.skew

    def stamp(self) -> str:
        return stamp(self.now())


@dataclass(frozen=True)
class LogEvent:
    """A line of the System Log."""

    number: int
    published: str
    type: str
    actor: Actor
    targets: tuple[dict[str, Any], ...]
    transaction: str

    def look(self, attribute: str) -> Any:
        """The value of an attribute in a filter; those of targets are lists."""
        if attribute.startswith("target."):
            key = attribute.removeprefix("target.")
            return [target[key] for target in self.targets if key in target]
        return {
            "eventType": self.type,
            "published": self.published,
            "actor.id": self.actor.id,
            "actor.type": self.actor.type,
            "transaction.id": self.transaction,
            "outcome.result": "SUCCESS",
        }.get(attribute)

    def document(self) -> dict[str, Any]:
        """The event as JSON."""
        return {
            "uuid": f"00000000-0000-4000-8000-{self.number:012d}",
            "published": self.published,
            "eventType": self.type,
            "version": "0",
            "displayMessage": self.type.replace(".", " "),
            "severity": "INFO",
            "outcome": {"result": "SUCCESS"},
            "actor": {
                "id": self.actor.id,
                "type": self.actor.type,
                "alternateId": self.actor.id,
                "displayName": self.actor.name,
            },
            "target": list(self.targets),
            "transaction": {"id": self.transaction, "type": "WEB", "detail": {}},
        }


@dataclass(frozen=True)
class Unseen:
    """A change of membership that member reads do not show before `until`."""

    until: float
    was_member: bool


@dataclass
class Directory:
    """What the org knows. `version` grows with each change of a group."""

    clock: Clock
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    log: list[LogEvent] = field(default_factory=list)
    logins: dict[str, str] = field(default_factory=dict)
    version: int = 0
    read_lag: float = 0.0
    outside: Callable[[str, str], None] = lambda effect, by: None
    _unseen: dict[tuple[str, str], list[Unseen]] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def new_user(self, status: str, profile: dict[str, Any]) -> User:
        """Make a user."""
        now = self.clock.stamp()
        user = User(next(self._numbers), new_id("00u"), status, profile, now, now)
        self.users[user.id] = user
        self.logins[user.login.casefold()] = user.id
        return user

    def new_group(self, kind: str, profile: dict[str, Any]) -> Group:
        """Make a group without members."""
        now, number = self.clock.stamp(), next(self._numbers)
        group = Group(number, new_id("00g"), kind, profile, now, now, now)
        self.groups[group.id] = group
        self.version += 1
        return group

    def new_rule(
        self, name: str, targets: list[str], expression: str, status: str
    ) -> Rule:
        """Make a rule that fills nothing yet."""
        now, number = self.clock.stamp(), next(self._numbers)
        rule = Rule(number, new_id("0pr"), name, targets, expression, status, now)
        self.rules[rule.id] = rule
        return rule

    def new_owner(self, kind: str, id: str, name: str) -> Owner:
        """Make an owner, for a group to keep."""
        return Owner(next(self._numbers), id, kind, name, self.clock.stamp())

    def user(self, id_or_login: str) -> User:
        """The user of that id or login. Raises ApiError E0000007."""
        found = self.users.get(id_or_login)
        found = found or self.users.get(self.logins.get(id_or_login.casefold(), ""))
        if found is None:
            raise ApiError("E0000007", f"{id_or_login} (User)")
        return found

    def user_by_id(self, user_id: str) -> User:
        """The user of that id: a login will not do. Raises ApiError E0000007."""
        if user_id not in self.users:
            raise ApiError("E0000007", f"{user_id} (User)")
        return self.users[user_id]

    def group(self, group_id: str) -> Group:
        """The group of that id. Raises ApiError E0000007."""
        if group_id not in self.groups:
            raise ApiError("E0000007", f"{group_id} (UserGroup)")
        return self.groups[group_id]

    def change_user(
        self, user: User, status: str | None, profile: dict[str, Any]
    ) -> None:
        """Set what is given; a user renamed is found under the new login."""
        self.logins.pop(user.login.casefold(), None)
        user.profile.update(profile)
        user.status = status or user.status
        user.updated = self.clock.stamp()
        self.logins[user.login.casefold()] = user.id

    def change_group(self, group: Group, profile: dict[str, Any]) -> None:
        """Set attributes of the group's profile."""
        group.profile.update(profile)
        group.updated = self.clock.stamp()
        self._rewrite(group)

    def drop_group(self, group: Group, actor: Actor, transaction: str) -> None:
        """Delete the group, and with it the memberships."""
        for member in sorted(group.members):
            self.change_outside(group, self.users[member], False, actor, transaction)
        del self.groups[group.id]
        self.version += 1
        self.note("group.lifecycle.delete", actor, [_of_group(group)], transaction)

    def drop_user(self, user: User, actor: Actor, transaction: str) -> None:
        """Delete the user."""
        self._leave_all(user, actor, transaction)
        del self.users[user.id]
        self.logins.pop(user.login.casefold(), None)
        self.note("user.lifecycle.delete.completed", actor, [_of(user)], transaction)

    def deactivate(self, user: User, actor: Actor, transaction: str) -> None:
        """DEPROVISIONED, and in no group any more."""
        self._leave_all(user, actor, transaction)
        self.change_user(user, GONE, {})
        self.note("user.lifecycle.deactivate", actor, [_of(user)], transaction)

    def change_member(
        self, group: Group, user: User, present: bool, actor: Actor, transaction: str
    ) -> bool:
        """Make the user a member or not; whether that changed anything."""
        if (user.id in group.members) == present:
            return False
        self._hide_for_a_while(group.id, user.id, was_member=not present)
        (group.members.add if present else group.members.discard)(user.id)
        (user.groups.add if present else user.groups.discard)(group.id)
        group.members_updated = self.clock.stamp()
        self._rewrite(group)
        verb = "add" if present else "remove"
        targets = [_of(user), _of_group(group)]
        self.note(f"group.user_membership.{verb}", actor, targets, transaction)
        return True

    def change_outside(
        self, group: Group, user: User, present: bool, actor: Actor, transaction: str
    ) -> bool:
        """The same, where no call to the API asked for it: told to `outside`."""
        changed = self.change_member(group, user, present, actor, transaction)
        if changed:
            verb = "add" if present else "remove"
            self.outside(f"{verb} {group.id} {user.id}", actor.id)
        return changed

    def exclude_from_rules(
        self, group: Group, user: User, actor: Actor, transaction: str
    ) -> None:
        """Keep rules that filled the group with the user from doing it again."""
        for rule in self.rules.values():
            if group.id in rule.targets and user.id in rule.members:
                rule.members.discard(user.id)
                rule.excluded.append(user.id)
                kind = "group.user_membership.rule.add_exclusion"
                self.note(kind, actor, [_of(user), _of_group(group)], transaction)

    def seen_members(self, group: Group) -> list[User]:
        """The members that reads show now, in the order of their making."""
        ids = set(group.members)
        for (group_id, user_id), seen in self._hidden():
            if group_id == group.id:
                (ids.add if seen else ids.discard)(user_id)
        users = [self.users[one] for one in ids if one in self.users]
        return sorted(users, key=lambda user: user.number)

    def seen_groups(self, user: User) -> list[Group]:
        """The groups that reads show the user in, in the order of their making."""
        ids = set(user.groups)
        for (group_id, user_id), seen in self._hidden():
            if user_id == user.id:
                (ids.add if seen else ids.discard)(group_id)
        groups = [self.groups[one] for one in ids if one in self.groups]
        return sorted(groups, key=lambda group: group.number)

    def is_lagging(self) -> bool:
        """Whether there is a change that reads do not show yet."""
        return bool(self._hidden())

    def note(
        self,
        kind: str,
        actor: Actor,
        targets: Iterable[dict[str, Any]],
        transaction: str,
    ) -> None:
        """Write a line of the System Log."""
        number, now = len(self.log) + 1, self.clock.stamp()
        line = LogEvent(number, now, kind, actor, tuple(targets), transaction)
        self.log.append(line)

    def _leave_all(self, user: User, actor: Actor, transaction: str) -> None:
        for group_id in sorted(user.groups):
            self.change_outside(self.groups[group_id], user, False, actor, transaction)

    def _rewrite(self, group: Group) -> None:
        group.written = ""
        self.version += 1

    def _hide_for_a_while(self, group: str, user: str, was_member: bool) -> None:
        if self.read_lag > 0:
            unseen = Unseen(time.monotonic() + self.read_lag, was_member)
            self._unseen.setdefault((group, user), []).append(unseen)

    def _hidden(self) -> list[tuple[tuple[str, str], bool]]:
        now = time.monotonic()
        for pair, waiting in list(self._unseen.items()):
            self._unseen[pair] = [one for one in waiting if one.until > now]
            if not self._unseen[pair]:
                del self._unseen[pair]
        return [(pair, w[0].was_member) for pair, w in self._unseen.items()]


def _of(user: User) -> dict[str, Any]:
    name = f"{user.profile.get('firstName')} {user.profile.get('lastName')}"
    return {
        "id": user.id,
        "type": "User",
        "alternateId": user.login,
        "displayName": name,
    }


def _of_group(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "type": "UserGroup",
        "alternateId": "unknown",
        "displayName": group.name,
    }
