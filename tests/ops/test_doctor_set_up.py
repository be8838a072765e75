"""Each thing that can be wrong on this machine and in Slack, with its remedy."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.core.words import Cause, GrantStatus
from bot.settings import Clock
from bot.store import audit, replicas
from bot.store.database import Database, only_runner
from bot.store.moves import move
from tests.conftest import postgres_alone
from tests.hand import by_hand
from tests.ops.conftest import Patient
from tests.ops.test_doctor_okta import is_failed, is_warned
from tests.store import rows


def test_a_policy_that_is_wrong_is_named_and_slack_is_looked_at(
    patient: Patient,
) -> None:
    patient.policy = {"version: 1": "version: 2"}
    findings = patient.findings()
    [failed] = [f for f in findings if f.level == "failed"]
    assert failed.check == "policy"
    assert failed.says.startswith("The policy has 1 problem, the first: access.yaml:1:")
    assert "access-bot config check" in failed.remedy
    assert "bot token" in {f.check for f in findings if f.part == "slack"}


def test_a_policy_that_is_not_there_is_named(patient: Patient) -> None:
    patient.write()
    patient.settings = {"access_config": str(patient.folder / "nowhere.yaml")}
    found = patient.found("policy", "set-up")
    assert is_failed(found, "cannot be read", "ACCESS_CONFIG")


def test_what_the_policy_surely_does_not_mean_is_a_warning(patient: Patient) -> None:
    patient.write()
    text = patient.policy_file.read_text().partition("flows:")[0]
    patient.policy_file.write_text(text)
    assert is_warned(patient.found("policy", "set-up"), "No flow uses", "config check")


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_policy_that_others_can_change_is_a_warning(
    patient: Patient, mode: int
) -> None:
    patient.write()
    patient.policy_file.chmod(mode)
    found = patient.found("policy file", "set-up")
    assert is_warned(found, "can be changed by others", "chmod go-w")


def test_a_database_that_others_can_read_is_named(patient: Patient) -> None:
    patient.database_file.chmod(0o644)
    found = patient.found("database", "set-up")
    assert is_failed(found, "can be read by others", "chmod 600")


def test_a_database_without_tables_is_named(patient: Patient) -> None:
    patient.database_file.write_bytes(b"")
    assert is_failed(patient.found("database", "set-up"), "is empty", "migrate")


def test_a_key_beside_the_database_is_a_warning(patient: Patient) -> None:
    patient.settings = {"audit_key": ""}
    key = patient.folder / "access-bot.db.key"
    key.touch(mode=0o600)
    key.write_text("made beside it")
    found = patient.found("audit key", "set-up")
    assert is_warned(found, "lies beside the database", "Set AUDIT_KEY")
    key.chmod(0o644)
    found = patient.found("audit key", "set-up")
    assert is_failed(found, "can be read by others", "chmod 600")


def test_a_lost_audit_key_is_named(patient: Patient) -> None:
    patient.settings = {"audit_key": ""}
    found = patient.found("audit key", "set-up")
    assert is_failed(found, "there is no key at", "put that file back")


def test_an_audit_key_that_does_not_fit_is_named(patient: Patient) -> None:
    database = patient.rows()
    database.transact(audit.record, "looked at", by="test", now=Clock()())
    database.close()
    assert patient.found("audit key", "set-up").level == "ok"
    patient.settings = {"audit_key": "another key altogether"}
    found = patient.found("audit key", "set-up")
    assert is_failed(found, "does not fit", "the database began with")


def test_a_secret_that_cannot_be_read_is_named_by_its_setting(
    patient: Patient,
) -> None:
    patient.settings = {"slack_app_token": "env:NO_SUCH_TOKEN"}
    found = patient.found("SLACK_APP_TOKEN", "set-up")
    assert is_failed(found, "NO_SUCH_TOKEN is not set", "Set NO_SUCH_TOKEN")


# Slack


def test_a_bot_token_that_is_not_set_is_named(patient: Patient) -> None:
    patient.settings = {"slack_bot_token": ""}
    found = patient.found("bot token", "slack")
    assert is_failed(found, "SLACK_BOT_TOKEN is not set", "xoxb-")


def test_a_bot_token_that_slack_does_not_take_is_named(patient: Patient) -> None:
    patient.sandbox.slack.revoke_token()
    found = patient.found("bot token", "slack")
    assert is_failed(found, "token_revoked", "Reinstall the app")


def test_a_slack_that_does_not_answer_is_named(patient: Patient) -> None:
    patient.sandbox.slack.down()
    found = patient.found("bot token", "slack")
    assert is_failed(found, "Slack does not answer", "status page")
    assert is_warned(patient.found("people"), "Not checked", "")


def test_a_scope_that_is_missing_is_named(patient: Patient) -> None:
    patient.sandbox.slack.set_scopes("chat:write", "commands", "users:read")
    found = patient.found("scopes", "slack")
    assert is_failed(found, "lacks users:read.email", "manifest.yml")


def test_a_scope_too_many_is_a_warning(patient: Patient) -> None:
    patient.sandbox.slack.set_scopes(
        *("chat:write", "commands", "users:read", "users:read.email", "im:history")
    )
    found = patient.found("scopes", "slack")
    assert is_warned(found, "im:history", "manifest.yml")


def test_an_app_token_that_slack_does_not_take_is_named(patient: Patient) -> None:
    patient.settings = {"slack_app_token": patient.sandbox.slack.bot_token}
    found = patient.found("app token", "slack")
    assert is_failed(found, "not_allowed_token_type", "connections:write")


def test_in_http_mode_the_secret_is_said_not_to_be_checked(patient: Patient) -> None:
    patient.settings = {"slack_app_token": "", "slack_signing_secret": "something"}
    found = patient.found("signing secret", "slack")
    assert is_warned(found, "Not checked: HTTP mode", "Type /access")


def test_neither_socket_nor_http_is_named(patient: Patient) -> None:
    patient.settings = {"slack_app_token": ""}
    found = patient.found("signing secret", "slack")
    assert is_failed(found, "Neither SLACK_APP_TOKEN nor", "SLACK_SIGNING_SECRET")


@pytest.mark.parametrize(
    ("since", "level"),
    [(timedelta(minutes=1), "warning"), (timedelta(minutes=6), "failed")],
)
def test_a_removal_that_is_late_is_a_failure_once_it_is_no_matter_of_the_moment(
    patient: Patient, since: timedelta, level: str
) -> None:
    database = patient.rows()
    database.transact(_revoked, Clock()() - since)
    database.close()
    found = patient.found("removals", "set-up")
    assert (found.level, "1 membership should" in found.says) == (level, True)


def _revoked(session: Session, at: datetime) -> None:
    grant = rows.grant(session, "g", expires_at=at + timedelta(days=7))
    move(session, grant, GrantStatus.ACTIVE, by="bot", now=at, active_at=at)
    ends: dict[str, Any] = {"cause": Cause.REVOKED, "revoking_at": at}
    move(session, grant, GrantStatus.REVOKING, by="bot", now=at, **ends)


def test_a_bot_that_does_not_run_while_something_is_held_is_a_warning(
    patient: Patient,
) -> None:
    database = patient.rows()
    database.transact(rows.grant, "g")
    found = patient.found("run", "set-up")
    assert is_warned(found, "not running, and 1 grant would not end", "access-bot run")
    with only_runner(database):
        assert patient.found("run", "set-up").level == "ok"
    database.close()


@postgres_alone
def test_on_postgresql_a_worker_that_is_alive_is_a_bot_that_runs(
    patient: Patient, database: Database, database_url: str
) -> None:
    patient.settings = {"database_url": database_url}
    database.transact(rows.grant, "g")
    assert patient.found("run", "set-up").level == "warning"
    database.transact(replicas.beat, "one", timedelta(seconds=10), Clock()())
    assert patient.found("run", "set-up").level == "ok"


def test_a_policy_without_admins_is_a_warning(patient: Patient) -> None:
    patient.policy = {"admins:": "# admins:"}
    found = patient.found("policy", "set-up")
    assert is_warned(found, "names no admins", "access.yaml")


def test_an_audit_that_does_not_verify_is_named(patient: Patient) -> None:
    database = patient.rows()
    for _ in range(3):
        database.transact(audit.record, "looked at", by="test", now=Clock()())
    assert patient.found("audit", "set-up").level == "ok"
    by_hand(database, "delete from event where seq = 2")
    database.close()
    assert is_failed(patient.found("audit", "set-up"), "not verify", "audit verify")
