"""keys new and keys status: what is written, what is shown, what Okta says."""

import json
from typing import Any

import pytest

from bot.core.words import SettingError
from bot.okta.credentials import Credentials
from bot.sandbox import Sandbox
from tests.cli.conftest import POLICY, Shell

PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}


@pytest.fixture
def connected(shell: Shell, sandbox: Sandbox) -> Shell:
    """A shell whose policy leads to an app in the sandbox, its key in okta.json."""
    policy = POLICY.replace("https://corp.okta.com", sandbox.okta.url)
    shell.write_policy(policy.replace("env:OKTA_CREDENTIALS", "file:okta.json"))
    write(shell, sandbox.okta.new_app())
    return shell


def write(shell: Shell, credentials: dict[str, Any]) -> None:
    path = shell.folder / "okta.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(credentials))


def test_a_new_key_is_written_for_its_owner_and_its_public_half_shown(
    shell: Shell,
) -> None:
    result = shell.type("keys", "new", "--client-id", "0oaours")
    assert result.exit_code == 0
    public = json.loads(result.stdout)
    path = shell.folder / "okta.json"
    assert path.stat().st_mode & 0o777 == 0o600
    written = json.loads(path.read_text())
    assert written["client_id"] == "0oaours"
    assert PRIVATE & public.keys() == set()
    assert {**written["private_key"], **public} == written["private_key"]
    for name in PRIVATE:
        assert written["private_key"][name] not in result.output
    credentials = Credentials.parse(path.read_text())
    assert (credentials.kid, credentials.key.key_size) == (public["kid"], 2048)
    assert "Client Credentials > Edit > Add key" in result.stderr


def test_without_a_client_id_the_file_is_refused_until_it_is_written_in(
    shell: Shell,
) -> None:
    result = shell.type("keys", "new")
    assert "write the app's Client ID into okta.json" in result.stderr
    with pytest.raises(SettingError, match="have no client_id"):
        Credentials.parse((shell.folder / "okta.json").read_text())


def test_no_file_is_ever_written_over(shell: Shell) -> None:
    path = shell.folder / "mine.json"
    path.write_text("the key in use")
    said = shell.refuses("keys", "new", "--out", "mine.json")
    assert "There is a file mine.json already." in said
    assert path.read_text() == "the key in use"


def test_a_link_is_not_followed(shell: Shell) -> None:
    (shell.folder / "link.json").symlink_to(shell.folder / "elsewhere.json")
    shell.refuses("keys", "new", "--out", "link.json")
    assert not (shell.folder / "elsewhere.json").exists()


def test_a_place_where_nothing_can_be_written_is_refused(shell: Shell) -> None:
    said = shell.refuses("keys", "new", "--out", "nowhere/okta.json")
    assert "nowhere/okta.json cannot be made: No such file" in said


def test_two_keys_are_two(shell: Shell) -> None:
    kids = {
        json.loads(shell.type("keys", "new", "--out", name).stdout)["kid"]
        for name in ("one.json", "two.json")
    }
    assert len(kids) == 2


def test_an_accepted_key_is_said_to_be(connected: Shell) -> None:
    result = connected.type("keys", "status")
    assert result.exit_code == 0, result.output
    [line] = [
        one for one in result.stdout.splitlines() if one.strip().startswith("corp")
    ]
    assert "accepted" in line
    assert "not known" in line


def test_since_when_is_told_where_the_app_may_read_it(
    connected: Shell, sandbox: Sandbox
) -> None:
    app = sandbox.okta.new_app(
        ["okta.groups.manage", "okta.users.read", "okta.apps.read"], role="ORG_ADMIN"
    )
    write(connected, app)
    [told] = json.loads(connected.type("keys", "status", "--json").stdout)
    since = told.pop("since")
    assert since.startswith("20")
    assert told == {
        "integration": "corp",
        "client_id": app["client_id"],
        "kid": app["private_key"]["kid"],
        "accepted": True,
        "problem": "",
        "remedy": "",
    }


def test_a_key_that_okta_does_not_accept_is_said_why(
    connected: Shell, sandbox: Sandbox
) -> None:
    app = sandbox.okta.new_app()
    write(connected, {**app, "private_key": {**app["private_key"], "kid": "old"}})
    result = connected.type("keys", "status")
    assert result.exit_code == 1
    assert "NOT ACCEPTED" in result.stdout
    assert "does not know the key id" in result.stdout


def test_a_key_that_cannot_be_read_is_not_accepted(connected: Shell) -> None:
    (connected.folder / "okta.json").chmod(0o644)
    [told] = json.loads(connected.type("keys", "status", "--json").stdout)
    assert (told["accepted"], told["kid"]) == (False, "")
    assert told["remedy"] == "Run: chmod 600 okta.json"


def test_while_okta_is_down_nothing_is_known(
    connected: Shell, sandbox: Sandbox
) -> None:
    sandbox.okta.fail("/oauth2/v1/token", "503", times=None)
    result = connected.type("keys", "status", "--json")
    assert result.exit_code == 1
    [told] = json.loads(result.stdout)
    assert (told["accepted"], told["since"]) == (None, None)
