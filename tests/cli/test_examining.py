"""doctor: what is printed, what programs get, and the exit status."""

import json

import pytest
import yaml

from bot.sandbox import Sandbox
from tests.cli.conftest import POLICY, Shell
from tests.test_project import ROOT


@pytest.fixture
def connected(ready: Shell, sandbox: Sandbox) -> Shell:
    """A shell whose set-up is well."""
    okta, slack = sandbox.okta, sandbox.slack
    slack.install(yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8")))
    for name in ("ada", "ivan"):
        slack.add_person(name, email=f"{name}@example.com")
        okta.add_user(f"{name}@example.com")
    for name in ("Engineering", "prod-db"):
        okta.add_group(name)
    ready.write_policy(POLICY.replace("https://corp.okta.com", okta.url))
    ready.settings |= {
        "OKTA_CREDENTIALS": json.dumps(okta.new_app()),
        "SLACK_API_URL": f"{slack.url}/api/",
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
    }
    return ready


def test_a_set_up_that_is_well_is_all_ok_in_words(connected: Shell) -> None:
    result = connected.type("doctor")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "All ok: 28 checks."
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert [line[0] for line in lines].count("OK") == 28


def test_a_failure_is_told_with_its_remedy_and_the_status(
    connected: Shell, sandbox: Sandbox
) -> None:
    sandbox.slack.set_scopes("chat:write", "commands", "users:read")
    result = connected.type("doctor")
    assert result.exit_code == 1
    [line] = [one for one in result.stdout.splitlines() if "FAILED" in one]
    assert "lacks users:read.email" in line
    assert "reinstall it." in line
    assert result.stdout.splitlines()[-1].startswith("1 failed, ")


def test_a_warning_alone_is_no_failure(connected: Shell, sandbox: Sandbox) -> None:
    sandbox.okta.set_clock_skew(120)
    result = connected.type("doctor")
    assert result.exit_code == 0
    assert "WARNING" in result.stdout
    assert result.stdout.splitlines()[-1] == "0 failed, 1 warning, 27 ok."


def test_programs_get_every_finding(connected: Shell, sandbox: Sandbox) -> None:
    sandbox.okta.set_clock_skew(120)
    told = json.loads(connected.type("doctor", "--json").stdout)
    assert (told["ok"], told["counts"]) == (True, {"failed": 0, "warning": 1, "ok": 27})
    [clock] = [one for one in told["findings"] if one["check"] == "clock"]
    assert clock == {
        "part": "corp",
        "check": "clock",
        "level": "warning",
        "says": clock["says"],
        "remedy": "Set this machine's clock by NTP.",
    }


def test_programs_get_the_status_too(connected: Shell, sandbox: Sandbox) -> None:
    sandbox.okta.down()
    result = connected.type("doctor", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["ok"] is False


def test_a_group_s_name_cannot_write_to_the_terminal(
    connected: Shell, sandbox: Sandbox
) -> None:
    sandbox.okta.set_group_admin(sandbox.okta.add_group("prod-\x1b[2J[red]"))
    result = connected.type("doctor")
    assert "\x1b" not in result.stdout
    assert "prod-\\x1b[2J[red]" in result.stdout


def test_settings_that_are_wrong_let_it_not_begin(shell: Shell) -> None:
    assert "PORT is not" in shell.refuses("doctor", PORT="eighty")


def test_an_empty_folder_is_told_what_is_missing(
    shell: Shell, sandbox: Sandbox
) -> None:
    result = shell.type("doctor", SLACK_API_URL=f"{sandbox.slack.url}/api/")
    assert result.exit_code == 1
    assert "First start: access-bot migrate." in result.stdout
    assert "Set ACCESS_CONFIG to its path." in result.stdout
    assert list(shell.folder.iterdir()) == []
