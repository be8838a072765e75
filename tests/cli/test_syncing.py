"""sync: what is read, what is said, and what is kept when it cannot be read."""

import json
from datetime import UTC, datetime

import pytest
from sqlmodel import select

from bot.core.catalogue import load
from bot.sandbox import Sandbox
from bot.store.files import keep_file
from bot.store.tables import OktaGroup, SlackAccount
from tests.cli.conftest import POLICY, Shell


@pytest.fixture
def connected(ready: Shell, sandbox: Sandbox) -> Shell:
    """A shell whose policy and settings lead to the sandbox, with three groups."""
    for name in ("prod-db", "prod-logs", "Engineering"):
        sandbox.okta.add_group(name)
    sandbox.slack.add_person("ann", email="ann@example.com")
    ready.write_policy(POLICY.replace("https://corp.okta.com", sandbox.okta.url))
    ready.settings |= {
        "OKTA_CREDENTIALS": json.dumps(sandbox.okta.new_app()),
        "SLACK_API_URL": f"{sandbox.slack.url}/api/",
        "SLACK_BOT_TOKEN": sandbox.slack.bot_token,
    }
    return ready


def groups(shell: Shell) -> set[str]:
    database = shell.rows()
    rows = database.look(lambda session: session.exec(select(OktaGroup)).all())
    database.close()
    return {row.name for row in rows if row.gone_at is None}


def test_groups_and_people_are_read_and_counted(connected: Shell) -> None:
    result = connected.type("sync")
    assert result.exit_code == 0, result.output
    assert "corp: 3 groups are known." in result.stdout
    assert groups(connected) == {"prod-db", "prod-logs", "Engineering"}
    database = connected.rows()
    met = database.look(lambda session: session.exec(select(SlackAccount)).all())
    database.close()
    assert f"{len(met)} Slack accounts are known." in result.stdout
    assert "ann@example.com" in {account.email for account in met}


def test_far_fewer_groups_are_not_believed_unless_told_to(
    connected: Shell, sandbox: Sandbox
) -> None:
    connected.type("sync")
    for name in ("prod-db", "prod-logs"):
        sandbox.okta.delete_group(name)
    result = connected.type("sync")
    assert (result.exit_code, len(groups(connected))) == (1, 3)
    assert "access-bot sync --believe-fewer" in result.stdout
    result = connected.type("sync", "--believe-fewer")
    assert (result.exit_code, groups(connected)) == (0, {"Engineering"})


def test_an_org_that_does_not_answer_is_one_line(
    connected: Shell, sandbox: Sandbox
) -> None:
    sandbox.okta.fail("GET /api/v1/groups", "403", times=None)
    said = connected.refuses("sync")
    assert said.startswith("access-bot: corp could not be read: ")
    assert said.endswith("The old picture stays. Check the set-up, and try again.")


def test_a_slack_that_does_not_take_the_token_is_one_line(
    connected: Shell, sandbox: Sandbox
) -> None:
    sandbox.slack.revoke_token()
    said = connected.refuses("sync")
    assert said.startswith("access-bot: The people of Slack could not be read: ")


def test_without_a_token_it_says_which(connected: Shell) -> None:
    said = connected.refuses("sync", SLACK_BOT_TOKEN="")
    assert "SLACK_BOT_TOKEN is not set." in said


def test_a_wrong_file_is_refused_before_the_first_start(connected: Shell) -> None:
    connected.write_policy("version: 1\n")
    assert "access.yaml" in connected.refuses("sync")


def test_the_policy_in_force_is_followed_while_the_file_is_wrong(
    connected: Shell,
) -> None:
    text = (connected.folder / "access.yaml").read_text()
    database = connected.rows()
    hash_ = load(text).hash
    now = datetime.now(UTC)
    database.transact(
        lambda session: keep_file(session, text, hash_, by="bot", now=now)
    )
    database.close()
    connected.write_policy("version: 1\n")
    assert connected.type("sync").exit_code == 0
