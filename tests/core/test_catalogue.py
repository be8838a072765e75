"""access.yaml: what it means when it is right, and how it grows from little."""

from datetime import timedelta
from hashlib import sha256

import pytest
from pydantic import ValidationError

from bot.core.catalogue import (
    CatalogueError,
    Everyone,
    Flow,
    GroupPattern,
    GroupSelector,
    Owner,
    Step,
    UserSelector,
    load,
    matches,
)
from bot.core.catalogue.groups import NameRule

LEAST = """\
version: 1
integrations:
  - name: corp-okta
    type: okta-group
    org_url: https://mycompany.okta.com
    credentials: file:/run/secrets/okta.json
    owner: [{user: iam-lead@example.com}]
flows:
  - name: engineers to production
    integration: corp-okta
    requesters: {any: [{group: Engineering}]}
    groups: {include: ["prod-*"]}
"""

WHOLE = """\
version: 1
admins:
  - user: ops-lead@example.com
  - group: Okta Admins
identity: {match: email}
integrations:
  - name: corp-okta
    type: okta-group
    org_url: https://MyCompany.okta.com/
    credentials: env:OKTA
    owner:
      - user: iam-lead@example.com
      - group: IAM Team
    resource_owner:
      - key: resourceOwner
        attribute: group
        only: [{group: "owners-*"}, {user: iam-lead@example.com}]
      - {key: contact, attribute: profile.employeeNumber}
    custom_access_details: |
      Connect to the VPN, then open https://grafana.example.com
    user_cleanup: {after: 30d, action: forget}
    discovery: {every: 2h, include: ["*"], exclude: ["*-admins"]}
flows:
  - name: engineers to production
    integration: corp-okta
    requesters: {any: [everyone], all: [{group: Engineering}], none: [{user: no}]}
    groups: {include: ["prod-*"], exclude: ["prod-root"]}
    duration: {default: 30m, max: 8h, choices: [30m, 1h30m, 8h]}
    justification: {required: true, pattern: "[A-Z]+-[0-9]+", hint: Such as OPS-12}
    approval: [{any_of: [owner]}]
    lapse_after: 12h
    warn_before: [15m, 1d, 15m]
"""


def only_flow(text: str) -> Flow:
    """Return the one flow of `text`."""
    (flow,) = load(text).flows
    return flow


def with_flow(line: str) -> Flow:
    """Return the flow of the least file with one more key."""
    return only_flow(f"{LEAST}    {line}\n")


def test_every_key_of_this_version_means_what_its_name_says() -> None:
    catalogue = load(WHOLE)
    (integration,) = catalogue.integrations
    assert catalogue.admins == (
        UserSelector(user="ops-lead@example.com"),
        GroupSelector(group="Okta Admins"),
    )
    assert catalogue.identity.match == "email"
    assert integration.credentials == "env:OKTA"
    assert integration.owner[1] == GroupSelector(group="IAM Team")
    assert integration.resource_owner[0].only[0] == GroupPattern(group="owners-*")
    assert integration.resource_owner[1].attribute == "profile.employeeNumber"
    assert integration.discovery.every == timedelta(hours=2)
    assert integration.discovery.exclude == ("*-admins",)
    assert integration.user_cleanup
    assert integration.user_cleanup.after == timedelta(days=30)


def test_every_key_of_a_flow_means_what_its_name_says() -> None:
    flow = only_flow(WHOLE)
    assert flow.requesters.any == (Everyone(),)
    assert flow.requesters.all == (GroupSelector(group="Engineering"),)
    assert flow.groups.include == ("prod-*",)
    assert flow.duration.default == timedelta(minutes=30)
    assert flow.duration.choices[1] == timedelta(minutes=90)
    assert flow.justification.hint == "Such as OPS-12"
    assert flow.approval == (Step(any_of=(Owner(),)),)
    assert flow.lapse_after == timedelta(hours=12)


def test_what_is_left_out_has_the_products_defaults() -> None:
    catalogue = load(LEAST)
    integration = catalogue.integrations[0]
    flow = catalogue.flows[0]
    assert catalogue.identity.match == "login"
    assert integration.discovery.every == timedelta(hours=1)
    assert integration.discovery.include == ("*",)
    assert integration.user_cleanup is None
    assert flow.duration.default == timedelta(hours=1)
    assert flow.duration.max == timedelta(hours=8)
    assert flow.justification.required
    assert flow.approval == (Step(any_of=(Owner(),)),)
    assert flow.lapse_after == timedelta(days=1)
    assert flow.warn_before == (timedelta(days=1), timedelta(minutes=15))


def test_a_no_in_the_file_is_a_name_and_a_time_stays_text() -> None:
    assert only_flow(WHOLE).requesters.none == (UserSelector(user="no"),)
    assert with_flow("justification: {hint: 19:00}").justification.hint == "19:00"
    numbered = LEAST.replace("engineers to production", "0x1F")
    assert only_flow(numbered).name == "0x1F"


