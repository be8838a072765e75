"""What a person is told when access.yaml is wrong: where, what, what instead."""

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.core.catalogue import CatalogueError, Problem, load, text
from bot.core.words import SettingError

INTEGRATION = """\
  - name: corp-okta
    type: okta-group
    org_url: https://mycompany.okta.com
    credentials: file:/run/secrets/okta.json
    owner: [{user: iam-lead@example.com}]
"""

FLOW = """\
  - name: engineers to production
    integration: corp-okta
    requesters: {any: [{group: Engineering}]}
    groups: {include: ["prod-*"]}
"""

GOOD = f"version: 1\nintegrations:\n{INTEGRATION}flows:\n{FLOW}"


@pytest.fixture(params=["C", "Python"])
def loader(request: pytest.FixtureRequest) -> Iterator[str]:
    """Read with libyaml, and with what PyYAML has where libyaml is not."""
    if request.param == "C" and text.LOADER is yaml.SafeLoader:
        pytest.skip("this PyYAML comes without libyaml")
    before = text.LOADER
    text.LOADER = before if request.param == "C" else yaml.SafeLoader
    yield request.param
    text.LOADER = before


def problems(written: str) -> tuple[Problem, ...]:
    """Return all that is wrong with `written`."""
    with pytest.raises(CatalogueError) as caught:
        load(written)
    return caught.value.problems


def problems_if_any(written: str) -> tuple[Problem, ...]:
    """Return what is wrong with `written`, or nothing when it is a policy."""
    try:
        load(written)
    except CatalogueError as error:
        return error.problems
    return ()


def problem(written: str) -> Problem:
    """Return the one thing that is wrong with `written`."""
    (only,) = problems(written)
    return only


def instead(old: str, new: str) -> Problem:
    """Return what is wrong with the good file once `old` became `new`."""
    assert GOOD.count(old) == 1
    return problem(GOOD.replace(old, new))


def in_flow(line: str) -> Problem:
    """Return what is wrong with one more key in the flow."""
    return problem(f"{GOOD}    {line}\n")


def in_integration(line: str) -> Problem:
    """Return what is wrong with one more key in the integration."""
    return problem(GOOD.replace("flows:", f"    {line}\nflows:"))


def test_a_problem_says_file_line_column_key_and_what_instead() -> None:
    with pytest.raises(SettingError) as caught:
        load(f"{GOOD}    duration: {{max: 8 hours}}\n", name="/etc/access.yaml")
    assert str(caught.value) == (
        "/etc/access.yaml:13:21 flows[0].duration.max: This is not a duration. "
        "Found `8 hours`, expected a duration such as 90s, 30m, 8h, 7d or 1h30m. "
        "Mend the file, then check it with: access-bot config check"
    )


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    wrong = GOOD.replace("corp-okta\n    type", "corp okta\n    type")
    wrong = wrong.replace("version: 1", "version: 2").replace("[{group", "[{gruop")
    wrong += "    duration: {max: x, choices: [y, 1h]}\n    approval: []\n"
    found = problems(f"{wrong}  - {{name: second}}\n")
    assert [each.key for each in found] == [
        "version",
        "integrations[0].name",
        "flows[0].integration",
        "flows[0].requesters.any[0]",
        "flows[0].duration.max",
        "flows[0].duration.choices[0]",
        "flows[0].approval",
        "flows[1].integration",
        "flows[1].requesters",
        "flows[1].groups",
    ]
    assert [each.line for each in found] == sorted(each.line for each in found)


def test_several_problems_stand_a_line_each_with_one_remedy() -> None:
    with pytest.raises(CatalogueError) as caught:
        load(GOOD.replace("version: 1", "version: 2") + "    lapels: [a]\n")
    lines = str(caught.value).splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["version:", "flows[0].lapels:"]
    assert lines[2:] == [caught.value.remedy]


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("dutation: {max: 8h}", "`duration`"),
        ("justifcation: {}", "`justification`"),
        ("warn_befor: [1d]", "`warn_before`"),
        ("zzz: 1", ""),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(
    line: str, nearest: str
) -> None:
    found = in_flow(line)
    assert found.message == f"`{line.partition(':')[0]}` is not known here."
    assert (found.line, found.column) == (13, 5)
    assert found.nearest == nearest
    assert "lapse_after" in found.expected


