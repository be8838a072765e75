"""What the doctor says of a set-up that is well, and that it changes nothing."""

import asyncio
import hashlib
import re
from pathlib import Path

import pytest
import yaml

from bot.core.words import DirectoryRefused
from bot.okta.timing import OktaTiming
from bot.ops.doctor.witness import Witness
from bot.settings import Clock
from bot.slack.installation import SCOPES
from bot.store.database import only_runner
from bot.store.sqlite import FIRST_START
from tests.ops.conftest import ROOT, Patient

SET_UP = [
    *("settings", "policy", "policy file", "database", "run"),
    *("audit key", "audit", "removals", "frozen"),
]
SLACK = ["bot token", "scopes", "app token"]
OKTA = [
    *("credentials", "clock", "token", "DPoP", "keys", "scopes", "admin role"),
    *("group rules", "groups", "names", "refused groups", "owner attribute"),
    *("owners", "people", "approvers", "rate limit", "key use"),
]


def test_a_set_up_that_is_well_is_all_ok_and_in_order(patient: Patient) -> None:
    findings = patient.findings()
    assert [f for f in findings if f.level != "ok" or f.remedy] == []
    assert [f.check for f in findings if f.part == "set-up"] == SET_UP
    assert [f.check for f in findings if f.part == "slack"] == SLACK
    assert [f.check for f in findings if f.part == "corp"] == OKTA


def test_what_it_cannot_see_is_said_not_to_be_checked(patient: Patient) -> None:
    said = {f.check: f.says for f in patient.findings() if f.part == "corp"}
    assert "how many keys the app has is not checked" in said["keys"]
    assert "is not checked, since that takes okta.roles.read" in said["admin role"]
    slack = patient.found("scopes", "slack")
    assert "commands, events and tabs are not checked" in slack.says


def test_it_changes_nothing_anywhere(patient: Patient) -> None:
    patient.write()
    before, earlier = _pictures(patient.folder), len(patient.sandbox.okta.journal)
    patient.findings()
    assert _pictures(patient.folder) == before
    okta = patient.sandbox.okta.journal[earlier:]
    assert {call.method for call in okta if call.path != "/oauth2/v1/token"} == {"GET"}
    assert [call for call in okta if call.actual_change] == []
    slack = {call.method for call in patient.sandbox.slack.calls}
    looks = {"auth.test", "users.list", "users.lookupByEmail"}
    assert slack == {*looks, "apps.connections.open"}


def test_its_client_sends_nothing_but_reads(patient: Patient) -> None:
    patient.write()
    okta = patient.sandbox.okta

    async def change() -> None:
        async with Witness(
            okta.url,
            patient.credentials.read_text,
            timing=OktaTiming(),
            clock=Clock(),
        ) as client:
            await client.request("PUT", "/api/v1/groups/00g/users/00u")

    with pytest.raises(DirectoryRefused):
        asyncio.run(change())
    assert "PUT" not in {call.method for call in okta.journal}


def test_no_secret_is_in_what_it_says(patient: Patient) -> None:
    patient.settings = {"slack_bot_token": "xoxb-wrong-but-secret"}
    said = repr(patient.findings())
    key = patient.app["private_key"]
    slack = patient.sandbox.slack
    for secret in ("xoxb-wrong-but-secret", slack.app_token, key["d"]):
        assert secret not in said


def test_it_works_while_the_bot_runs_and_says_so(patient: Patient) -> None:
    assert "not running" in patient.found("run", "set-up").says
    database = patient.rows()
    with only_runner(database):
        assert "is alive" in patient.found("run", "set-up").says
    database.close()


def test_before_the_first_start_one_finding_says_so_and_the_rest_goes_on(
    patient: Patient,
) -> None:
    patient.database_file.unlink()
    patient.settings = {"audit_key": ""}
    findings = patient.findings()
    [failed] = [f for f in findings if f.level == "failed"]
    assert (failed.check, failed.remedy) == (
        "database",
        FIRST_START,
    )
    assert [f.check for f in findings if f.part == "corp"] == OKTA
    assert not patient.database_file.exists()


def test_the_scopes_it_wants_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))
    assert sorted(SCOPES) == sorted(manifest["oauth_config"]["scopes"]["bot"])


def test_every_check_that_can_fail_is_in_the_readme() -> None:
    code = "".join(p.read_text("utf-8") for p in (ROOT / "bot/ops/doctor").glob("*.py"))
    named = set(re.findall(r'\.(?:warning|failed|trying)\(\s*"([^"]+)"', code))
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition("\n### What `doctor` finds\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| ([\w ]+?) \|", section, re.MULTILINE))
    assert named - told == set()


def _pictures(folder: Path) -> dict[str, str]:
    """Return every file with its content's hash; SQLite's own two are left out."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    }
