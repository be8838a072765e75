"""Who answers: the owner ladder of a group, and the other entries of a step.

The people the group's owner attribute names, else the integration owner, else
the admins. Only a complete reading that names nobody eligible leads to the
next rung; a reading that failed leads nowhere. Pure: the readings come in as
values, and live ones are made by the worker.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.catalogue import GroupSelector, Manager, Owner, Step, UserSelector
from bot.core.policy import Policy, Truth, manager_of, with_authority
from bot.core.words import Group, Person, Refused

MOST_PER_RUNG = 50
"""How many people of a rung are looked at."""

NAMED, MANAGER = "named", "manager"
"""Rungs that are no part of the ladder: whom a step names, and the manager."""

CALLED = {
    "resource": "resource owner",
    "integration": "integration owner",
    "admins": "list of admins",
    NAMED: "approver whom the flow names",
    MANAGER: "manager",
}


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One rung and whom it names, by id.

    `unknown` is a name in access.yaml that is not led to an id yet: the rung
    cannot be read. `astray` is a value of an owner attribute that names nobody.
    """

    name: str
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    unknown: str = ""
    astray: str = ""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What was read for the rungs: people by id, members by group id.

    A person who is None was looked for and does not exist; one who is absent
    was not read.
    """

    people: Mapping[str, Person | None] = field(default_factory=dict)
    members: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Nobody(Refused):
    """All was read, and nobody who may answer is named."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Who is asked: the rung that names somebody, and why each above did not."""

    rung: Rung
    people: tuple[Person, ...]
    passed: tuple[str, ...] = ()


def attribute_values(group: Group, key: str) -> tuple[str, ...]:
    """Return what the custom attribute `key` of `group` names.

    Okta keeps it flat beside name and description, as a string, a list or any
    JSON; absent and null both mean nobody. A string may be comma separated.

    NB. Only text and whole numbers name anybody: what JSON nested in a value
    looks like as text is nobody's choice of an owner.
    """
    value = group.profile.get(key)
    values = value if isinstance(value, list) else _said(value).split(",")
    return tuple(text for text in (_said(each).strip() for each in values) if text)


def ladder(policy: Policy, resource: Rung) -> list[Rung]:
    """Return the rungs of a group in order; `resource` is its own."""
    rungs = {
        "resource": resource,
        "integration": named_rung(policy, "integration", policy.integration.owner),
        "admins": named_rung(policy, "admins", policy.catalogue.admins),
    }
    return [rungs[name] for name in policy.integration.owner_ladder]


def basis(policy: Policy, group: Group) -> list[list[str]]:
    """Return what the ladder of `group` rests on: its attributes, the file, the pins.

    While it is the same, a route found before still leads to the same rung.
    """
    attributes = [
        [mapping.key, mapping.attribute, *attribute_values(group, mapping.key)]
        for mapping in policy.integration.resource_owner
    ]
    named = ladder(policy, Rung(name="resource"))[1:]
    return attributes + [
        [rung.name, *sorted(rung.users | rung.groups)] for rung in named
    ]


def climb(
    policy: Policy,
    rungs: Iterable[Rung],
    readings: Readings,
    *,
    apart_from: frozenset[str],
    reachable: frozenset[str],
) -> Route | Refused:
    """Return the first rung with somebody eligible on it, and those people.

    `apart_from` are the requester and the grantee; `reachable` the people with
    a Slack account that is theirs.
    """
    passed: list[str] = []
    for rung in rungs:
        people = _people(policy, rung, readings)
        if people is None:
            return Refused(f"I cannot tell who the {_called(rung)} is right now.")
        fit = tuple(
            person
            for person in people
            if person.id not in apart_from
            and person.may_receive
            and person.id in reachable
        )
        if fit:
            return Route(rung=rung, people=fit, passed=tuple(passed))
        if _is_cut(rung, readings):
            return Refused(
                f"The {_called(rung)} is more than {MOST_PER_RUNG} people, none of the "
                "first can be asked, and I look no further."
            )
        passed.append(_why_passed(rung, people, apart_from))
    return Nobody("Nobody can approve this: " + "; ".join(passed) + ".")