@pytest.mark.parametrize("action", ["suspend", "deactivate", "delete"])
def test_a_clean_up_that_acts_needs_a_second_app_and_a_bound(action: str) -> None:
    found = in_integration(f"user_cleanup: {{after: 30d, action: {action}}}")
    assert found.message == f"`{action}` needs a second app, and a bound."
    assert found.expected == "credentials and only_members_of beside it"
    assert found.key == "integrations[0].user_cleanup"


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("approval: []", "approval", "This list is empty."),
        ("approval: [{}]", "approval[0]", "A step names who answers in one way."),
        ("approval: [{any_of: []}]", "approval[0].any_of", "This list is empty."),
        (
            "approval: [{any_of: [owner], all_of: [manager]}]",
            "approval[0]",
            "A step names who answers in one way.",
        ),
        (
            "approval: [{all_of: [owner], approvals: 2}]",
            "approval[0]",
            "all_of asks one of each already.",
        ),
        (
            "approval: [{any_of: [owner], approvals: 0}]",
            "approval[0].approvals",
            "This is less than one.",
        ),
        (
            "approval: [{any_of: [everyone]}]",
            "approval[0].any_of[0]",
            "This does not name people here.",
        ),
        (
            "approval: [{any_of: [owner], escalate: ["
            + ", ".join(["{after: 1h, to: [owner]}"] * 6)
            + "]}]",
            "approval[0].escalate",
            "This list is too long.",
        ),
        ("automatic_when: {at_most: {times: 2}}", "automatic_when.at_most.per", ""),
        ("request_for: [friends]", "request_for[0]", "This cannot stand here."),
        ("extensions: {max: -1}", "extensions.max", "This is not a whole number."),
        ("channel: general", "channel", "This is not the id of a channel."),
        (
            "timeframe: {time_zone: Europe/Pairs}",
            "timeframe.time_zone",
            "This time zone is not known.",
        ),
        (
            'timeframe: {from: "8", time_zone: UTC}',
            "timeframe.from",
            "This is not a time of the day.",
        ),
        (
            "timeframe: {days: [monday], time_zone: UTC}",
            "timeframe.days[0]",
            "This cannot stand here.",
        ),
        ("grantees: {none: [everyone]}", "grantees", "This rule lets nobody in."),
        (
            "grantees: {any: [{profile: {}}]}",
            "grantees.any[0].profile",
            "This names no attribute.",
        ),
    ],
)
def test_each_mistake_in_a_flow_has_its_own_message(
    line: str, key: str, message: str
) -> None:
    found = in_flow(line)
    assert found.key == f"flows[0].{key}"
    assert message in found.message


@pytest.mark.parametrize(
    "approval",
    [
        "approval: automatic",
        "automatic_when: {duration_at_most: 1h}",
    ],
)
def test_what_nobody_approves_must_end(approval: str) -> None:
    found = in_flow(f"duration: {{max: indefinite}}\n    {approval}")
    assert found.message == "What nobody approves must end."
    assert found.found == "indefinite"


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        (
            "credential_rotation: {mode: automatic}",
            "credential_rotation",
            "Automatic rotation needs an app with Super Admin.",
        ),
        ("brake: {share: half}", "brake.share", "This is not a share."),
        ("groups: {allow_all: true}", "groups.allow_all", "is not known here."),
    ],
)
def test_each_mistake_in_an_integration_has_its_own_message(
    line: str, key: str, message: str
) -> None:
    found = in_integration(line)
    assert found.key == f"integrations[0].{key}"
    assert message in found.message


def test_a_bundle_belongs_to_an_integration_that_is_there() -> None:
    found = problem(
        f"{GOOD}bundles:\n  - {{name: a, integration: corp-otka, groups: [b]}}"
    )
    assert found.message == "There is no integration `corp-otka`."
    assert found.nearest == "`corp-okta`"


@pytest.mark.parametrize("expect", ["{}", "{flow: a, refused: b}"])
def test_a_case_expects_a_refusal_or_a_flow(expect: str) -> None:
    case = f"{{who: ann, group: prod-db, expect: {expect}}}"
    found = problem(f"{GOOD}tests: {{cases: [{case}]}}\n")
    assert found.message == "A case expects a refusal, or a flow and its approvers."


