"""Whole flows: steps, rules, hours, limits, others; and what holds of any of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bot.core.catalogue import (
    AttributeSelector,
    Everyone,
    Flow,
    GroupSelector,
    PeopleRule,
    ProfileSelector,
    Step,
    Tier,
    load,
)
from bot.core.catalogue.flows import Timeframe
from bot.core.owners import is_complete, step_basis
from bot.core.policy import (
    Asked,
    Freeze,
    Moment,
    Policy,
    Terms,
    authority_paths,
    carries_authority,
    conditions,
    covers,
    deciding_flow,
    is_about,
    is_automatic,
    is_manager_of,
    manager_of,
    may_extend,
    may_request,
    may_see,
    named_in_authority,
    refuse_group,
    steps_of,
    verdicts,
)
from bot.core.words import Refused
from tests.core.facts import GROUPS, HOUR, USERS, asked, group, person, standing

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday

HEAD = """\
version: 1
admins: [{user: ops@example.com}, {group: Okta Admins}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
    owner: [{user: lead@example.com}]
flows:
  - name: one
    integration: corp
    requesters: {any: [everyone]}
    groups: {include: ["prod-*"]}
    justification: {required: false}
"""


def policy(*lines: str, **changes: Any) -> Policy:
    """Return the policy of one flow with these lines in it."""
    catalogue = load(HEAD + "".join(f"    {line}\n" for line in lines))
    facts: dict[str, Any] = {"users": USERS, "groups": GROUPS} | changes
    return Policy(catalogue=catalogue, integration=catalogue.integrations[0], **facts)


def flow_of(rules: Policy) -> Flow:
    [flow] = rules.flows
    return flow


# When a step is done

OWNER, SECURITY, MANAGER = (frozenset({number}) for number in range(3))
NOBODY: frozenset[int] = frozenset()


@pytest.mark.parametrize(
    ("approvals", "stands", "done"),
    [
        (1, [], False),
        (1, [OWNER], True),
        (1, [NOBODY], False),
        (2, [OWNER], False),
        (2, [OWNER, OWNER], True),
        (2, [OWNER, NOBODY], False),
        (2, [OWNER, NOBODY, SECURITY], True),
    ],
)
def test_any_of_counts_different_people_who_may(
    approvals: int, stands: list[frozenset[int]], done: bool
) -> None:
    step = Step.model_validate({"any_of": ["owner"], "approvals": approvals})
    assert is_complete(step, stands) is done


@pytest.mark.parametrize(
    ("stands", "done"),
    [
        ([OWNER], False),
        ([OWNER, OWNER], False),
        ([OWNER, SECURITY], True),
        ([OWNER | SECURITY], False),
        ([OWNER | SECURITY, OWNER], True),
        ([OWNER | SECURITY, OWNER | SECURITY], True),
        ([OWNER, NOBODY], False),
        ([OWNER, frozenset({2})], True),  # a tier stands in for anybody
        ([frozenset({2}), frozenset({3})], True),
        ([frozenset({2})], False),
    ],
)
def test_all_of_needs_a_person_of_its_own_for_each_entry(
    stands: list[frozenset[int]], done: bool
) -> None:
    step = Step.model_validate({"all_of": ["owner", {"group": "Security"}]})
    assert is_complete(step, stands) is done


@given(
    some.lists(some.frozensets(some.integers(0, 3)), max_size=5),
    some.frozensets(some.integers(0, 3)),
    some.integers(1, 3),
)
@settings(max_examples=200, deadline=None)
def test_one_more_approval_never_undoes_a_step(
    stands: list[frozenset[int]], more: frozenset[int], approvals: int
) -> None:
    for said in (
        {"any_of": ["owner"], "approvals": approvals},
        {"all_of": ["owner", "manager", {"group": "Security"}]},
    ):
        step = Step.model_validate(said)
        if is_complete(step, stands):
            assert is_complete(step, [*stands, more])
            assert is_complete(step, stands[::-1])


# For whom


@pytest.mark.parametrize("key", ["managerId", "manager"])
@pytest.mark.parametrize("named", ["00u-max", "MAX@example.com"])
def test_the_manager_is_whom_the_profile_names(key: str, named: str) -> None:
    ann = person("ann", profile={key: named})
    assert is_manager_of(person("max"), ann)
    assert not is_manager_of(person("eve"), ann)
    assert manager_of(person("ann", profile={key: 7})) == ""


FOR = {"self": "[self]", "others": "[others]", "reports": "[direct_reports]"}


@pytest.mark.parametrize(
    ("request_for", "whom", "covered"),
    [
        ("self", "ann", True),
        ("self", "bob", False),
        ("others", "ann", False),
        ("others", "bob", True),
        ("others", "rep", True),
        ("reports", "ann", False),
        ("reports", "bob", False),
        ("reports", "rep", True),
    ],
)
def test_for_whom_one_may_ask(request_for: str, whom: str, covered: bool) -> None:
    rules = policy(f"request_for: {FOR[request_for]}")
    ann = person("ann")
    people = {
        "ann": ann,
        "bob": person("bob"),
        "rep": person("rep", profile={"managerId": ann.id}),
    }
    wish = asked(requester=ann, grantee=people[whom])
    assert covers(rules, flow_of(rules), wish) is covered
    assert isinstance(may_request(rules, wish, standing()), Terms) is covered


def test_the_requesters_none_holds_for_the_grantee_too() -> None:
    rules = policy("request_for: [others]", "grantees: {any: [everyone]}")
    text = HEAD.replace(
        "{any: [everyone]}", "{any: [everyone], none: [{group: Contractors}]}"
    )
    catalogue = load(
        text + "    request_for: [others]\n    grantees: {any: [everyone]}\n"
    )
    rules = replace(rules, catalogue=catalogue)
    out = person("con", "00g-con")
    assert isinstance(may_request(rules, asked(grantee=out), standing()), Refused)
    inside = person("bob", "00g-eng")
    assert isinstance(may_request(rules, asked(grantee=inside), standing()), Terms)


def test_a_grantee_is_spoken_of_by_name() -> None:
    rules = policy("request_for: [others]")
    wish = asked(grantee=person("bob"))
    refused = may_request(rules, wish, standing(is_member=True))
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("Bob is a member")


# By profile and by attribute


@pytest.mark.parametrize(
    ("profile", "fits"),
    [
        ({"department": "Finance"}, True),
        ({"department": ["Sales", "Finance"]}, True),
        ({"department": "Sales"}, False),
        ({"login": "x"}, False),
        ({}, None),
    ],
)
def test_a_profile_that_was_not_read_is_unknown(
    profile: dict[str, Any], fits: bool | None
) -> None:
    rule = PeopleRule(any=(ProfileSelector(profile={"department": ("Finance",)}),))
    flow = flow_of(policy()).model_copy(update={"requesters": rule})
    wish = asked(requester=person("ann", profile=profile), grantee=person("ann"))
    assert covers(policy(), flow, wish) is fits


@pytest.mark.parametrize(
    ("include", "name", "profile", "fits"),
    [
        ("prod-*", "prod-db", {}, True),
        ("00g-prod-db", "prod-db", {}, True),
        ("prod-db", "prod-db2", {}, False),
        ({"attribute": {"tier": "gold"}}, "x", {"tier": "gold"}, True),
        ({"attribute": {"tier": ["gold", "silver"]}}, "x", {"tier": "silver"}, True),
        ({"attribute": {"tier": "gold", "pci": "true"}}, "x", {"tier": "gold"}, False),
        (
            {"attribute": {"tier": "gold", "pci": "true"}},
            "x",
            {"tier": "gold", "pci": True},
            True,
        ),
    ],
)
def test_groups_are_named_by_pattern_name_id_and_attribute(
    include: Any, name: str, profile: dict[str, Any], fits: bool
) -> None:
    rule = flow_of(policy()).groups.model_validate({"include": [include]})
    assert is_about(policy(), rule, group(name, profile=profile)) is fits


def test_a_name_that_is_left_out_stays_out_when_it_is_renamed() -> None:
    rule = flow_of(policy()).groups.model_validate(
        {"include": ["prod-*"], "exclude": ["prod-root"]}
    )
    renamed = group("prod-harmless", id=GROUPS["prod-root"])
    assert is_about(policy(), rule, renamed) is False
    assert is_about(policy(), rule, group("prod-root", id="00g-new")) is False
    assert is_about(policy(), rule, group("prod-db")) is True


def test_a_name_left_out_that_leads_nowhere_closes_the_flow() -> None:
    rules = policy(groups={})
    rule = flow_of(rules).groups.model_validate(
        {"include": ["prod-*"], "exclude": ["prod-typo"]}
    )
    assert is_about(rules, rule, group("prod-db")) is None
    assert is_about(rules, rule, group("dev-db")) is False


# Without an approver

RULE = (
    "automatic_when: {duration_at_most: 30m, requesters: {any: [{group: On Call}]}, "
    "at_most: {times: 2, per: 24h}}"
)
ON_CALL = {"On Call": "00g-onc"}


@pytest.mark.parametrize(
    ("minutes", "groups", "times", "automatic"),
    [
        (30, ["00g-onc"], 0, True),
        (30, ["00g-onc"], 1, True),
        (30, ["00g-onc"], 2, False),
        (31, ["00g-onc"], 0, False),
        (30, [], 0, False),
        (30, None, 0, False),
    ],
)
def test_the_rule_holds_within_its_bounds_only(
    minutes: int, groups: list[str] | None, times: int, automatic: bool
) -> None:
    rules = policy(RULE, groups=GROUPS | ON_CALL)
    who = person("ann", groups=None if groups is None else frozenset(groups))
    wish = asked(requester=who, grantee=who, duration=timedelta(minutes=minutes))
    assert is_automatic(rules, flow_of(rules), wish, times=times) is automatic


def test_a_membership_the_bot_gave_makes_nothing_automatic() -> None:
    rules = policy(
        RULE, groups=GROUPS | ON_CALL, given=frozenset({("00u-ann", "00g-onc")})
    )
    who = person("ann", "00g-onc")
    wish = asked(requester=who, grantee=who, duration=HOUR / 2)
    assert not is_automatic(rules, flow_of(rules), wish, times=0)


def test_what_slipped_under_an_automatic_flow_is_put_to_the_admins() -> None:
    rules = policy("approval: automatic", known=frozenset({"00g-prod-db"}))
    flow = flow_of(rules)
    assert is_automatic(rules, flow, asked(), times=0)
    new = asked(group=group("prod-new"))
    assert not is_automatic(rules, flow, new, times=0)
    [step] = steps_of(rules, flow)
    assert step.any_of == rules.catalogue.admins


def test_groups_that_decide_are_those_of_every_step_tier_and_rule() -> None:
    names = ("Security", "Leads", "On Call")
    ids = {name: f"00g-{name}" for name in names}
    steps = "[{any_of: [owner]}, {any_of: [{group: Security}], "
    steps += "escalate: [{after: 1h, to: [{group: Leads}]}]}]"
    rules = policy(f"approval: {steps}", RULE, groups=GROUPS | ids)
    for name in names:
        assert carries_authority(rules, group("x", id=ids[name]))
        assert carries_authority(rules, group(name))
    assert {
        s.group
        for s in named_in_authority(rules.catalogue, rules.integration)
        if isinstance(s, GroupSelector)
    } >= set(names)


def test_a_group_that_decides_is_given_only_by_a_flow_that_says_so() -> None:
    refused, allowed = (
        policy(
            "approval: [{any_of: [{group: prod-sec}]}]",
            f"authority: {word}",
            groups={**GROUPS, "prod-sec": "00g-prod-sec"},
        )
        for word in ("refuse", "allow")
    )
    sec = group("prod-sec")
    assert refuse_group(refused, sec, flow_of(refused)) is not None
    assert refuse_group(allowed, sec, flow_of(allowed)) is None
    assert refuse_group(allowed, sec) is not None
    [(_, name, power)] = authority_paths(allowed)
    assert (name, power) == ("prod-sec", "makes an approver of “one”")
    assert list(authority_paths(refused)) == []


@pytest.mark.parametrize("guard", ["rule_managed", "feeds_rule", "carries_admin_role"])
@pytest.mark.parametrize("state", [True, None])
def test_a_guard_is_lifted_by_its_own_word_alone(
    guard: str, state: bool | None
) -> None:
    words = {
        "rule_managed": "allow_rule_managed",
        "feeds_rule": "allow_feeding",
        "carries_admin_role": "allow_admin",
    }
    for named, word in words.items():
        text = HEAD.replace("flows:", f"    groups: {{{word}: true}}\nflows:")
        catalogue = load(text)
        rules = Policy(catalogue=catalogue, integration=catalogue.integrations[0])
        refused = refuse_group(rules, group("prod-db", **{guard: state}))
        assert (refused is None) is (named == guard)


# When

PARIS = "Europe/Paris"


def frame(**said: Any) -> Timeframe:
    return Timeframe.model_validate({"time_zone": PARIS, **said})


@pytest.mark.parametrize(
    ("at", "within"),
    [
        ("2026-03-02T08:00+01:00", True),
        ("2026-03-02T07:59:59+01:00", False),
        ("2026-03-02T18:59:59+01:00", True),
        ("2026-03-02T19:00+01:00", False),
        ("2026-03-07T12:00+01:00", False),  # a Saturday
        ("2026-03-30T06:30Z", True),  # the day after the clocks went forward
        ("2026-03-27T06:30Z", False),  # the same instant of the day before
        ("2026-10-26T07:30Z", True),
        ("2026-10-23T06:30Z", True),
    ],
)
def test_hours_are_those_of_the_place_through_its_summer_time(
    at: str, within: bool
) -> None:
    days = ["mon", "tue", "wed", "thu", "fri"]
    rule = frame(days=days, **{"from": "08:00", "to": "19:00"})
    assert rule.holds(datetime.fromisoformat(at)) is within


@pytest.mark.parametrize(
    ("at", "within"),
    [
        ("2026-03-27T23:00+01:00", True),  # Friday night
        ("2026-03-28T05:59+01:00", True),  # which goes on until Saturday morning
        ("2026-03-28T06:00+01:00", False),
        ("2026-03-28T23:00+01:00", False),  # Saturday night is another one
        ("2026-03-29T01:59+01:00", False),
        ("2026-03-30T05:59+02:00", False),  # Sunday night
        ("2026-03-31T05:59+02:00", True),
    ],
)
def test_a_night_belongs_to_the_day_it_began_on(at: str, within: bool) -> None:
    days = ["mon", "tue", "wed", "thu", "fri"]
    rule = frame(days=days, **{"from": "22:00", "to": "06:00"})
    assert rule.holds(datetime.fromisoformat(at)) is within


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        ({}, ""),
        ({"open": 9}, ""),
        ({"open": 10}, "10 may at once"),
        ({"lately": 19}, ""),
        ({"lately": 20}, "20 is the most"),
        ({"denied_at": NOW - timedelta(minutes=14)}, "You can ask again in 1 min"),
        ({"denied_at": NOW - timedelta(minutes=15)}, ""),
    ],
)
def test_the_limits_of_one_person(moment: dict[str, Any], says: str) -> None:
    came = may_request(policy(), asked(), standing(), Moment(now=NOW, **moment))
    if says:
        assert isinstance(came, Refused)
        assert says in came.reason
    else:
        assert isinstance(came, Terms)
    assert isinstance(may_request(policy(), asked(), standing()), Terms)


@pytest.mark.parametrize(
    "freeze",
    [
        Freeze(everything=True),
        Freeze(groups=frozenset({"00g-prod-db"})),
        Freeze(people=frozenset({"00u-ann"})),
    ],
)
def test_what_is_frozen_is_refused_at_any_time(freeze: Freeze) -> None:
    rules = policy(freeze=freeze)
    for moment in (None, Moment(now=NOW)):
        came = may_request(rules, asked(), standing(), moment)
        assert isinstance(came, Refused)
        assert "frozen" in came.reason


@pytest.mark.parametrize(
    ("extended", "held", "more"),
    [(0, 1, 1), (1, 2, 1), (2, 3, None), (0, 7.5, 0.5), (0, 8, None)],
)
def test_how_much_longer_a_grant_may_be_made(
    extended: int, held: float, more: float | None
) -> None:
    flow = flow_of(policy("extensions: {max: 2, each: 1h}"))
    came = may_extend(flow, extended=extended, began=NOW, ends=NOW + held * HOUR)
    if more is None:
        assert isinstance(came, Refused)
    else:
        assert came == more * HOUR


# What always holds

SELECTORS = some.sampled_from(
    [
        Everyone(),
        GroupSelector(group="Engineering"),
        GroupSelector(group="Contractors"),
        GroupSelector(group="Nowhere"),
        ProfileSelector(profile={"team": ("a",)}),
    ]
)
RULES = some.builds(
    lambda any_of, none: PeopleRule.model_construct(
        None, any=tuple(any_of), all=(), none=tuple(none)
    ),
    some.lists(SELECTORS, min_size=1, max_size=3),
    some.lists(SELECTORS.filter(lambda each: each != Everyone()), max_size=2),
)
PEOPLE = some.builds(
    lambda groups, profile: person("ann", groups=groups, profile=profile),
    some.none() | some.frozensets(some.sampled_from(["00g-eng", "00g-con"])),
    some.sampled_from([{}, {"team": "a"}, {"team": "b"}]),
)
INCLUDES: Any = some.sampled_from(
    ["prod-*", "prod-db", "dev-*", AttributeSelector(attribute={"tier": ("gold",)})]
)
FLOWS = some.builds(
    lambda rule, include, exclude, others: flow_of(policy()).model_copy(
        update={
            "requesters": rule,
            "request_for": ("self", "others") if others else ("self",),
            "groups": flow_of(policy()).groups.model_copy(
                update={"include": (include,), "exclude": tuple(exclude)}
            ),
        }
    ),
    RULES,
    INCLUDES,
    some.lists(some.sampled_from(["prod-root", "prod-no*", "prod-typo"]), max_size=1),
    some.booleans(),
)
FOUND = some.builds(
    lambda name, tier: group(name, profile={"tier": tier}),
    some.sampled_from(["prod-db", "prod-root", "prod-now", "dev-db"]),
    some.sampled_from(["gold", "tin"]),
)


def under(*flows: Flow) -> Policy:
    """Return a policy of exactly these flows."""
    rules = policy()
    catalogue = rules.catalogue.model_copy(update={"flows": tuple(flows)})
    return replace(rules, catalogue=catalogue)


def gives(rules: Policy, wish: Asked) -> bool:
    return isinstance(may_request(rules, wish, standing()), Terms)


@given(some.lists(FLOWS, max_size=3), PEOPLE, FOUND, RULES)
@settings(max_examples=200, deadline=None)
def test_a_none_more_never_lets_anybody_in(
    flows: list[Flow], who: Any, what: Any, more: PeopleRule
) -> None:
    """In the last flow, behind which none can catch what it lets go."""
    if not flows:
        return
    *before, last = flows
    rule = last.requesters
    narrower = rule.model_copy(update={"none": (*rule.none, *more.none)})
    narrow = last.model_copy(update={"requesters": narrower})
    wish = asked(requester=who, grantee=who, group=what)
    if gives(under(*before, narrow), wish):
        assert gives(under(*before, last), wish)


@given(some.lists(FLOWS, max_size=3), PEOPLE, FOUND)
@settings(max_examples=200, deadline=None)
def test_an_unknown_fact_never_gives_more(
    flows: list[Flow], who: Any, what: Any
) -> None:
    rules, wish = under(*flows), asked(requester=who, grantee=who, group=what)
    unknown = replace(who, groups=None)
    less = asked(requester=unknown, grantee=unknown, group=what)
    if gives(rules, less):
        assert gives(rules, wish)
    for guard in ("rule_managed", "feeds_rule", "carries_admin_role"):
        assert not gives(rules, replace(wish, group=replace(what, **{guard: None})))
    unpinned = replace(rules, groups={})
    if gives(unpinned, wish):
        assert gives(rules, wish)


@given(some.lists(FLOWS, max_size=3), PEOPLE, FOUND)
@settings(max_examples=200, deadline=None)
def test_the_explanation_agrees_with_the_act(
    flows: list[Flow], who: Any, what: Any
) -> None:
    rules, wish = under(*flows), asked(requester=who, grantee=who, group=what)
    told = list(verdicts(rules, wish))
    first = next((pair for pair in told if pair[1] is not False), None)
    came = deciding_flow(rules, wish)
    assert came == first[0] if first and first[1] else isinstance(came, Refused)
    for flow, covered in told:
        truths = [truth for _, truth in conditions(rules, flow, wish)]
        assert (covered is True) is all(truth is True for truth in truths)
        assert (covered is False) is (False in truths)


@given(some.lists(FLOWS, max_size=3), PEOPLE, FOUND)
@settings(max_examples=200, deadline=None)
def test_what_is_given_is_what_is_seen_and_in_some_flow(
    flows: list[Flow], who: Any, what: Any
) -> None:
    rules, wish = under(*flows), asked(requester=who, grantee=who, group=what)
    if gives(rules, wish):
        assert may_see(rules, who, what)
        assert any(is_about(rules, flow.groups, what) for flow in flows)
    assert not gives(under(), wish)


def test_the_basis_of_a_step_changes_with_whom_it_leads_to() -> None:
    step = Step.model_validate({"any_of": ["manager", {"group": "Security"}]})
    rules = policy(groups=GROUPS | {"Security": "00g-sec"})
    one, other = (person("ann", profile={"manager": name}) for name in ("max", "eve"))
    said = step_basis(rules, group(), one, step)
    assert said != step_basis(rules, group(), other, step)
    moved = replace(rules, groups=GROUPS | {"Security": "00g-other"})
    assert said != step_basis(moved, group(), one, step)
    assert said == step_basis(rules, group(), one, step)


def test_tiers_are_kept_soonest_first() -> None:
    tiers = [{"after": "2h", "to": ["owner"]}, {"after": "1h", "to": ["owner"]}]
    step = Step.model_validate({"any_of": ["owner"], "escalate": tiers})
    assert [tier.after for tier in step.escalate] == [HOUR, 2 * HOUR]
    assert all(isinstance(tier, Tier) for tier in step.escalate)