def test_warnings_are_kept_longest_first_and_once() -> None:
    expected = (timedelta(days=1), timedelta(minutes=15))
    assert only_flow(WHOLE).warn_before == expected


def test_access_details_lose_only_the_blank_lines_around_them() -> None:
    details = load(WHOLE).integrations[0].custom_access_details
    assert details == "Connect to the VPN, then open https://grafana.example.com"


@pytest.mark.parametrize(
    ("most", "default", "choices"),
    [("20m", 20, [20]), ("1h", 60, [30, 60]), ("5h", 60, [30, 60, 240])],
)
def test_a_short_maximum_shortens_what_is_offered(
    most: str, default: int, choices: list[int]
) -> None:
    rule = with_flow(f"duration: {{max: {most}}}").duration
    assert rule.default == timedelta(minutes=default)
    assert rule.choices == tuple(timedelta(minutes=each) for each in choices)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://mycompany.okta.com/", "https://mycompany.okta.com"),
        ("https://MYCOMPANY.okta.com:443", "https://mycompany.okta.com"),
        ("https://login.example.com:8443", "https://login.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80/", "http://localhost:80"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_org_has_one_address_however_it_is_written(written: str, meant: str) -> None:
    text = LEAST.replace("https://mycompany.okta.com", f'"{written}"')
    assert load(text).integrations[0].org_url == meant


def test_identity_may_be_an_attribute_that_holds_the_slack_id() -> None:
    identity = load(f"identity: {{attribute: slackId}}\n{LEAST}").identity
    assert identity.attribute == "slackId"


def test_a_catalogue_finds_its_integrations_and_flows_by_name() -> None:
    catalogue = load(WHOLE)
    assert catalogue.integration("corp-okta") is catalogue.integrations[0]
    assert catalogue.integration("Corp-Okta") is None
    assert catalogue.flows_of("corp-okta") == catalogue.flows
    assert catalogue.flows_of("another") == ()


def test_the_hash_is_of_the_text_as_it_was_read() -> None:
    assert load(WHOLE).hash == sha256(WHOLE.encode()).hexdigest()
    assert load(WHOLE).hash != load(f"{WHOLE}\n").hash


def test_an_integration_no_flow_uses_is_a_warning() -> None:
    catalogue = load(LEAST.partition("flows:")[0])
    (warning,) = catalogue.warnings
    assert (warning.line, warning.column) == (3, 11)
    assert warning.key == "integrations[0].name"
    assert "No flow uses `corp-okta`" in warning.message
    assert load(LEAST).warnings == ()


def test_the_catalogue_and_all_in_it_are_frozen_values() -> None:
    catalogue = load(WHOLE)
    with pytest.raises(ValidationError):
        catalogue.flows[0].duration.max = timedelta(days=9)
    assert load(WHOLE) == catalogue
    assert hash(load(WHOLE).flows[0]) == hash(catalogue.flows[0])


@pytest.mark.parametrize("key", ["hash", "warnings"])
def test_what_is_worked_out_cannot_be_written_in_the_file(key: str) -> None:
    with pytest.raises(CatalogueError, match=f"`{key}` is not known here"):
        load(f"{key}: x\n{LEAST}")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("OPS-12 look at slow queries", True),
        ("for OPS-12", True),
        ("ops-12", False),
        ("", False),
        ("   ", False),
    ],
)
def test_a_justification_must_hold_the_pattern_somewhere(text: str, fits: bool) -> None:
    assert only_flow(WHOLE).justification.fits(text) is fits


def test_a_justification_that_is_not_required_may_be_left_out_but_not_wrong() -> None:
    rule = with_flow("justification: {required: false, pattern: OPS}").justification
    assert rule.fits("")
    assert rule.fits("OPS")
    assert not rule.fits("because")


def test_a_name_is_in_when_included_and_not_excluded() -> None:
    rule = NameRule(include=("prod-*",), exclude=("prod-root",))
    assert rule.fits("prod-db-read")
    assert not rule.fits("prod-root")
    assert not rule.fits("dev-db-read")


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("prod", "prod", True),
        ("prod", "Prod", False),
        ("prod", "prod-db", False),
        ("*", "", True),
        ("*", "anything at all", True),
        ("prod-*", "prod-", True),
        ("prod-*", "a-prod-db", False),
        ("*-admins", "db-admins", True),
        ("*-admins", "db-admins-2", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("*a*a*", "a", False),
        ("**", "x", True),
        ("a?c", "abc", False),
        ("a?c", "a?c", True),
        ("[ab]", "a", False),
        ("[ab]*", "[ab]x", True),
        (".*", "x", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_only_a_star_is_special_in_a_pattern(
    pattern: str, name: str, fits: bool
) -> None:
    assert matches(pattern, name) is fits
