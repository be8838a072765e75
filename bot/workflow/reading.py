"""Fresh facts: what the worker reads from Okta before it decides.

Each reading is complete or raises DirectoryError; nothing is believed in part.
What was read is kept as rows, for the decisions that are made on rows.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from bot.core.catalogue import (
    Catalogue,
    GroupPattern,
    Integration,
    Manager,
    Owner,
    ResourceOwner,
    matches,
)
from bot.core.owners import (
    MANAGER,
    MOST_PER_RUNG,
    NAMED,
    Readings,
    Route,
    Rung,
    attribute_values,
    climb,
    ladder,
    named_rung,
)
from bot.core.policy import Freeze, Policy, manager_of
from bot.core.words import DirectoryGone, DirectoryUnavailable, Group, Person, Refused
from bot.store import directory as rows
from bot.store import queries
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.flow_maps import FlowMaps
from bot.workflow.groups import keep_groups
from bot.workflow.people import Door, People, link_all

_LIKE_AN_ID = re.compile(r"[0-9A-Za-z]{20}")
"""Okta: "ids are 20 chars"."""

OWNER_GROUPS = "owner groups:{}"
"""What discovery remembers: the groups that owner attributes name."""

FROZEN = "frozen:{}"
"""What is remembered of an integration: what an admin has stopped."""

KNOWN = "known groups:{}"
"""What discovery remembers: the groups that were there as the file came in force."""


ROSTER = "roster"
"""What the job remembers that lists the people of the workspace: that it did."""

NAMED_ONCE = "names:{}"
"""What pinning remembers: the names of access.yaml that it has led somewhere once."""


class NotYet(DirectoryUnavailable):
    """Okta does not show it yet, or it was not read yet: look again."""


class Groups(Protocol):
    """What is asked of an Okta org about groups."""

    async def group(self, group_id: str) -> Group | None: ...

    async def group_named(self, name: str) -> list[Group]: ...

    async def guarded_group(self, group_id: str) -> Group | None: ...

    async def guarded_groups(
        self,
        since: datetime | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Group]: ...

    async def owners(self, group_id: str) -> list[tuple[str, str]] | None: ...

    async def members(
        self, group_id: str, most: int | None = MOST_PER_RUNG
    ) -> list[Person]: ...


class Memberships(Protocol):
    """What is changed in an Okta org: memberships, and nothing else.

    Each returns Okta's id of the request. `before_send` is asked just before
    the request leaves; when it raises, nothing is sent.
    """

    async def add_member(
        self, group_id: str, user_id: str, *, before_send: Callable[[], None]
    ) -> str: ...

    async def remove_member(
        self, group_id: str, user_id: str, *, before_send: Callable[[], None]
    ) -> str: ...


class Directory(People, Groups, Memberships, Protocol):
    """An Okta org, as the workflow meets it."""

    async def people_changed(self, since: datetime) -> list[Person]: ...

    def skew(self) -> timedelta: ...


@dataclass(frozen=True, kw_only=True)
class Office(Door):
    """A door from the inside: with all that the worker reads of the org."""

    directory: Directory
    catalogue: Catalogue
    flow_maps: FlowMaps = field(default_factory=FlowMaps, compare=False, repr=False)


def policy_for(
    session: Session,
    catalogue: Catalogue,
    integration: Integration,
    owners: frozenset[str] = frozenset(),
) -> Policy:
    """Return the policy of one integration, with the pins and rows of today.

    `owners` are groups that own one in question, as just read: discovery may
    not have met them as owners yet.
    """
    name = integration.name
    pins = rows.pins(session, name)
    remembered = rows.remembered(session, OWNER_GROUPS.format(name))
    met = remembered.facts.get("groups", ()) if remembered else ()
    owner_groups = owners.union(met)
    return Policy(
        catalogue=catalogue,
        integration=integration,
        users=pins.users,
        groups=pins.groups,
        owner_groups=owner_groups,
        given=rows.given(session, name, owner_groups.union(pins.groups.values())),
        freeze=freeze_of(session, name),
        known=_known_groups(session, catalogue, name),
    )


def freeze_of(session: Session, integration: str) -> Freeze:
    """Return what an admin has stopped in an integration."""
    remembered = rows.remembered(session, FROZEN.format(integration))
    facts = remembered.facts if remembered else {}
    return Freeze(
        everything=bool(facts.get("everything")),
        groups=frozenset(facts.get("groups", ())),
        people=frozenset(facts.get("people", ())),
    )


def _known_groups(
    session: Session, catalogue: Catalogue, integration: str
) -> frozenset[str] | None:
    """Return the groups an automatic flow may give; None where no flow is one."""
    flows = catalogue.flows_of(integration)
    if not any(flow.is_automatic or flow.automatic_when for flow in flows):
        return None
    remembered = rows.remembered(session, KNOWN.format(integration))
    return frozenset(remembered.facts.get("groups", ()) if remembered else ())


async def read_group(office: Office, group_id: str, now: datetime) -> Group | None:
    """Read a group with its guards from Okta into rows; None if there is none."""
    found = await office.directory.guarded_group(group_id)
    if found is not None:
        await office.database.run(keep_groups, office, [found], now)
    return found


async def wait_out_our_own_end(
    office: Office, row: AccessRequest | AccessGrant, now: datetime
) -> None:
    """Raise NotYet while a membership that is read may be what we just ended."""
    before = await office.database.read(queries.ended_before, row)
    if before is None or before.ended_at is None:
        return
    settles = max(before.ended_at + office.timing.lag, before.unsure_until or now)
    member = await office.database.read(queries.is_member_by_rows, row)
    if settles > now and member:
        raise NotYet("Our own removal may not show yet.", retry_after=office.timing.lag)


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What is asked for, as it is put to people: a group, and for whom.

    `apart_from` are those who may not answer: the requester and the grantee.
    """

    group: Group
    grantee: Person
    apart_from: frozenset[str]


