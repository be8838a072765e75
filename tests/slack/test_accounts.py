"""Who may act at all, from Slack's user object alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.slack import SlackWorkspace
from bot.slack.accounts import PAGE, as_account, read_account, read_accounts
from bot.slack.errors import SlackRefused, SlackSaidNo, SlackUnavailable
from tests.slack.conftest import Cast
from tests.slack.stage import Stage

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TEAM = "T0OURS"
MEMBER: dict[str, Any] = {
    "id": "U0ALICE",
    "team_id": TEAM,
    "name": "alice",
    "real_name": "Alice",
    "tz": "Europe/Paris",
    "deleted": False,
    "is_bot": False,
    "is_app_user": False,
    "is_restricted": False,
    "is_ultra_restricted": False,
    "is_email_confirmed": True,
    "profile": {"email": "alice@example.com"},
}
FLAGS = [name for name in MEMBER if name == "deleted" or name.startswith("is_")]


def test_a_full_member_may_act() -> None:
    account = as_account(MEMBER, TEAM, NOW)
    assert account.refusal is None
    assert account.email == "alice@example.com"
    assert (account.team_id, account.slack_id) == (TEAM, "U0ALICE")
    assert (account.name, account.time_zone) == ("Alice", "Europe/Paris")
    assert account.read_at == NOW


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"is_restricted": True}, "Guests"),
        ({"is_ultra_restricted": True}, "Guests"),
        ({"is_restricted": True, "is_ultra_restricted": True}, "Guests"),
        ({"is_stranger": True}, "other workspaces"),
        ({"team_id": "T0THEIRS"}, "other workspaces"),
        ({"is_bot": True}, "Bots"),
        ({"is_workflow_bot": True}, "Bots"),
        ({"is_app_user": True}, "Apps"),
        ({"deleted": True}, "deactivated"),
        ({"is_invited_user": True}, "invitation"),
        ({"is_email_confirmed": False}, "Confirm the e-mail"),
    ],
)
def test_who_is_no_full_member_is_refused(flags: dict[str, Any], says: str) -> None:
    assert says in (as_account(MEMBER | flags, TEAM, NOW).refusal or "")


@pytest.mark.parametrize("flag", [*FLAGS, "team_id"])
@pytest.mark.parametrize("lost", ["missing", None, 0, ""])
def test_a_flag_that_is_not_there_is_not_false(flag: str, lost: object) -> None:
    user = {name: value for name, value in MEMBER.items() if name != flag}
    if lost != "missing":
        user[flag] = lost
    assert as_account(user, TEAM, NOW).refusal


@pytest.mark.parametrize("flag", ["is_stranger", "is_invited_user", "is_workflow_bot"])
def test_a_flag_sent_only_when_true_is_not_missed(flag: str) -> None:
    assert as_account(MEMBER | {flag: False}, TEAM, NOW).refusal is None
    for value in (True, None, "false", 0):
        assert as_account(MEMBER | {flag: value}, TEAM, NOW).refusal


def test_an_address_nobody_confirmed_is_not_kept() -> None:
    unconfirmed = MEMBER | {"is_email_confirmed": False}
    assert as_account(unconfirmed, TEAM, NOW).email is None


def test_a_deactivated_account_that_lost_its_flags_says_it_is_deactivated() -> None:
    user = {"id": "U0GONE", "team_id": TEAM, "deleted": True}
    assert "deactivated" in (as_account(user, TEAM, NOW).refusal or "")


def test_the_whole_workspace_is_read_in_pages(
    quiet_stage: Stage, cast: Cast, slack: SlackWorkspace
) -> None:
    for number in range(PAGE):
        slack.add_person(f"person{number}")
    client = quiet_stage.desk.client
    found = quiet_stage.run(read_accounts(client, slack.team_id, NOW))
    assert {cast.alice, cast.olga} <= {account.slack_id for account in found}
    assert len({account.slack_id for account in found}) >= PAGE + 5


def test_a_page_that_fails_is_no_reading(
    quiet_stage: Stage, slack: SlackWorkspace
) -> None:
    for number in range(PAGE):
        slack.add_person(f"person{number}")
    slack.fail("users.list", "500", skip=1)
    with pytest.raises(SlackUnavailable):
        quiet_stage.run(read_accounts(quiet_stage.desk.client, slack.team_id, NOW))
    slack.revoke_token()
    with pytest.raises(SlackRefused):
        quiet_stage.run(read_accounts(quiet_stage.desk.client, slack.team_id, NOW))
    slack.restore_token()


def test_one_account_is_read_or_it_is_said_why_not(
    quiet_stage: Stage, slack: SlackWorkspace
) -> None:
    nina = slack.add_person("nina", email="nina@example.com")
    client, team = quiet_stage.desk.client, slack.team_id
    account = quiet_stage.run(read_account(client, team, nina, NOW))
    assert account.email == "nina@example.com"
    with pytest.raises(SlackSaidNo, match="user_not_found"):
        quiet_stage.run(read_account(client, team, "U0NOBODY00", NOW))
    slack.fail("users.info", "timeout_before")
    soon = timedelta(milliseconds=50)
    with pytest.raises(SlackUnavailable):
        quiet_stage.run(read_account(client, team, nina, NOW, within=soon))
    slack.mend()
