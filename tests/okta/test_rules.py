"""What group rules mean for a group."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.words import Group
from bot.okta.rules import Rules

GROUP = Group(id="00gPROD", name="prod-db-read")


def rule(
    expression: Any = "true", *targets: str, status: str = "ACTIVE"
) -> dict[str, Any]:
    return {
        "status": status,
        "conditions": {"expression": {"value": expression}},
        "actions": {"assignUserToGroups": {"groupIds": list(targets)}},
    }


EXPRESSIONS: list[tuple[object, bool | None]] = [
    ('isMemberOfGroup("00gPROD")', True),
    ("isMemberOfGroup('00gPROD')", True),
    ('isMemberOfGroup ( "00gPROD" )', True),
    ('!isMemberOfGroup("00gPROD")', True),
    ('isMemberOfGroup("00gOTHER")', False),
    ('isMemberOfGroup("00gprod")', False),
    ('isMemberOfAnyGroup("00gOTHER", "00gPROD")', True),
    ('isMemberOfAnyGroup("00gOTHER","00gELSE")', False),
    ('isMemberOfGroupName("prod-db-read")', True),
    ('isMemberOfGroupName("PROD-DB-READ")', True),
    ('isMemberOfGroupName("prod-db")', False),
    ('isMemberOfGroupNameStartsWith("prod-")', True),
    ('isMemberOfGroupNameStartsWith("db-")', False),
    ('isMemberOfGroupNameContains("DB")', True),
    ('isMemberOfGroupNameContains("write")', False),
    ('isMemberOfGroupNameRegex("prod-.*-read")', True),
    ('isMemberOfGroupNameRegex("^stage")', False),
    ('isMemberOfGroupNameRegex("(?=prod).*")', None),
    ('isMemberOfGroupNameRegex("prod-\\\\w+")', None),
    ("isMemberOfGroup(user.homeGroup)", None),
    ('isMemberOfGroup("00gOTHER" + user.x)', None),
    ('isMemberOfGroupNameEndsWith("read")', None),
    ("user.isMemberOf({'group.id': {'00gPROD'}})", None),
    ('user.getGroups({"group.profile.name": "x"}).size() > 0', None),
    ('Groups.contains("OKTA", "prod", 10)', None),
    ('getFilteredGroups({"00gPROD"}, "group.name", 40)', None),
    ('user.department == "Engineering"', False),
    ('user.department == "Group of isMemberOf"', False),
    ('user.department == "it\'s"', False),
    ('user.department == "unclosed', None),
    ('String.stringContains(user.title, "Lead") AND user.level > 3', False),
    ('user.level > 3 AND isMemberOfGroup("00gPROD")', True),
    ('isMemberOfGroup("00gPROD") OR isMemberOfGroup(user.homeGroup)', True),
    ("", False),
    (None, None),
    (7, None),
    ({}, None),
]


@pytest.mark.parametrize(("expression", "feeds"), EXPRESSIONS)
def test_a_rule_feeds_on_the_groups_its_expression_may_ask_about(
    expression: object, feeds: bool | None
) -> None:
    assert Rules([rule(expression)]).feeds(GROUP) is feeds


@pytest.mark.parametrize("status", ["INACTIVE", "INVALID"])
def test_a_rule_at_rest_means_nothing(status: str) -> None:
    rules = Rules([rule('isMemberOfGroup("00gPROD")', "00gPROD", status=status)])
    assert rules.feeds(GROUP) is False
    assert rules.manages(GROUP.id) is False


@pytest.mark.parametrize("status", ["ACTIVE", "SOMETHING_NEW", "", None])
def test_a_rule_of_another_status_is_taken_as_active(status: Any) -> None:
    rules = Rules([rule('isMemberOfGroup("00gPROD")', "00gPROD", status=status)])
    assert rules.feeds(GROUP) is True
    assert rules.manages(GROUP.id) is True


def test_a_group_is_managed_by_the_rule_that_fills_it() -> None:
    rules = Rules([rule("true", "00gA", "00gPROD"), rule("true", "00gB")])
    assert rules.managed == {"00gA", "00gB", "00gPROD"}
    assert rules.manages("00gPROD") is True
    assert rules.manages("00gELSE") is False


@pytest.mark.parametrize(
    "actions", [None, {}, {"assignUserToGroups": None}, {"other": {}}, [], "x"]
)
def test_a_rule_that_does_not_say_what_it_fills_may_fill_any(actions: object) -> None:
    rules = Rules([{**rule(), "actions": actions}, rule("true", "00gA")])
    assert rules.manages("00gPROD") is None
    assert rules.manages("00gA") is True


def test_yes_beats_unknown_and_unknown_beats_no() -> None:
    yes, unknown, no = 'isMemberOfGroup("00gPROD")', "isMemberOf(x)", "true"
    assert Rules([rule(no), rule(unknown), rule(yes)]).feeds(GROUP) is True
    assert Rules([rule(no), rule(unknown)]).feeds(GROUP) is None
    assert Rules([rule(no), rule(no)]).feeds(GROUP) is False


def test_an_org_without_rules_has_no_such_groups() -> None:
    assert Rules().feeds(GROUP) is False
    assert Rules().manages(GROUP.id) is False


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@given(_json, _json, _json)
def test_a_rule_of_any_shape_never_makes_a_group_safer(
    status: object, conditions: object, actions: object
) -> None:
    odd = {"status": status, "conditions": conditions, "actions": actions}
    rules = Rules([odd, rule('isMemberOfGroup("00gPROD")', "00gPROD")])
    assert rules.feeds(GROUP) is True
    assert rules.manages(GROUP.id) is True


@given(st.text(max_size=60))
def test_an_expression_with_the_groups_id_in_a_call_is_never_said_not_to_feed(
    around: str,
) -> None:
    expression = f'{around} isMemberOfGroup("00gPROD") {around}'
    assert Rules([rule(expression)]).feeds(GROUP) is not False
