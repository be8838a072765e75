"""The owner ladder: what names an owner, and who is asked on which rung."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.core.owners import (
    MOST_PER_RUNG,
    Readings,
    Route,
    Rung,
    attribute_values,
    basis,
    climb,
    ladder,
    stands_on,
)
from bot.core.words import Person, Refused
from tests.core.facts import GROUPS, USERS, group, person, policy

LEAD, OPS = person("lead"), person("ops")
DBA, ANN = person("dba"), person("ann")
OWNERS = Rung(name="resource", groups=frozenset({"00g-dbas"}))
NOBODY = Rung(name="resource")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("DBAs", ("DBAs",)),
        (" DBAs , dba@example.com,, ", ("DBAs", "dba@example.com")),
        (["DBAs", " IAM Team "], ("DBAs", "IAM Team")),
        (["Smith, Anna"], ("Smith, Anna",)),
        (4711, ("4711",)),
        ([1, 2], ("1", "2")),
        ("", ()),
        ("   ", ()),
        (None, ()),
        ([], ()),
        ([None, "", "  "], ()),
        (True, ()),
        (1.5, ()),
        ({"id": "x, dba@example.com ,y"}, ()),
        ([{"id": "dba@example.com"}, ["DBAs"]], ()),
    ],
    ids=str,
)
def test_an_owner_attribute_names_what_is_plainly_written(
    value: object, names: tuple[str, ...]
) -> None:
    assert attribute_values(group(profile={"owner": value}), "owner") == names


def test_an_attribute_that_is_not_there_names_nobody() -> None:
    assert attribute_values(group(), "resourceOwner") == ()


json = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=8,
)


@given(json)
@settings(max_examples=100, deadline=None)
def test_no_attribute_breaks_the_reading_or_names_what_is_blank(value: object) -> None:
    for name in attribute_values(group(profile={"owner": value}), "owner"):
        assert name
        assert name == name.strip()


def route(
    rungs: list[Rung],
    people: dict[str, Person | None],
    *,
    members: Mapping[str, tuple[Person, ...]] | None = None,
    apart_from: tuple[str, ...] = ("00u-ann",),
    unreachable: tuple[str, ...] = (),
    **pins: Any,
) -> Route | Refused:
    """Climb with everyone reachable who was read and is not `unreachable`."""
    met = {one.id for one in people.values() if one is not None}
    met |= {one.id for listed in (members or {}).values() for one in listed}
    return climb(
        policy(**pins),
        rungs,
        Readings(people=people, members=members or {}),
        apart_from=frozenset(apart_from),
        reachable=frozenset(met - set(unreachable)),
    )


def found(decision: Route | Refused) -> Route:
    """Return the route; fail if it was refused."""
    assert isinstance(decision, Route), decision
    return decision


def below(first: Rung) -> list[Rung]:
    """Return `first` with the integration's owner and the admins below it."""
    return [
        first,
        Rung(name="integration", users=frozenset({LEAD.id})),
        Rung(name="admins", users=frozenset({OPS.id})),
    ]


PEOPLE: dict[str, Person | None] = {LEAD.id: LEAD, OPS.id: OPS}


def test_whom_the_group_names_is_asked_and_nobody_below() -> None:
    asked = found(route(below(OWNERS), PEOPLE, members={"00g-dbas": (ANN, DBA)}))
    assert (asked.rung, asked.people, asked.passed) == (OWNERS, (DBA,), ())


@pytest.mark.parametrize(
    ("first", "members", "why"),
    [
        (NOBODY, {}, "the resource owner names nobody"),
        (OWNERS, {"00g-dbas": ()}, "the resource owner names nobody"),
        (OWNERS, {"00g-dbas": (ANN,)}, "the resource owner is who asks"),
        (
            Rung(name="resource", astray="DBAz"),
            {},
            "the resource owner is given as “DBAz”, which is nobody",
        ),
        (
            OWNERS,
            {"00g-dbas": (person("dba", status="SUSPENDED"),)},
            "none of the resource owners is active with a Slack account",
        ),
    ],
    ids=["unnamed", "empty", "the asker", "astray", "inactive"],
)
def test_a_rung_that_surely_has_nobody_is_passed_with_the_reason(
    first: Rung, members: dict[str, tuple[Person, ...]], why: str
) -> None:
    asked = found(route(below(first), PEOPLE, members=members))
    assert asked.people == (LEAD,)
    assert asked.passed == (why,)


def test_the_admins_are_the_last_rung() -> None:
    people: dict[str, Person | None] = {
        LEAD.id: person("lead", status="DEPROVISIONED"),
        OPS.id: OPS,
    }
    asked = found(route(below(NOBODY), people))
    assert asked.rung.name == "admins"
    assert len(asked.passed) == 2


def test_nobody_on_any_rung_is_a_refusal_that_names_each() -> None:
    decision = route(below(NOBODY), PEOPLE, unreachable=(LEAD.id, OPS.id))
    assert isinstance(decision, Refused)
    for rung in ("resource", "integration", "admins"):
        assert rung in decision.reason