Found = tuple[Route, dict[str, str]]
"""Who is to be asked, and their Slack ids."""


async def read_route(
    office: Office, entry: object, matter: Matter, now: datetime
) -> Found | Refused:
    """Return who one entry of a step names now.

    Rungs are read one after the other, no further than to the one that names
    somebody eligible; only `owner` has more than one.
    """
    people: dict[str, Person | None] = {}
    first = await _first_rung(office, entry, matter, people)
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration, first.groups
    )
    if isinstance(entry, Owner):
        rungs = ladder(policy, first)
    elif first.name == NAMED:
        rungs = [named_rung(policy, NAMED, [entry])]
    else:
        rungs = [first]
    return await _climb(office, policy, rungs, matter, people, now)


async def read_ladder(office: Office, matter: Matter, now: datetime) -> Found | Refused:
    """Return who answers where a step names nobody who can: the owner, the admins."""
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    rungs = ladder(policy, Rung(name="resource"))[1:]
    return await _climb(office, policy, rungs, matter, {}, now)


async def _climb(
    office: Office,
    policy: Policy,
    rungs: list[Rung],
    matter: Matter,
    people: dict[str, Person | None],
    now: datetime,
) -> Found | Refused:
    members: dict[str, tuple[Person, ...]] = {}
    reachable: dict[str, str] = {}
    refused = Refused("Nobody can approve this.")
    for count, rung in enumerate(rungs, 1):
        found = await _read_rung(office, rung, people, members)
        await office.database.run(rows.remember_names, office.name, found, now)
        reachable |= await link_all(office, found, now)
        route = climb(
            policy,
            rungs[:count],
            Readings(people=people, members=members),
            apart_from=matter.apart_from,
            reachable=frozenset(reachable),
        )
        if isinstance(route, Route):
            return route, reachable
        refused = route
    return refused


async def _first_rung(
    office: Office, entry: object, matter: Matter, people: dict[str, Person | None]
) -> Rung:
    """Return the rung an entry begins at; who is read for it is kept in `people`."""
    if isinstance(entry, Owner):
        return await _resource_rung(office, matter.group)
    if not isinstance(entry, Manager):
        return Rung(name=NAMED)
    named = manager_of(matter.grantee)
    if not named:
        return Rung(name=MANAGER)
    found = await _people_called(office.directory, "user", named)
    if len(found) != 1:
        return Rung(name=MANAGER, astray=named)
    people[found[0].id] = found[0]
    return Rung(name=MANAGER, users=frozenset({found[0].id}))


