"""The index of groups: it agrees with the rows, and is asked without surprises."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from bot.core.words import Group
from bot.store import directory, group_index
from bot.store.database import Database
from bot.store.group_index import Column
from bot.store.tables import GroupIndex, OktaGroup
from tests.store.rows import HOUR, NOW

LATER = NOW + HOUR


def group(name: str, **changes: Any) -> Group:
    known: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "carries_admin_role": False,
        "rule_managed": False,
        "feeds_rule": False,
    }
    return Group(**known | changes)


@pytest.fixture
def groups(database: Database) -> Database:
    """A database that knows four groups of corp, and one of another org."""
    known = [
        group("prod-db-read", description="The ledger"),
        group("Prod-DB-write"),
        group("dev-prod-mirror"),
        group("staging"),
    ]
    keep(database, known)
    keep(database, [group("prod-elsewhere")], integration="other")
    return database


def keep(
    database: Database,
    known: Iterable[Group],
    at: timedelta = timedelta(0),
    integration: str = "corp",
) -> None:
    database.transact(directory.remember_groups, integration, list(known), NOW + at)


def names(session: Session, numbers: Iterable[int]) -> list[str]:
    return [known.name for known in group_index.groups(session, list(numbers))]


def beginning(database: Database, begins: str) -> list[str]:
    return database.look(
        lambda session: names(
            session, group_index.beginning_with(session, "corp", begins)
        )
    )


def holding(
    database: Database, *needed: list[str], column: Column = "name"
) -> set[str]:
    return database.look(
        lambda session: set(
            names(session, group_index.holding(session, *needed, column=column))
        )
    )


def changes(database: Database, since: int = 0) -> list[tuple[int, str | None]]:
    return database.look(
        lambda session: [
            (change.stamp, change.group.name if change.group else None)
            for change in group_index.changes_since(session, "corp", since)
        ]
    )


def test_a_beginning_is_found_in_any_letter_case_by_name(groups: Database) -> None:
    assert beginning(groups, "PROD-d") == ["prod-db-read", "Prod-DB-write"]
    assert beginning(groups, "rod") == []


def test_nothing_typed_begins_every_name_of_the_integration(groups: Database) -> None:
    assert len(beginning(groups, "")) == 4


def test_text_is_found_inside_names_of_every_org(groups: Database) -> None:
    found = {"prod-db-read", "Prod-DB-write", "dev-prod-mirror", "prod-elsewhere"}
    assert holding(groups, ["PROD"]) == found


def test_descriptions_are_found_apart_from_names(groups: Database) -> None:
    assert holding(groups, ["ledger"]) == set()
    assert holding(groups, ["ledger"], column="description") == {"prod-db-read"}


def test_one_of_each_is_needed(groups: Database) -> None:
    assert holding(groups, ["read", "mirror"], ["prod-"]) == {
        "prod-db-read",
        "dev-prod-mirror",
    }
    assert holding(groups, ["read"], ["mirror"]) == set()


@pytest.mark.parametrize("needed", [[], ["pr"], ["p", ""]])
def test_text_shorter_than_a_trigram_is_held_by_none(
    groups: Database, needed: list[str]
) -> None:
    assert holding(groups, needed) == set()
    assert holding(groups, ["prod"], needed) == set()


@pytest.mark.parametrize(
    "hostile", ['"', "prod OR staging", "name:prod", "pro*", "(prod", '") OR ("sta']
)
def test_no_text_is_an_operator(groups: Database, hostile: str) -> None:
    assert holding(groups, [hostile]) == set()


@given(typed=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_may_be_sought(groups: Database, typed: str) -> None:
    holding(groups, [typed], ["prod"])
    assert set(beginning(groups, typed)) <= set(beginning(groups, ""))


def test_a_renamed_group_is_found_by_its_new_name_alone(groups: Database) -> None:
    keep(groups, [group("prod-staging", id="id-staging")], HOUR)
    assert "prod-staging" in holding(groups, ["prod"])
    assert beginning(groups, "stag") == []


def test_a_group_that_is_gone_is_found_no_more(groups: Database) -> None:
    keep(groups, [group("staging")], HOUR)
    gone = groups.transact(directory.forget_unlisted, "corp", LATER)
    assert gone == 3
    assert beginning(groups, "") == ["staging"]
    assert holding(groups, ["prod"]) == {"prod-elsewhere"}


def test_a_row_taken_out_by_hand_is_found_no_more(groups: Database) -> None:
    def take_out(session: Session) -> None:
        session.delete(session.get_one(OktaGroup, ("corp", "id-staging")))

    groups.transact(take_out)
    assert beginning(groups, "stag") == []


def test_what_changed_is_told_in_order_and_by_stamp(groups: Database) -> None:
    met = changes(groups)
    assert [name for _, name in met] == [
        "prod-db-read",
        "Prod-DB-write",
        "dev-prod-mirror",
        "staging",
    ]
    last = met[-1][0]
    keep(groups, [group("prod-db-read", rule_managed=True)], HOUR)
    [(stamp, name)] = changes(groups, last)
    assert (stamp > last, name) == (True, "prod-db-read")


def test_a_group_only_read_again_did_not_change(groups: Database) -> None:
    last = changes(groups)[-1][0]
    keep(groups, [group("staging")], HOUR)
    assert changes(groups, last) == []


def test_a_group_that_goes_and_comes_back_changed_twice(groups: Database) -> None:
    last = changes(groups)[-1][0]
    groups.transact(directory.forget_unlisted, "corp", LATER)
    assert [name for _, name in changes(groups, last)] == [None] * 4
    last = changes(groups, last)[-1][0]
    keep(groups, [group("staging")], 2 * HOUR)
    assert [name for _, name in changes(groups, last)] == ["staging"]


def test_groups_come_whole_and_in_the_order_asked_for(groups: Database) -> None:
    known = group(
        "prod-x", description="d", type="APP_GROUP", profile={"a": 1}, feeds_rule=None
    )
    keep(groups, [known])

    def look(session: Session) -> list[Group]:
        order = col(GroupIndex.number).desc()
        numbers = session.exec(select(GroupIndex.number).order_by(order)).all()
        return list(group_index.groups(session, [number or 0 for number in numbers]))

    found = groups.look(look)
    assert [each.name for each in found[:3]] == ["prod-x", "prod-elsewhere", "staging"]
    assert found[0] == replace(known, read_at=NOW)


def test_an_older_reading_never_replaces_a_later_one(groups: Database) -> None:
    keep(groups, [group("staging", rule_managed=True)], HOUR)
    keep(groups, [group("staging")])
    found = groups.look(directory.group, "corp", "id-staging")
    assert found is not None
    assert (found.rule_managed, found.read_at) == (True, LATER)


def test_what_a_clock_that_was_ahead_has_dated_is_read_anew(groups: Database) -> None:
    keep(groups, [group("staging", rule_managed=True)], 24 * HOUR)
    groups.transact(directory.doubt_the_future, NOW)
    assert groups.look(directory.group, "corp", "id-staging", NOW - HOUR) is None
    keep(groups, [group("staging")])
    found = groups.look(directory.group, "corp", "id-staging", NOW)
    assert found is not None
    assert found.rule_managed is False


def test_what_was_read_after_a_listing_is_not_called_gone(groups: Database) -> None:
    keep(groups, [group("staging")], HOUR)
    groups.transact(directory.forget_unlisted, "corp", NOW + HOUR / 2)
    assert beginning(groups, "") == ["staging"]