def test_requester_and_grantee_are_never_asked() -> None:
    decision = route(below(NOBODY), PEOPLE, apart_from=(LEAD.id, OPS.id))
    assert isinstance(decision, Refused)
    assert "is who asks" in decision.reason


def test_an_owner_who_is_gone_from_okta_does_not_hold_up_the_others() -> None:
    gone: dict[str, Person | None] = {LEAD.id: None, OPS.id: OPS}
    assert found(route(below(NOBODY), gone)).people == (OPS,)
    both = Rung(name="integration", users=frozenset({LEAD.id, DBA.id}))
    assert found(route([both], {LEAD.id: None, DBA.id: DBA})).people == (DBA,)


@pytest.mark.parametrize(
    "unread",
    [
        Rung(name="resource", unknown="DBAs"),
        Rung(name="resource", users=frozenset({"00u-unread"})),
        Rung(name="resource", groups=frozenset({"00g-unread"})),
        Rung(name="resource", users=frozenset({LEAD.id}), unknown="DBAs"),
    ],
    ids=["not pinned", "person", "group", "in part"],
)
def test_a_rung_that_was_not_read_whole_leads_nowhere(unread: Rung) -> None:
    decision = route(below(unread), PEOPLE)
    assert isinstance(decision, Refused)
    assert "cannot tell" in decision.reason


def test_of_a_large_group_so_many_are_asked_and_no_more() -> None:
    crowd = tuple(person(f"p{number:03}") for number in range(MOST_PER_RUNG + 10))
    asked = found(route([OWNERS], {}, members={"00g-dbas": crowd}))
    assert asked.people == crowd[:MOST_PER_RUNG]


def test_a_large_group_that_was_not_read_to_its_end_is_not_passed() -> None:
    left = tuple(
        person(f"p{number:03}", status="SUSPENDED") for number in range(MOST_PER_RUNG)
    )
    decision = route(below(OWNERS), PEOPLE, members={"00g-dbas": left})
    assert isinstance(decision, Refused)
    assert str(MOST_PER_RUNG) in decision.reason
    fewer = {"00g-dbas": left[1:]}
    assert found(route(below(OWNERS), PEOPLE, members=fewer)).people == (LEAD,)


def test_a_membership_the_bot_gave_makes_no_owner() -> None:
    ours: dict[str, Any] = {"given": frozenset({(DBA.id, "00g-dbas")})}
    members = {"00g-dbas": (DBA,)}
    asked = found(route(below(OWNERS), PEOPLE, members=members, **ours))
    assert asked.people == (LEAD,)
    assert stands_on(policy(**ours), OWNERS, person("dba", "00g-dbas")) is False
    assert stands_on(policy(), OWNERS, person("dba", "00g-dbas")) is True


def test_who_stands_on_a_rung_is_named_or_in_a_named_group() -> None:
    named = Rung(name="integration", users=frozenset({LEAD.id}))
    assert stands_on(policy(), named, LEAD) is True
    assert stands_on(policy(), named, DBA) is False
    assert stands_on(policy(), named, person("dba", groups=None)) is False
    assert stands_on(policy(), OWNERS, DBA) is False
    assert stands_on(policy(), OWNERS, person("dba", groups=None)) is None


def test_the_ladder_is_the_attribute_then_the_integrations_owner_then_the_admins() -> (
    None
):
    first, second, third = ladder(policy(), OWNERS)
    assert first == OWNERS
    assert second.users == {USERS["lead@example.com"]}
    assert second.groups == {GROUPS["IAM Team"]}
    assert third.users == {USERS["ops@example.com"]}
    assert third.groups == {GROUPS["Okta Admins"]}


def test_a_name_that_is_not_pinned_leaves_its_rung_unknown() -> None:
    bare = ladder(policy(users={}), NOBODY)
    assert [rung.unknown for rung in bare] == [
        "",
        "lead@example.com",
        "ops@example.com",
    ]


def test_what_a_route_rests_on_changes_with_the_attribute_and_with_the_file() -> None:
    owned = group(profile={"resourceOwner": "DBAs"})
    before = basis(policy(), owned)
    assert before == basis(policy(), group("renamed", profile=owned.profile))
    assert before != basis(policy(), group(profile={"resourceOwner": "Others"}))
    assert before != basis(policy(groups=GROUPS | {"IAM Team": "00g-new"}), owned)
    assert before == basis(policy(groups=GROUPS | {"Contractors": "00g-new"}), owned)


def test_the_ladder_ends_where_the_file_says() -> None:
    whole = policy()
    assert [rung.name for rung in ladder(whole, NOBODY)] == [
        "resource",
        "integration",
        "admins",
    ]
    short = whole.integration.model_copy(update={"owner_ladder": ("resource",)})
    cut = replace(whole, integration=short)
    assert [rung.name for rung in ladder(cut, NOBODY)] == ["resource"]