@pytest.mark.parametrize("selector", ["manager", "owner"], ids=str)
def test_who_answers_is_nobody_who_asks(selector: str) -> None:
    found = instead("{group: Engineering}", selector)
    assert found.key == "flows[0].requesters.any[0]"
    assert found.message == "This does not name people here."
    assert found.expected == (
        "{user: LOGIN} or {group: NAME or ID} or "
        "{profile: {ATTRIBUTE: value or [values]}} or everyone"
    )


DANGERS = {
    "approval: automatic": "Whoever names a group in Okta decides",
    "requester_may_approve: true": "Who asks may say yes to themselves.",
}


@pytest.mark.parametrize("line", DANGERS)
def test_what_is_dangerous_is_a_warning(line: str) -> None:
    warnings = load(f"{GOOD}    {line}\n").warnings
    assert any(DANGERS[line] in each.message for each in warnings)


def test_every_group_for_everyone_at_once_is_warned_of_three_times() -> None:
    text = GOOD.replace("{group: Engineering}", "everyone").replace("prod-*", "*")
    warnings = [
        each.message for each in load(f"{text}    approval: automatic\n").warnings
    ]
    assert warnings == [
        "Everyone gets this at once, and nobody looks at it.",
        "Whoever names a group in Okta decides that it is given at once.",
        "Every group can be asked for, those of tomorrow too.",
    ]


@pytest.mark.parametrize(
    "selector",
    ["5", "everybody", "{usr: a}", "{user: a, group: b}", "{}", "[]", '""'],
)
def test_what_names_nobody_is_refused(selector: str) -> None:
    found = instead("{group: Engineering}", selector)
    assert found.message.startswith("This does not name people")


@pytest.mark.parametrize("selector", ["everyone", "owner", "manager"])
def test_only_people_and_groups_named_for_themselves_are_admins(selector: str) -> None:
    found = problem(f"admins: [{selector}]\n{GOOD}")
    assert found.key == "admins[0]"
    assert found.expected == "{user: LOGIN} or {group: NAME or ID}"


@pytest.mark.parametrize("place", ["admins", "owner", "requesters"])
def test_a_pattern_never_decides_who(place: str) -> None:
    written = {
        "admins": f'admins: [{{group: "ops-*"}}]\n{GOOD}',
        "owner": GOOD.replace("{user: iam-lead@example.com}", '{user: "*"}'),
        "requesters": GOOD.replace("{group: Engineering}", '{group: "Eng*"}'),
    }[place]
    assert "Patterns are for what is asked for" in problem(written).message


@pytest.mark.parametrize(
    "rule",
    ["{}", "{none: [{group: X}]}", "{any: [everyone], none: [everyone]}"],
)
def test_a_rule_that_lets_nobody_in_is_refused(rule: str) -> None:
    found = instead("{any: [{group: Engineering}]}", rule)
    assert found.message == "This rule lets nobody in."
    assert found.key == "flows[0].requesters"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("duration: {default: 9h}", "duration.default"),
        ("duration: {default: 2h, max: 1h}", "duration.default"),
        ("duration: {max: 4h, choices: [1h, 8h]}", "duration.choices[1]"),
    ],
)
def test_nothing_is_offered_above_the_maximum(line: str, key: str) -> None:
    found = in_flow(line)
    assert found.message == "This is longer than the maximum."
    assert found.key == f"flows[0].{key}"
    assert found.expected.startswith("at most ")


def test_every_choice_above_the_maximum_is_told() -> None:
    found = problems(f"{GOOD}    duration: {{max: 1h, choices: [2h, 1h, 3h, 60m]}}\n")
    assert [each.key[-10:] for each in found] == [
        "choices[0]",
        "choices[2]",
        "choices[3]",
    ]
    assert found[2].message == "This choice is there already."


@pytest.mark.parametrize(
    "line", ["lapse_after: 0s", "warn_before: [0m]", "duration: {max: 0h}"]
)
def test_no_wait_is_nothing(line: str) -> None:
    assert in_flow(line).message == "A duration is longer than nothing."


