"""A set-up that is well, for the doctor to look at: org, workspace, folder."""

import asyncio
import json
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app.examining import examine
from bot.okta.timing import OktaTiming
from bot.ops.doctor import Finding
from bot.sandbox import Sandbox
from bot.sandbox.okta import OktaOrg
from bot.sandbox.okta.apps import public_part
from bot.settings import Settings, Timing
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate
from tests.okta.keys import ec_key, jwk

ROOT = Path(__file__).parents[2]
AUDIT_KEY = "the audit key of the doctor's patient"
POLICY = """\
version: 1
admins: [{user: ada@example.com}, {user: ivan@example.com}]
identity: {match: IDENTITY}
integrations:
  - name: corp
    type: okta-group
    org_url: ORG
    credentials: file:CREDENTIALS
    owner: [{group: IAM Team}]
    resource_owner: [{key: resourceOwner, attribute: group}]
flows:
  - name: engineers
    integration: corp
    requesters: {any: [{group: Engineering}]}
    groups: {include: ["prod-*"]}
"""
BRISK = OktaTiming(
    deadline=timedelta(seconds=2),
    patience=timedelta(seconds=2),
    backoff=timedelta(milliseconds=5),
    after_reset=timedelta(milliseconds=50),
)


@dataclass
class Patient:
    """A set-up, and what the doctor finds of it. `settings` differ from the usual."""

    sandbox: Sandbox
    folder: Path
    app: dict[str, Any]
    policy: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def database_file(self) -> Path:
        return self.folder / "access-bot.db"

    @property
    def credentials(self) -> Path:
        return self.folder / "okta.json"

    @property
    def policy_file(self) -> Path:
        return self.folder / "access.yaml"

    def write(self) -> None:
        """Write what the settings name, as it is well."""
        self.credentials.touch(mode=0o600)
        self.credentials.write_text(json.dumps(self.app))
        text = POLICY.replace("ORG", self.sandbox.okta.url)
        text = text.replace("CREDENTIALS", str(self.credentials))
        for was, is_ in {**self.policy, "IDENTITY": "login"}.items():
            text = text.replace(was, is_)
        self.policy_file.write_text(text)
        self.policy_file.chmod(0o644)

    def as_settings(self) -> Settings:
        slack = self.sandbox.slack
        usual: dict[str, Any] = {
            "slack_bot_token": slack.bot_token,
            "slack_app_token": slack.app_token,
            "slack_api_url": f"{slack.url}/api/",
            "database_url": f"sqlite:///{self.database_file}",
            "access_config": self.policy_file,
            "audit_key": AUDIT_KEY,
        }
        return Settings(**(usual | self.settings))

    def findings(self) -> list[Finding]:
        """Return all that the doctor finds."""
        self.write_once()
        timing = Timing(slack_call=timedelta(seconds=2))
        return asyncio.run(examine(self.as_settings(), timing, BRISK))

    def write_once(self) -> None:
        if not self.policy_file.exists():
            self.write()

    def found(self, check: str, part: str = "corp") -> Finding:
        """Return the one finding of this check."""
        findings = self.findings()
        fitting = [f for f in findings if (f.part, f.check) == (part, check)]
        assert len(fitting) == 1, findings
        return fitting[0]

    def become(self, role: str | None, *scopes: str) -> None:
        """Let the bot's app have this role, and these scopes beside the usual."""
        okta, client_id = self.sandbox.okta, self.app["client_id"]
        okta.set_role(client_id, role)
        usual = ("okta.groups.manage", "okta.users.read")
        okta.set_scopes(client_id, [*usual, *scopes])

    def rows(self) -> Database:
        url = f"sqlite:///{self.database_file}"
        return open_database(url, chain=Chain(AUDIT_KEY.encode()))


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doctor") / "access-bot.db"
    migrate(f"sqlite:///{path}", Chain(AUDIT_KEY.encode()))
    return path


@pytest.fixture
def patient(
    sandbox: Sandbox,
    tmp_path: Path,
    _kept: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Patient:
    """A set-up with nothing wrong: the doctor finds all of it ok."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    shutil.copy(_kept, tmp_path / "access-bot.db")
    okta, slack = sandbox.okta, sandbox.slack
    slack.install(yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8")))
    for name in ("rita", "olga", "ivan", "ada"):
        okta.add_user(f"{name}@example.com")
        slack.add_person(name, email=f"{name}@example.com")
    okta.add_group("Engineering", members=["rita@example.com"])
    okta.add_group("IAM Team", members=["ivan@example.com"])
    okta.add_group("db-owners", members=["olga@example.com"])
    okta.add_group("prod-db", resourceOwner="db-owners")
    okta.add_group("prod-logs")
    return Patient(sandbox, tmp_path, _app_with_quick_key(okta))


def _app_with_quick_key(okta: OktaOrg) -> dict[str, Any]:
    """Return an app whose key is EC: the doctor parses it for each set of scopes."""
    app = okta.new_app()
    private = jwk(ec_key(), kid=app["private_key"]["kid"])
    [key] = okta.state.apps.apps[app["client_id"]].keys
    key.jwk = public_part(private)
    return {**app, "private_key": private}