def stands_on(policy: Policy, rung: Rung, person: Person) -> Truth:
    """Tell whether `rung` names `person`, by themselves or by a group of theirs."""
    if person.id in rung.users:
        return True
    trusted = with_authority(policy, person)
    if trusted is None:
        return None if rung.groups else False
    return not rung.groups.isdisjoint(trusted)


def step_basis(
    policy: Policy, group: Group, grantee: Person, step: Step
) -> list[list[str]]:
    """Return what the routing of `step` rests on, to tell later if it still does."""
    rests = basis(policy, group)
    for entry in step.named:
        if isinstance(entry, Manager):
            rests.append(["manager", manager_of(grantee)])
        elif not isinstance(entry, Owner):
            rung = named_rung(policy, NAMED, [entry])
            rests.append(["entry", *sorted(rung.users | rung.groups)])
    return rests


def is_complete(step: Step, stands: Sequence[frozenset[int]]) -> bool:
    """Tell whether those who approved are enough for `step`.

    `stands` holds, for each of these different people, the numbers of the seats
    that name them. One seat is there for each entry of `all_of`; those after
    them are of tiers, whose people may stand in for anybody.
    """
    if step.any_of:
        return sum(bool(numbers) for numbers in stands) >= step.approvals
    wanted = range(len(step.all_of))
    may_fill = [
        frozenset(wanted) if any(n >= len(wanted) for n in numbers) else numbers
        for numbers in stands
    ]
    return _assignment(may_fill, list(wanted))


def _assignment(may_fill: list[frozenset[int]], seats: list[int]) -> bool:
    """Tell whether each of `seats` gets a person of its own."""
    if not seats:
        return True
    first, *rest = seats
    return any(
        first in numbers and _assignment([*may_fill[:at], *may_fill[at + 1 :]], rest)
        for at, numbers in enumerate(may_fill)
    )


def named_rung(policy: Policy, name: str, selectors: Iterable[object]) -> Rung:
    """Return the rung of people and groups that access.yaml names, by their pins."""
    users, groups, unknown = set(), set(), ""
    for selector in selectors:
        match selector:
            case UserSelector(user=user):
                unknown = unknown or ("" if user in policy.users else user)
                users.add(policy.users.get(user, ""))
            case GroupSelector(group=group):
                unknown = unknown or ("" if group in policy.groups else group)
                groups.add(policy.groups.get(group, ""))
    return Rung(
        name=name,
        users=frozenset(users - {""}),
        groups=frozenset(groups - {""}),
        unknown=unknown,
    )


def _people(
    policy: Policy, rung: Rung, readings: Readings
) -> tuple[Person, ...] | None:
    """Return everyone on `rung`; None unless all of it was read."""
    if rung.unknown or not rung.users <= readings.people.keys():
        return None
    if not rung.groups <= readings.members.keys():
        return None
    named = {user: readings.people[user] for user in sorted(rung.users)}
    found = {user: person for user, person in named.items() if person is not None}
    for group in sorted(rung.groups):
        for member in readings.members[group]:
            if (member.id, group) not in policy.given:
                found.setdefault(member.id, member)
    return tuple(found.values())[:MOST_PER_RUNG]


def _is_cut(rung: Rung, readings: Readings) -> bool:
    """Tell whether more people may be on `rung` than were looked at.

    NB. Only a complete reading leads on: else an owner who was not looked at
    would be passed over.
    """
    listed = sum(len(readings.members[group]) for group in rung.groups)
    full = any(len(readings.members[g]) >= MOST_PER_RUNG for g in rung.groups)
    return full or len(rung.users) + listed > MOST_PER_RUNG


def _said(value: object) -> str:
    is_plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_plain else ""


def _called(rung: Rung) -> str:
    return CALLED.get(rung.name, rung.name)


def _why_passed(
    rung: Rung, people: tuple[Person, ...], apart_from: frozenset[str]
) -> str:
    called = _called(rung)
    if rung.astray and not people:
        return f"the {called} is given as “{rung.astray}”, which is nobody"
    if not people:
        return f"the {called} names nobody"
    if all(person.id in apart_from for person in people):
        return f"the {called} is who asks"
    if rung.name in (NAMED, MANAGER):
        return f"the {called} is not active with a Slack account"
    many = "admins" if rung.name == "admins" else f"{called}s"
    return f"none of the {many} is active with a Slack account"