@pytest.mark.parametrize(
    "pattern", ['"(a"', '"a{2,1}"', '"(?=a)"', r'"(a)\\1"', '"\\x1b["', "x" * 501]
)
def test_a_pattern_that_is_no_linear_expression_is_refused(pattern: str) -> None:
    found = in_flow(f"justification: {{pattern: {pattern}}}")
    assert found.key == "flows[0].justification.pattern"
    assert "pattern" in found.message or "regular expression" in found.message
    assert str(found).isprintable()


@pytest.mark.parametrize("value", ["yes", "no", "True", "1", "on"])
def test_a_switch_is_true_or_false(value: str) -> None:
    found = in_flow(f"justification: {{required: {value}}}")
    assert (found.found, found.expected) == (f"`{value}`", "true or false")


@pytest.mark.parametrize("name", ["corp okta", "corp.okta", "a" * 51, "ünïcode", '""'])
def test_an_integration_name_is_letters_digits_hyphen_and_underscore(name: str) -> None:
    first, *_ = problems(GOOD.replace("- name: corp-okta", f"- name: {name}"))
    assert first.key == "integrations[0].name"
    assert first.expected == "letters, digits, - and _, at most 50"


@pytest.mark.parametrize(
    "url",
    [
        "http://mycompany.okta.com",
        "https://mycompany.okta.com/app",
        "https://mycompany.okta.com?x",
        "https://mycompany.okta.com#x",
        "https://mycompany.okta.com:0",
        "https://mycompany.okta.com:99999",
        "ftp://mycompany.okta.com",
        "mycompany.okta.com",
        "https://",
        "https://[x",
        "http://192.0.2.1",
        "https://exa mple.com",
    ],
)
def test_an_org_url_is_https_and_a_host_alone(url: str) -> None:
    found = instead("https://mycompany.okta.com", f'"{url}"')
    assert found.key == "integrations[0].org_url"


@pytest.mark.parametrize("domain", ["okta.com", "oktapreview.com", "okta-emea.com"])
def test_the_admin_consoles_address_is_refused_with_the_right_one(domain: str) -> None:
    found = instead("mycompany.okta.com", f"mycompany-admin.{domain}")
    assert found.nearest == f"`https://mycompany.{domain}`"


def test_a_password_in_an_address_is_not_repeated() -> None:
    found = instead("https://mycompany", "https://me:hunter2@mycompany")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    "reference",
    [
        "env:",
        "env:1A",
        "env:A B",
        "file:",
        "file: x",
        "plain",
        "https://vault",
        "ENV:A",
        "valut:secret/okta",
        "vault:",
    ],
)
def test_credentials_are_a_reference(reference: str) -> None:
    found = instead("file:/run/secrets/okta.json", f'"{reference}"')
    assert "file:PATH or a secret store's, never the secret itself" in found.expected


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        '{"private_key": "hunter2"}',
        "{private_key: hunter2}",
        "[hunter2]",
        "|\n      -----BEGIN PRIVATE KEY-----\n      hunter2",
    ],
)
def test_a_secret_in_the_place_of_its_reference_is_not_repeated(secret: str) -> None:
    found = instead("file:/run/secrets/okta.json", secret)
    assert found.key == "integrations[0].credentials"
    assert "hunter2" not in f"{found!r}{found}"


def test_a_secret_under_a_key_of_its_own_is_not_repeated() -> None:
    assert "hunter2" not in str(in_integration("private_key: hunter2"))


def test_a_resource_owner_needs_an_integration_owner_even_with_admins() -> None:
    line = "resource_owner: [{key: owner, attribute: user}]"
    written = GOOD.replace("owner: [{user: iam-lead@example.com}]", line)
    found = problem(f"admins: [{{user: a}}]\n{written}")
    assert found.key == "integrations[0].resource_owner"
    assert "needs an integration owner" in found.message


@pytest.mark.parametrize(
    "value", ["people", "User", "profile", "profile.", "profile.a-b"]
)
def test_a_resource_owner_says_what_its_value_names(value: str) -> None:
    found = in_integration(f"resource_owner: [{{key: a, attribute: {value}}}]")
    assert found.expected == "user, group or profile.ATTRIBUTE"


