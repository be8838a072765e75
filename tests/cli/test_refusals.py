"""What is wrong with the set-up is one line, exit status 2, and no secret."""

import re
import socket
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy.exc import OperationalError

from bot.store import queries
from bot.store.database import only_runner
from tests.cli.conftest import AUDIT_KEY, SECRETS, Shell

READS = [("grants",), ("requests",), ("audit", "verify")]
FIRST_START = (
    "First start: access-bot migrate. Else check DATABASE_URL, and the folder that "
    "you are in."
)


@pytest.mark.parametrize("words", [("run",), *READS])
def test_before_the_first_start_every_command_says_how_to_start(
    shell: Shell, words: tuple[str, ...]
) -> None:
    said = shell.refuses(*words)
    assert said.endswith(f"There is no database at access-bot.db. {FIRST_START}")
    assert list(shell.folder.iterdir()) == [], "nothing is made on the way"


@pytest.mark.parametrize("words", [("run",), *READS])
def test_so_does_each_without_a_key_of_its_own(
    shell: Shell, words: tuple[str, ...]
) -> None:
    assert FIRST_START in shell.refuses(*words, AUDIT_KEY=None)
    assert list(shell.folder.iterdir()) == []


def test_an_empty_database_file_is_a_first_start(shell: Shell) -> None:
    shell.database_file.touch(mode=0o600)
    assert FIRST_START in shell.refuses("run")


def test_without_a_token_nothing_runs(ready: Shell) -> None:
    assert "SLACK_BOT_TOKEN is not set." in ready.refuses("run", SLACK_BOT_TOKEN=None)


def test_http_mode_does_not_run_without_a_signing_secret(ready: Shell) -> None:
    said = ready.refuses("run", SLACK_APP_TOKEN=None, SLACK_SIGNING_SECRET=None)
    assert "SLACK_SIGNING_SECRET is not set. Set it for HTTP mode" in said


def test_a_second_run_on_the_same_file_is_refused(ready: Shell) -> None:
    database = ready.rows()
    with only_runner(database):
        said = ready.refuses("run")
    database.close()
    assert "Another `access-bot run` already uses access-bot.db." in said


def test_a_port_that_is_taken_is_refused(ready: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = ready.refuses("run", PORT=str(taken.getsockname()[1]))
    assert "cannot be listened on: Address already in use." in said


def test_other_commands_work_beside_a_running_bot(ready: Shell) -> None:
    database = ready.rows()
    with only_runner(database):
        statuses = {words: ready.type(*words).exit_code for words in READS}
    database.close()
    assert set(statuses.values()) == {0}


@pytest.mark.parametrize("role", ["web", "worker"])
def test_sqlite_has_one_process_for_every_role(ready: Shell, role: str) -> None:
    said = ready.refuses("run", "--role", role)
    assert f"--role {role} needs PostgreSQL" in said


def test_a_role_that_does_not_exist_is_refused(shell: Shell) -> None:
    assert shell.type("run", "--role", "king").exit_code == 2


def test_a_wrong_policy_is_refused_by_file_line_and_key(ready: Shell) -> None:
    ready.write_policy("version: 1\nintegrations: []\nflws: []\n")
    result = ready.type("run")
    assert result.exit_code == 2
    assert "access.yaml:2:15 integrations: This list is empty." in result.stderr
    assert "access.yaml:3:1 flws: `flws` is not known here." in result.stderr
    assert "Did you mean `flows`?" in result.stderr
    assert "Traceback" not in result.output


def test_a_policy_that_is_not_there_is_refused(ready: Shell) -> None:
    said = ready.refuses("run", ACCESS_CONFIG="elsewhere.yaml")
    assert (
        "The policy elsewhere.yaml cannot be read: No such file or directory." in said
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite:////nowhere/at/all.db", "There is no database at /nowhere/at/all.db."),
        ("sqlite://", "DATABASE_URL names no file."),
        ("hunter2 is my password", "DATABASE_URL is not a database URL."),
        ("mysql://me:hunter2@db/access", "DATABASE_URL names mysql, which"),
        ("postgresql://me:hunter2@127.0.0.1:1/access", "access on 127.0.0.1 cannot"),
        ("env:NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE is not set or empty."),
    ],
)
def test_a_database_url_that_leads_nowhere_is_refused(
    shell: Shell, url: str, problem: str
) -> None:
    said = shell.refuses("run", DATABASE_URL=url)
    assert problem in said
    assert "hunter2" not in said


def test_a_database_that_cannot_be_created_is_refused(shell: Shell) -> None:
    said = shell.refuses("migrate", DATABASE_URL="sqlite:////nowhere/at/all.db")
    assert "/nowhere/at/all.db cannot be created: No such file or directory." in said


def test_a_key_that_cannot_be_made_is_refused(shell: Shell) -> None:
    url = "sqlite:////nowhere/at/all.db"
    said = shell.refuses("migrate", DATABASE_URL=url, AUDIT_KEY=None)
    assert "The audit key /nowhere/at/all.db.key cannot be made" in said


