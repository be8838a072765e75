"""Who may ask for what, and who may answer: every table, and what always holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.core.catalogue import GroupSelector, PeopleRule, UserSelector
from bot.core.policy import (
    Policy,
    Question,
    Standing,
    Terms,
    Truth,
    carries_authority,
    covers,
    deciding_flow,
    fits,
    is_about,
    is_admin,
    may_answer,
    may_request,
    may_see,
    refuse_group,
    with_authority,
)
from bot.core.words import Allowed, Person, Refused
from tests.core.facts import FILE, GROUPS, HOUR, asked, group, person, policy, standing

TRUTHS: tuple[Truth, ...] = (True, False, None)
PAIRS = list(product(TRUTHS, TRUTHS))


def reason(decision: object) -> str:
    """Return why it was refused; fail if it was not."""
    assert isinstance(decision, Refused)
    return decision.reason


def field(decision: object) -> str:
    """Return what to put right; fail if it was not refused."""
    assert isinstance(decision, Refused)
    return decision.field


def fit(truths: dict[str, Truth]) -> Truth:
    """Decide on a rule with a selector per entry ("any 0"), each as true as said."""
    pins = {name: f"00g-{name}" for name, truth in truths.items() if truth is not None}
    held = [pins[name] for name, truth in truths.items() if truth]
    rule = PeopleRule.model_construct(
        None,
        **{
            word: tuple(GroupSelector(group=n) for n in truths if n.startswith(word))
            for word in ("any", "all", "none")
        },
    )
    return fits(policy(groups=pins), rule, person("ann", *held))


# What any, all and none make of what is known of a person


@pytest.mark.parametrize("first", TRUTHS)
@pytest.mark.parametrize("second", TRUTHS)
def test_any_needs_one_and_is_unknown_while_only_that_could_be_it(
    first: Truth, second: Truth
) -> None:
    wanted = True if True in (first, second) else None
    if None not in (first, second) and not wanted:
        wanted = False
    assert fit({"any 0": first, "any 1": second}) is wanted


@pytest.mark.parametrize("first", TRUTHS)
@pytest.mark.parametrize("second", TRUTHS)
def test_all_needs_each_and_one_no_is_enough_for_no(
    first: Truth, second: Truth
) -> None:
    wanted = False if False in (first, second) else None
    if None not in (first, second) and wanted is None:
        wanted = True
    assert fit({"all 0": first, "all 1": second}) is wanted


@pytest.mark.parametrize(("inside", "outside"), PAIRS)
def test_none_lets_in_only_who_is_surely_not_in_it(
    inside: Truth, outside: Truth
) -> None:
    decided = fit({"any": inside, "none": outside})
    assert (decided is True) == (inside is True and outside is False)
    assert (decided is False) == (inside is False or outside is True)


@pytest.mark.parametrize(
    ("any_", "all_", "none"), list(product(TRUTHS, TRUTHS, TRUTHS)), ids=str
)
def test_any_all_and_none_must_each_agree(
    any_: Truth, all_: Truth, none: Truth
) -> None:
    decided = fit({"any": any_, "all": all_, "none": none})
    assert (decided is True) == ((any_, all_, none) == (True, True, False))
    assert (decided is False) == (any_ is False or all_ is False or none is True)


def test_a_person_whose_groups_are_not_known_is_not_known_to_fit() -> None:
    rule = PeopleRule(any=(GroupSelector(group="Engineering"),))
    assert fits(policy(), rule, person(groups=None)) is None


def test_a_user_selector_means_the_pinned_id_and_not_the_login() -> None:
    rule = PeopleRule(any=(UserSelector(user="ops@example.com"),))
    named = person("mallory", login="ops@example.com")
    assert fits(policy(), rule, named) is False
    assert fits(policy(), rule, person("renamed", id="00u-ops")) is True
    assert fits(policy(users={}), rule, person("renamed", id="00u-ops")) is None


# Which flow decides


def test_the_first_flow_that_covers_it_decides() -> None:
    engineer, other = person("ann", "00g-eng"), person("bob")
    terms = may_request(policy(), asked(requester=engineer), standing())
    assert isinstance(terms, Terms)
    assert terms.flow == "engineers"
    terms = may_request(policy(), asked(requester=other), standing())
    assert isinstance(terms, Terms)
    assert terms.flow == "everyone"


def test_a_flow_that_cannot_be_told_ends_the_decision_with_a_refusal() -> None:
    unknown = asked(requester=person(groups=None))
    assert covers(policy(), policy().catalogue.flows[0], unknown) is None
    assert "cannot tell" in reason(deciding_flow(policy(), unknown))


def test_a_none_that_leads_nowhere_makes_its_flow_match_nobody() -> None:
    pins = {name: id_ for name, id_ in GROUPS.items() if name != "Contractors"}
    decision = may_request(policy(groups=pins), asked(), standing())
    assert "cannot tell" in reason(decision)


def test_an_excluded_group_falls_to_no_flow_and_is_as_good_as_unknown() -> None:
    excluded = reason(deciding_flow(policy(), asked(group=group("prod-root"))))
    absent = reason(deciding_flow(policy(), asked(group=group("secret-plans"))))
    assert excluded.replace("prod-root", "secret-plans") == absent


def test_nobody_asks_for_someone_else_yet() -> None:
    decision = may_request(
        policy(), asked(grantee=person("bob", "00g-eng")), standing()
    )
    assert isinstance(decision, Refused)


def test_without_a_flow_there_is_no_access() -> None:
    bare = policy(FILE.partition("flows:")[0])
    assert isinstance(may_request(bare, asked(), standing()), Refused)
    assert not may_see(bare, person("ann", "00g-eng"), group())


def test_a_flow_of_another_integration_gives_nothing_here() -> None:
    other = FILE.replace("- name: corp\n", "- name: other\n", 1)
    second = other.partition("integrations:\n")[2].partition("flows:")[0]
    second = second.replace("name: other", "name: corp").replace("corp.okta", "b.okta")
    text = other.replace("flows:", f"{second}flows:")
    assert isinstance(may_request(policy(text), asked(), standing()), Refused)


# What is never given


@pytest.mark.parametrize("value", [True, None])
@pytest.mark.parametrize("guard", ["rule_managed", "feeds_rule", "carries_admin_role"])
def test_a_guard_that_is_up_or_unknown_refuses(guard: str, value: Truth) -> None:
    facts: dict[str, Any] = {guard: value}
    guarded = group(**facts)
    assert field(may_request(policy(), asked(group=guarded), standing())) == "group"
    assert not may_see(policy(), person("ann", "00g-eng"), guarded)


@pytest.mark.parametrize("type_", ["APP_GROUP", "BUILT_IN", ""])
def test_only_a_group_that_okta_fills_itself_is_given(type_: str) -> None:
    assert refuse_group(policy(), group(type=type_)) is not None


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in GROUPS
        if name not in ("Engineering", "Contractors", "prod-root")
    ],
)
def test_a_group_that_decides_who_approves_is_not_given(name: str) -> None:
    pinned = group("prod-renamed", id=GROUPS[name])
    assert carries_authority(policy(), pinned)
    assert "decides who may approve" in reason(refuse_group(policy(), pinned))


def test_a_group_named_as_an_authority_is_one_before_it_is_pinned() -> None:
    assert carries_authority(policy(groups={}), group("IAM Team"))
    by_id = policy(FILE.replace("group: IAM Team", "group: 00g-prod-db"), groups={})
    assert carries_authority(by_id, group())


def test_a_group_that_an_owner_attribute_names_is_not_given() -> None:
    owning = policy(owner_groups=frozenset({"00g-prod-db"}))
    assert carries_authority(owning, group())
    assert not carries_authority(policy(), group())


# What the pair has already


HELD = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("has", "says"),
    [
        (standing(ending=True, held_until=HELD), "being removed"),
        (standing(held_until=HELD), "until Mon 05 Jan 09:00 UTC"),
        (standing(pending=True), "already asked"),
        (standing(is_member=None), "cannot tell"),
        (standing(is_member=True), "member"),
    ],
    ids=["ending", "held", "pending", "unknown", "member"],
)
def test_who_has_it_or_waits_for_it_does_not_ask_again(
    has: Standing, says: str
) -> None:
    assert says in reason(may_request(policy(), asked(), has))


@pytest.mark.parametrize(
    "status", ["SUSPENDED", "DEPROVISIONED", "STAGED", "LOCKED_OUT"]
)
def test_only_the_active_ask(status: str) -> None:
    left = person("ann", "00g-eng", status=status)
    assert "not active" in reason(
        may_request(policy(), asked(requester=left), standing())
    )


# For how long, and why


@pytest.mark.parametrize(
    ("duration", "given_for"),
    [(None, HOUR), (8 * HOUR, 8 * HOUR), (timedelta(seconds=1), timedelta(seconds=1))],
)
def test_a_duration_up_to_the_maximum_is_taken_as_asked(
    duration: timedelta | None, given_for: timedelta
) -> None:
    terms = may_request(policy(), asked(duration=duration), standing())
    assert isinstance(terms, Terms)
    assert terms.duration == given_for
    assert terms.longest == 8 * HOUR


@pytest.mark.parametrize(
    "duration",
    [8 * HOUR + timedelta(seconds=1), timedelta(0), -HOUR, timedelta(seconds=0.5)],
    ids=str,
)
def test_a_duration_over_the_maximum_or_of_nothing_is_refused(
    duration: timedelta,
) -> None:
    assert field(may_request(policy(), asked(duration=duration), standing())) == (
        "duration"
    )


@pytest.mark.parametrize("text", ["", "  \n", "please", "ops-12"])
def test_a_justification_that_does_not_fit_is_refused_with_the_hint(text: str) -> None:
    decision = may_request(policy(), asked(justification=text), standing())
    assert field(decision) == "justification"
    assert reason(decision) == "Name the ticket, such as OPS-12"


# Who may answer


def question(**changes: Any) -> Question:
    facts: dict[str, Any] = {
        "requester_id": "00u-ann",
        "grantee_id": "00u-cat",
        "is_open": True,
        "step": 1,
        "step_shown": 1,
    }
    return Question(**facts | changes)


@pytest.mark.parametrize(
    ("asked_of", "who", "is_approver", "says"),
    [
        (question(), person("ann"), True, "your own"),
        (question(), person("cat"), True, "your own"),
        (question(), person("bob", status="SUSPENDED"), True, "not active"),
        (question(answered_by=frozenset({"00u-bob"})), person("bob"), True, "have ans"),
        (question(is_open=False), person("bob"), True, "been answered"),
        (question(step=2), person("bob"), True, "been answered"),
        (question(), person("bob"), False, "who own this group"),
        (question(), person("bob"), None, "cannot tell"),
    ],
    ids=[
        "requester",
        "grantee",
        "inactive",
        "answered",
        "closed",
        "other step",
        "no approver",
        "unknown",
    ],
)
def test_who_may_not_answer(
    asked_of: Question, who: Person, is_approver: Truth, says: str
) -> None:
    assert says in reason(may_answer(asked_of, who, is_approver=is_approver))


def test_an_active_approver_may_answer_the_step_their_card_showed() -> None:
    assert may_answer(question(), person("bob"), is_approver=True) == Allowed()


# Whose word counts


def test_a_membership_the_bot_gave_makes_no_admin() -> None:
    member = person("bob", "00g-admins")
    assert is_admin(policy(), member)
    given_by_us = policy(given=frozenset({("00u-bob", "00g-admins")}))
    assert not is_admin(given_by_us, member)
    assert with_authority(given_by_us, member) == frozenset()
    assert is_admin(given_by_us, person("dan", "00g-admins"))


def test_an_admin_is_one_only_while_surely_so() -> None:
    assert is_admin(policy(), person("ops"))
    assert not is_admin(policy(), person("ops", status="SUSPENDED"))
    assert not is_admin(policy(), person("bob", groups=None))
    assert not is_admin(policy(users={}, groups={}), person("ops", "00g-admins"))
    assert with_authority(policy(), person(groups=None)) is None


# What always holds


def gives(which: Policy, **changes: Any) -> bool:
    return isinstance(may_request(which, asked(**changes), standing()), Terms)


WORDS = ("any 0", "any 1", "all 0", "none 0", "none 1")
said = some.fixed_dictionaries({word: some.sampled_from(TRUTHS) for word in WORDS})


@given(said, some.sampled_from(TRUTHS))
@settings(max_examples=100, deadline=None)
def test_one_more_none_never_lets_more_people_in(
    truths: dict[str, Truth], more: Truth
) -> None:
    before = fit(truths)
    after = fit({**truths, "none more": more})
    assert after is not True or before is True


@given(said, some.sampled_from(WORDS))
@settings(max_examples=100, deadline=None)
def test_forgetting_what_a_name_leads_to_never_lets_more_people_in(
    truths: dict[str, Truth], forgotten: str
) -> None:
    before = fit(truths)
    after = fit({**truths, forgotten: None})
    assert after is not True or before is True


guards = some.fixed_dictionaries(
    {
        guard: some.sampled_from(TRUTHS)
        for guard in ("rule_managed", "feeds_rule", "carries_admin_role")
    }
)
members = some.frozensets(some.sampled_from(sorted(GROUPS.values())))
pinned = some.frozensets(some.sampled_from(sorted(GROUPS))).map(
    lambda names: {name: GROUPS[name] for name in names}
)


@given(guards, members, pinned, some.sampled_from(TRUTHS), some.data())
@settings(max_examples=200, deadline=None)
def test_knowing_less_never_gives_more(
    known: dict[str, Truth],
    held: frozenset[str],
    pins: dict[str, str],
    is_member: Truth,
    data: some.DataObject,
) -> None:
    ann, guards_known = person("ann", *held), dict[str, Any](known)
    less = data.draw(some.sampled_from([*known, "groups", "is_member", *pins]))
    before = may_request(
        policy(groups=pins),
        asked(requester=ann, group=group(**guards_known)),
        Standing(is_member=is_member),
    )
    if less in known:
        guards_known[less] = None
    after = may_request(
        policy(groups={name: id_ for name, id_ in pins.items() if name != less}),
        asked(
            requester=replace(ann, groups=None) if less == "groups" else ann,
            group=group(**guards_known),
        ),
        Standing(is_member=None if less == "is_member" else is_member),
    )
    assert isinstance(before, Terms) or isinstance(after, Refused)
    assert isinstance(after, Refused) or after == before


@given(some.text(), some.booleans())
@settings(max_examples=50, deadline=None)
def test_what_is_given_is_in_some_flow(name: str, engineer: bool) -> None:
    who = person("ann", *(["00g-eng"] if engineer else []))
    if gives(policy(), requester=who, group=group(name)):
        flows = policy().catalogue.flows
        assert any(is_about(policy(), f.groups, group(name)) for f in flows)