def test_access_details_are_at_most_400_characters() -> None:
    found = in_integration(f"custom_access_details: {'x' * 401}")
    assert (found.found, found.expected) == ("401 characters", "at most 400")
    load(GOOD.replace("flows:", f"    custom_access_details: {'x' * 400}\nflows:"))


@pytest.mark.parametrize("key", ["name", "org_url"])
def test_two_integrations_never_share_a_name_or_an_org(key: str) -> None:
    other = {
        "name": INTEGRATION.replace("mycompany", "other"),
        "org_url": INTEGRATION.replace("corp-okta", "two").replace("my", "MY", 1),
    }[key]
    found = problem(GOOD.replace("flows:", f"{other}flows:"))
    assert found.key == f"integrations[1].{key}"
    assert "on line" in found.message


def test_two_flows_never_share_a_name() -> None:
    found = problem(GOOD + FLOW)
    assert found.key == "flows[1].name"
    assert found.message == "Another of the flows has this name, on line 9."


def test_a_flow_names_an_integration_there_is() -> None:
    found = instead("integration: corp-okta", "integration: corp-otka")
    assert found.nearest == "`corp-okta`"
    assert (found.line, found.column) == (10, 18)


def test_somebody_can_always_answer() -> None:
    nobody = GOOD.replace("    owner: [{user: iam-lead@example.com}]\n", "")
    found = problem(nobody)
    assert found.key == "integrations[0].owner"
    assert found.message.startswith("Nobody could answer")
    load(f"admins: [{{user: ops@example.com}}]\n{nobody}")


@pytest.mark.parametrize("line", ["version: 1", '    groups: {include: ["prod-*"]}'])
def test_a_missing_key_is_told_where_it_belongs(line: str) -> None:
    found = instead(f"{line}\n", "")
    assert found.message == f"The key `{line.split(':')[0].strip()}` is missing."


@pytest.mark.parametrize("value", ["phone", "[login]", "{login: login}"])
def test_a_person_is_found_by_login_or_email(value: str) -> None:
    found = problem(f"identity: {{match: {value}}}\n{GOOD}")
    assert (found.key, found.expected) == ("identity.match", "login or email")


def test_a_person_is_found_in_one_way_only() -> None:
    found = problem(f"identity: {{match: login, attribute: slackId}}\n{GOOD}")
    assert found.message == "A person is found in one way only."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("duration: 8h", "This is not a mapping."),
        ("warn_before: 1d", "This is not a list."),
        ("warn_before: []", "This list is empty."),
        ("lapse_after: [1d]", "This is not a duration."),
        ("justification: {hint: [a]}", "This is not text."),
        ('justification: {hint: "a\\nb"}', "This is not one plain line."),
        (f"justification: {{hint: {'x' * 256}}}", "This is too long."),
        ("lapse_after:", "Nothing is written here."),
        ("approval: []", "This list is empty."),
        (
            f"duration: {{choices: [{', '.join(f'{n}s' for n in range(1, 102))}]}}",
            "This list is too long.",
        ),
    ],
)
def test_each_kind_of_value_is_told_from_the_others(line: str, message: str) -> None:
    assert in_flow(line).message == message


@pytest.mark.parametrize("written", ["", "\n\n", "# only words\n", "---\n", "\ufeff"])
@pytest.mark.usefixtures("loader")
def test_an_empty_file_is_told_as_such(written: str) -> None:
    assert problem(written).message == "The file is empty."


@pytest.mark.usefixtures("loader")
def test_a_second_document_is_refused() -> None:
    found = problem(f"{GOOD}---\nversion: 1\n")
    assert found.message.startswith("A second document starts here")
    assert found.line == 13


@pytest.mark.usefixtures("loader")
def test_a_key_written_twice_is_told_with_its_first_line() -> None:
    found = in_flow("integration: corp-okta")
    assert found.message == "`integration` is written twice, first on line 10."
    assert (found.line, found.column) == (13, 5)