def test_a_file_that_is_no_database_is_refused(shell: Shell) -> None:
    shell.database_file.touch(mode=0o600)
    shell.database_file.write_text("Dear diary, today I lost a database. " * 100)
    assert "access-bot.db cannot be opened." in shell.refuses("grants")


def test_the_database_of_another_program_is_refused(shell: Shell) -> None:
    shell.database_file.touch(mode=0o600)
    with sqlite3.connect(shell.database_file) as connection:
        connection.execute("create table recipes (name text)")
    connection.close()
    assert "belongs to another program." in shell.refuses("migrate")


def test_a_database_that_others_can_read_is_refused(ready: Shell) -> None:
    ready.database_file.chmod(0o644)
    said = ready.refuses("grants")
    assert "can be read by others" in said
    assert "chmod 600 access-bot.db" in said


def test_a_database_that_breaks_under_a_command_is_told_in_its_own_words(
    ready: Shell,
) -> None:
    ready.by_hand("alter table access_grant rename to elsewhere")
    ready.by_hand("create table access_grant (id text)")
    said = ready.refuses("grants")
    assert "The database cannot be used: no such column" in said
    assert "SELECT" not in said


@pytest.mark.parametrize("reference", ["file:/nowhere/key", "env:NO_SUCH_KEY"])
def test_an_audit_key_that_cannot_be_read_is_refused(
    ready: Shell, reference: str
) -> None:
    said = ready.refuses("run", AUDIT_KEY=reference)
    assert "/nowhere/key" in said or "NO_SUCH_KEY" in said


def test_a_lost_audit_key_is_not_made_anew(shell: Shell) -> None:
    assert shell.type("migrate", AUDIT_KEY=None).exit_code == 0
    key = shell.folder / "access-bot.db.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()
    for words in (("migrate",), ("run",), ("audit", "verify")):
        said = shell.refuses(*words, AUDIT_KEY=None)
        assert "there is no key at access-bot.db.key" in said
    assert not key.exists()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("PORT", "eighty", "PORT is not what it should be: a number from 0 to 65535."),
        ("PORT", "70000", "PORT is not what it should be"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is not text or json."),
        ("SLACK_API_URL", "http://slack.com/api/", "SLACK_API_URL is not an https"),
        ("SLACK_API_URL", "slack.com", "SLACK_API_URL is not an https address"),
    ],
)
@pytest.mark.parametrize("words", [("run",), ("migrate",), ("grants",)])
def test_a_wrong_setting_is_named_in_plain_words(
    shell: Shell, words: tuple[str, ...], name: str, value: str, problem: str
) -> None:
    said = shell.refuses(*words, **{name: value})
    assert problem in said
    assert said.endswith("See the table of settings in the README.")


def test_every_wrong_setting_is_named_at_once(shell: Shell) -> None:
    said = shell.refuses("run", PORT="eighty", LOG_FORMAT="xml")
    assert "PORT is not" in said
    assert "LOG_FORMAT is not" in said


def test_a_fault_of_this_program_shows_no_traceback_unless_asked(
    ready: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"with {SECRETS['SLACK_BOT_TOKEN']} in it")

    monkeypatch.setattr(queries, "grants", broken)
    quiet = ready.type("grants")
    assert quiet.exit_code == 70
    assert "A fault of this program stopped it (RuntimeError, reference" in quiet.stderr
    assert "Traceback" not in quiet.output
    loud = ready.type("--debug", "grants")
    assert "in broken" in loud.stderr
    assert SECRETS["SLACK_BOT_TOKEN"] not in quiet.output + loud.output


def test_a_database_error_does_not_repeat_what_was_asked(
    ready: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        cause = sqlite3.OperationalError("database is locked")
        raise OperationalError("SELECT justification", {"why": AUDIT_KEY}, cause)

    monkeypatch.setattr(queries, "grants", locked)
    said = ready.refuses("grants")
    assert "The database cannot be used: database is locked." in said


def test_ctrl_c_is_quiet(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(queries, "grants", interrupted)
    result = ready.type("grants")
    assert (result.exit_code, result.output) == (130, "")


def test_python_m_bot_is_the_same_as_access_bot(shell: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "grants"],
        cwd=shell.folder,
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    said = f"access-bot: There is no database at access-bot.db. {FIRST_START}\n"
    assert done.stderr == said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("/etc/access-bot/audit-key", "looks like the place of a key"),
        ("fil:/etc/access-bot/audit-key", "looks like the place of a key"),
        ("x", "has fewer than 16 characters"),
    ],
)
def test_the_place_of_a_key_is_no_key(shell: Shell, given: str, says: str) -> None:
    assert says in shell.refuses("migrate", AUDIT_KEY=given)
    assert not shell.database_file.exists()


def test_the_version_is_told(shell: Shell) -> None:
    result = shell.type("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"access-bot \d+\.\d+\.\d+\n", result.stdout)