async def _read_rung(
    office: Office,
    rung: Rung,
    people: dict[str, Person | None],
    members: dict[str, tuple[Person, ...]],
) -> list[Person]:
    """Read who is on `rung` into `people` and `members`; return them."""
    met = [person for user in rung.users if (person := people.get(user))]
    for user in sorted(rung.users - people.keys()):
        people[user] = found = await office.directory.person(user)
        if found is not None:
            met.append(found)
    for group in sorted(rung.groups - members.keys()):
        # A group that is gone, or not ours to see, stays unread: nobody knows.
        with suppress(DirectoryGone):
            members[group] = tuple(await office.directory.members(group))
            met += members[group]
    return met


async def _resource_rung(office: Office, group: Group) -> Rung:
    """Return the rung of the first owner attribute that names somebody.

    Where none does, the owners that Okta itself keeps of the group are asked
    for; only orgs with its Identity Governance have them.
    """
    astray = ""
    for mapping in office.integration.resource_owner:
        values = attribute_values(group, mapping.key)
        rung = await _lead(office, mapping, values)
        if rung.users or rung.groups:
            return rung
        astray = astray or rung.astray
    owners = await office.directory.owners(group.id) or []
    return Rung(
        name="resource",
        users=frozenset(id_ for kind, id_ in owners if kind == "USER"),
        groups=frozenset(id_ for kind, id_ in owners if kind == "GROUP"),
        astray=astray,
    )


async def _lead(office: Office, mapping: ResourceOwner, values: Iterable[str]) -> Rung:
    """Lead each value of an owner attribute to the one person or group it names."""
    ids: set[str] = set()
    astray = ""
    for value in values:
        found = await _called(office, mapping, value)
        if len(found) == 1:
            ids |= found
        else:
            astray = astray or value
    if mapping.attribute == "group":
        return Rung(name="resource", groups=frozenset(ids), astray=astray)
    return Rung(name="resource", users=frozenset(ids), astray=astray)


async def _called(office: Office, mapping: ResourceOwner, value: str) -> set[str]:
    """Return the ids of whom `value` may name.

    NB. A name that fits several is no name: who may edit one of them would
    otherwise decide who approves.
    """
    pins = await office.database.read(rows.pins, office.name)
    if mapping.attribute == "group":
        groups = await groups_called(office.directory, value)
        return {g.id for g in groups if _within(mapping, pins.groups, g.name, g.id)}
    people = await _people_called(office.directory, mapping.attribute, value)
    return {p.id for p in people if _within(mapping, pins.users, p.login, p.id)}


async def groups_called(directory: Groups, value: str) -> list[Group]:
    """Return the groups with this name, and the one with this id.

    NB. Both: else who may make a group could name it like another's id, and
    would then decide in its place.
    """
    found = {group.id: group for group in await directory.group_named(value)}
    if _LIKE_AN_ID.fullmatch(value):
        group = await directory.group(value)
        found |= {group.id: group} if group else {}
    return list(found.values())


async def _people_called(
    directory: Directory, attribute: str, value: str
) -> list[Person]:
    """Return the people with this login, id or e-mail, or with this profile value."""
    if attribute != "user":
        return await directory.people_with(attribute.removeprefix("profile."), value)
    found = await directory.person(value)
    return [found] if found else await directory.people_with("email", value)


def _within(
    mapping: ResourceOwner, pins: Mapping[str, str], name: str, id_: str
) -> bool:
    """Tell whether the mapping's `only` lets its attribute name this one.

    NB. A bound that names one exactly is pinned: another that is called so later
    is not within it, and one that leads nowhere bounds all out.
    """
    bounds = [
        bound.group if isinstance(bound, GroupPattern) else bound.user
        for bound in mapping.only
        if isinstance(bound, GroupPattern) == (mapping.attribute == "group")
    ]
    return not mapping.only or any(
        matches(bound, name) if "*" in bound else pins.get(bound) == id_
        for bound in bounds
    )