@pytest.mark.usefixtures("loader")
def test_a_mapping_written_twice_is_one_problem() -> None:
    found = in_flow('groups: {include: ["prod-*"], exclude: []}')
    assert found.key == "flows[0].groups"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lapse_after: &a 1d", "Anchors and tags are not accepted."),
        ("lapse_after: !!str 1d", "Anchors and tags are not accepted."),
        ("lapse_after: ! 1d", "Anchors and tags are not accepted."),
        ("duration: !!python/name:os.system {}", "Anchors and tags are not accepted."),
        ("&a lapse_after: 1d", "Anchors and tags are not accepted."),
        ("lapse_after: *a", "Aliases are not accepted."),
        ("<<: {lapse_after: 1d}", "Merge keys are not accepted: write the keys out."),
        ("<<: *a", "Merge keys are not accepted: write the keys out."),
    ],
)
@pytest.mark.usefixtures("loader")
def test_every_line_means_what_it_says_where_it_stands(line: str, message: str) -> None:
    found = in_flow(line)
    assert found.message == message
    assert found.line == 13


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("warn_before: [*]", "needs quotes"),
        ("hint: [A-Z]+", "needs quotes"),
        ("hint: %x", "needs quotes"),
        ("\thint: x", "Indent with spaces"),
        ("hint: a: b", "needs quotes"),
        ("hint: 'x", "cannot be read"),
        ("? [a]\n    : b", "a key that is not a word"),
        ("hint: \x1b[31m", "cannot stand in YAML"),
        ("hint: \ud800", "cannot stand in YAML"),
    ],
)
@pytest.mark.usefixtures("loader")
def test_what_is_no_yaml_is_told_with_its_line(line: str, hint: str) -> None:
    found = in_flow(line)
    assert hint in found.message
    assert found.line == 13
    assert str(found).isprintable()


@pytest.mark.parametrize("deep", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
@pytest.mark.usefixtures("loader")
def test_a_deep_file_is_refused_without_being_read_on(deep: str) -> None:
    assert "more than 30 levels deep" in problem(deep).message


def test_a_file_over_a_megabyte_is_refused_unread() -> None:
    assert problem("é" * 500_001).message == "The file is larger than 1 MB."


def test_a_hostile_key_or_value_never_reaches_the_terminal() -> None:
    written = f'{GOOD}    "\\e[31m\\u202e": x\n    lapse_after: "\\e[2J\\n{"x" * 99}"\n'
    for found in problems(written):
        assert str(found).isprintable()
        assert len(found.found) < 100


@given(st.text(max_size=200))
def test_any_text_at_all_ends_in_problems(written: str) -> None:
    assert problems(written)


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(list("*&!|>[]{}:,#'\"\t\n-? ")))
def test_any_slip_of_the_pen_is_a_policy_or_problems(at: int, slip: str) -> None:
    written = GOOD[:at] + slip + GOOD[at:]
    found = problems_if_any(written)
    assert all(1 <= each.line <= len(written.splitlines()) + 1 for each in found)


@pytest.mark.parametrize("ladder", ["[admins]", "[integration, admins]", "[]"])
def test_only_the_last_rungs_of_the_ladder_may_be_left_out(ladder: str) -> None:
    assert in_integration(f"owner_ladder: {ladder}").message == (
        "Only the last rungs of the ladder may be left out."
    )


FIRST = """\
  - name: all of it
    integration: corp-okta
    requesters: {any: [everyone]}
    groups: {include: ["prod-*"]}
"""


@pytest.mark.parametrize(
    ("first", "is_unreached"),
    [
        (FIRST, True),
        (FIRST.replace("prod-*", "*"), True),
        (FIRST.replace("prod-*", "dev-*"), False),
        (FIRST.replace("any: [everyone]", "any: [{group: Others}]"), False),
        (FIRST.replace("include:", "exclude: [prod-x], include:"), False),
        (FIRST + "    grantees: {any: [{group: Others}]}\n", False),
        (FIRST + "    request_for: [others]\n", False),
    ],
)
def test_a_flow_that_nobody_reaches_is_warned_of(
    first: str, is_unreached: bool
) -> None:
    before, flows, after = GOOD.partition("flows:\n")
    told = [each.message for each in load(before + flows + first + after).warnings]
    said = "Nobody reaches this flow: `all of it`, on line"
    assert any(each.startswith(said) for each in told) is is_unreached
