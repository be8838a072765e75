"""Each thing that can be wrong in Okta, named by its check, with its remedy."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import Session

from bot.okta.client import OktaClient
from bot.okta.keys import new_key_pair
from bot.ops.doctor import Finding
from bot.settings import Clock
from bot.store.tables import Pin
from tests.ops.conftest import BRISK, Patient


def is_failed(finding: Finding, problem: str, remedy: str) -> bool:
    return (
        finding.level == "failed"
        and problem in finding.says
        and remedy in finding.remedy
    )


def is_warned(finding: Finding, problem: str, remedy: str) -> bool:
    return (
        finding.level == "warning"
        and problem in finding.says
        and remedy in finding.remedy
    )


# The credentials and the token


def test_credentials_that_others_can_read_are_refused(patient: Patient) -> None:
    patient.write()
    patient.credentials.chmod(0o644)
    found = patient.found("credentials")
    assert is_failed(found, "can be read by others", "chmod 600")


def test_a_client_id_that_was_never_written_in_is_named(patient: Patient) -> None:
    patient.app = {**patient.app, "client_id": ""}
    found = patient.found("credentials")
    assert is_failed(found, "have no client_id", "client_id")


def test_dpop_left_on_is_named(patient: Patient) -> None:
    patient.sandbox.okta.require_dpop(patient.app["client_id"])
    assert is_failed(patient.found("DPoP"), "requires DPoP", "untick Require DPoP")


def test_a_scope_that_was_not_granted_is_named(patient: Patient) -> None:
    patient.sandbox.okta.set_scopes(patient.app["client_id"], ["okta.users.read"])
    assert is_failed(patient.found("scopes"), "okta.groups.manage", "Okta API Scopes")


def test_a_kid_that_okta_does_not_know_is_named(patient: Patient) -> None:
    patient.app["private_key"] = {**patient.app["private_key"], "kid": "another"}
    assert is_failed(patient.found("keys"), "does not know the key id", "KID")


def test_a_key_that_is_not_the_public_one_s_is_named(patient: Patient) -> None:
    kid = patient.app["private_key"]["kid"]
    other = patient.sandbox.okta.new_app()["private_key"]
    patient.app["private_key"] = {**other, "kid": kid}
    assert is_failed(patient.found("keys"), "does not belong", "Client Credentials")


def test_a_client_id_that_okta_does_not_know_is_named(patient: Patient) -> None:
    patient.app["client_id"] = "0oa00000000000000000"
    assert is_failed(patient.found("token"), "no app with this client_id", "Client ID")


def test_an_org_that_cannot_be_reached_is_named(patient: Patient) -> None:
    patient.sandbox.okta.down()
    assert is_failed(patient.found("token"), "connection", "org_url")


def test_after_a_refusal_the_rest_is_said_not_to_be_checked(patient: Patient) -> None:
    patient.sandbox.okta.require_dpop(patient.app["client_id"])
    rest = patient.found("everything else")
    assert is_warned(rest, "Not checked: Okta gives the app no token.", "")


@pytest.mark.parametrize(
    ("ahead", "level"), [(5, "ok"), (120, "warning"), (-900, "failed"), (900, "failed")]
)
def test_a_clock_that_is_off_is_named_and_the_rest_goes_on(
    patient: Patient, ahead: float, level: str
) -> None:
    patient.sandbox.okta.set_clock_skew(ahead)
    found = patient.found("clock")
    assert found.level == level
    assert level == "ok" or "NTP" in found.remedy
    assert patient.found("people").level == "ok"


# The keys and the role


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_second_key_is_counted_where_the_app_may_read_that(
    patient: Patient, wrapped: bool
) -> None:
    patient.become("SUPER_ADMIN", "okta.apps.read", "okta.apps.manage")
    patient.sandbox.okta.set_keys_wrapped(wrapped)
    only = patient.found("keys")
    assert (only.level, "one of 1 key, of which 1 active" in only.says) == ("ok", True)
    _add_key(patient)
    assert is_warned(patient.found("keys"), "one of 2 keys", "Deactivate and delete")


@pytest.mark.parametrize("role", [None, "REPORT_ADMIN"])
def test_an_app_that_sees_nothing_is_named(patient: Patient, role: str | None) -> None:
    patient.become(role)
    assert is_failed(patient.found("admin role"), "sees no groups", "Admin roles")


def test_a_read_that_the_role_refuses_is_named(patient: Patient) -> None:
    patient.sandbox.okta.fail("GET /api/v1/users", "403", times=None)
    found = patient.found("admin role")
    assert is_failed(found, "may not read people", "Admin roles")


@pytest.mark.parametrize("role", ["SUPER_ADMIN", "ORG_ADMIN"])
def test_a_role_broader_than_needed_is_named(patient: Patient, role: str) -> None:
    patient.become(role, "okta.roles.read")
    assert is_warned(patient.found("admin role"), role, "take the broader one away")


def test_a_role_that_only_reads_is_named(patient: Patient) -> None:
    patient.become("READ_ONLY_ADMIN", "okta.roles.read")
    assert is_failed(patient.found("admin role"), "may only read", "Admin roles")


def test_group_rules_that_may_not_be_read_are_named(patient: Patient) -> None:
    patient.sandbox.okta.fail("GET /api/v1/groups/rules", "403", times=None)
    found = patient.found("group rules")
    assert is_failed(found, "403", "admin role")
    refused = patient.found("refused groups")
    assert is_warned(refused, "I cannot tell whether", "Leave them out")


def test_a_limit_that_is_nearly_used_up_is_named(patient: Patient) -> None:
    patient.sandbox.okta.require_limit("users", 1)
    assert is_warned(patient.found("rate limit"), "Of 1 calls", "Rate Limits")


# The groups, their owners, and the names in the policy


def test_no_group_in_any_flow_is_named(patient: Patient) -> None:
    patient.policy = {"prod-*": "production-*"}
    found = patient.found("groups")
    assert is_warned(found, "5 groups visible, 0 of them in a flow", "Widen")


@pytest.mark.parametrize(
    ("guard", "says"),
    [
        ("admin role", "carries an Okta admin role"),
        ("rule-managed", "is filled by an Okta group rule"),
        ("feeding", "puts its members into other groups"),
    ],
)
def test_groups_that_are_refused_are_counted_by_guard(
    patient: Patient, guard: str, says: str
) -> None:
    okta = patient.sandbox.okta
    causes: dict[str, Callable[[], object]] = {
        "admin role": partial(okta.set_group_admin, "prod-db"),
        "rule-managed": partial(okta.add_rule, "rule", ["prod-db"], "true"),
        "feeding": partial(
            okta.add_rule, "rule", ["db-owners"], 'isMemberOfGroupName("prod-db")'
        ),
    }
    causes[guard]()
    found = patient.found("refused groups")
    assert is_warned(found, says, "Leave them out")
    assert "1 group in flows refused, “prod-db”" in found.says


def test_a_group_that_owns_another_is_counted_as_refused(patient: Patient) -> None:
    patient.sandbox.okta.set_group("prod-db", resourceOwner="prod-logs")
    found = patient.found("refused groups")
    assert is_warned(found, "“prod-logs”: it decides who may approve", "Leave")


def test_an_attribute_that_no_group_has_is_named(patient: Patient) -> None:
    patient.policy = {"key: resourceOwner": "key: resource_owner"}
    found = patient.found("owner attribute")
    assert is_warned(found, "0 of 2 groups in flows have", "Profile Editor")


@pytest.mark.parametrize("owner", ["nobody-knows", "Idle"])
def test_owners_that_resolve_to_nobody_are_named(patient: Patient, owner: str) -> None:
    okta = patient.sandbox.okta
    okta.add_user("gone@example.com", status="SUSPENDED")
    okta.add_group("Idle", members=["gone@example.com"])
    okta.set_group("prod-db", resourceOwner=owner)
    found = patient.found("owners")
    assert is_warned(found, "Of 1 group looked at, 1 name no active owner", "attribute")
    assert "“prod-db”" in found.says


def test_an_owner_outside_the_bound_is_nobody(patient: Patient) -> None:
    bounded = 'attribute: group, only: [{group: "owners-*"}]'
    patient.policy = {"attribute: group": bounded}
    assert patient.found("owners").level == "warning"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("user", "olga@example.com"),
        ("user", "olga@mail.example"),
        ("profile.badge", "B7"),
    ],
)
def test_an_owner_may_be_a_person(patient: Patient, attribute: str, value: str) -> None:
    okta = patient.sandbox.okta
    okta.set_user("olga@example.com", email="olga@mail.example", badge="B7")
    okta.set_group("prod-db", resourceOwner=value)
    patient.policy = {"attribute: group": f"attribute: {attribute}"}
    assert patient.found("owners").level == "ok"


def test_a_name_that_leads_nowhere_is_named(patient: Patient) -> None:
    patient.policy = {"group: Engineering": "group: Enginering"}
    found = patient.found("names")
    assert is_failed(found, "“Enginering”", "Correct the name")


def test_a_name_that_leads_to_two_is_named(patient: Patient) -> None:
    patient.sandbox.okta.add_group("IAM Team")
    assert is_failed(patient.found("names"), "“IAM Team”", "write the id")


def test_a_name_that_leads_elsewhere_than_before_is_named(patient: Patient) -> None:
    database = patient.rows()
    pin = {"integration": "corp", "kind": "group", "name": "IAM Team", "id": "00gold"}
    database.transact(_keep_pin, pin)
    database.close()
    assert is_warned(patient.found("names"), "elsewhere than before", "renamed")


# The people


def test_people_who_are_nobody_in_okta_are_counted(patient: Patient) -> None:
    patient.sandbox.okta.set_user("rita@example.com", status="SUSPENDED")
    patient.sandbox.slack.add_person("gus", email="gus@example.com", guest=True)
    found = patient.found("people")
    assert is_warned(found, "Of 4 Slack accounts looked at, 1 is no", "agree")
    assert "“Rita”" in found.says


def test_people_who_are_two_in_okta_are_counted(patient: Patient) -> None:
    patient.sandbox.okta.add_user("rita.two@example.com", email="rita@example.com")
    patient.policy = {"match: IDENTITY": "match: email"}
    assert is_warned(patient.found("people"), "1 is several (“Rita”)", "refused")


def test_at_most_some_people_are_looked_up(patient: Patient) -> None:
    for number in range(40):
        patient.sandbox.slack.add_person(f"p{number}", email=f"p{number}@example.com")
    assert "Of 25 Slack accounts looked at, 21 are no" in patient.found("people").says


def test_who_is_named_to_answer_but_not_in_slack_is_counted(patient: Patient) -> None:
    okta = patient.sandbox.okta
    okta.add_user("nora@example.com", first="Nora", last="Nash")
    okta.add_member("IAM Team", "nora@example.com")
    found = patient.found("approvers")
    assert is_warned(found, "1 is not in Slack as themselves: “Nora Nash”", "Invite")


def test_a_guest_is_nobody_a_card_reaches(patient: Patient) -> None:
    sandbox = patient.sandbox
    sandbox.okta.add_user("gus@example.com", first="Gus", last="Gray")
    sandbox.okta.add_member("IAM Team", "gus@example.com")
    sandbox.slack.add_person("gus", email="gus@example.com", guest=True)
    assert is_warned(patient.found("approvers"), "“Gus Gray”", "Invite")


def test_where_an_attribute_says_who_is_who_it_must_be_filled(patient: Patient) -> None:
    patient.policy = {"match: IDENTITY": "attribute: slackId"}
    found = patient.found("approvers")
    assert is_warned(found, "not in Slack as themselves", "Invite")


def test_without_slack_it_is_not_said_who_is_reached(patient: Patient) -> None:
    patient.settings = {"slack_bot_token": ""}
    found = patient.found("approvers")
    assert found.says == "Not checked: Slack could not be asked."


def _add_key(patient: Patient) -> None:
    async def add() -> None:
        okta, path = patient.sandbox.okta, "/api/v1/apps/{}/credentials/jwks"
        async with OktaClient(
            okta.url,
            patient.credentials.read_text,
            ["okta.apps.manage"],
            timing=BRISK,
        ) as client:
            path = path.format(patient.app["client_id"])
            await client.request("POST", path, json=dict(new_key_pair().public))

    asyncio.run(add())


def _keep_pin(session: Session, pin: dict[str, str]) -> None:
    session.add(Pin(**pin, pinned_at=Clock()() - timedelta(days=1)))
