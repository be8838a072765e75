"""The stage: an Okta org, a Slack workspace, and a folder for the bot."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import Sandbox

GROUP = "prod-db-read"
HELD_FOR = 12
WARNED_BEFORE = 5
CLEANED_UP_AFTER = 4

POLICY = """\
version: 1
admins:
  - user: ada@example.com
  - user: ivan@example.com
integrations:
  - name: corp-okta
    type: okta-group
    org_url: {org_url}
    credentials: file:{credentials}
    owner:
      - group: IAM Team
    resource_owner:
      - key: resourceOwner
        attribute: group
    custom_access_details: |
      Connect to the VPN, then open https://grafana.example.com
    user_cleanup: {{after: {cleaned_up_after}s, action: forget}}
flows:
  - name: engineers to production
    integration: corp-okta
    requesters: {{any: [{{group: Engineering}}]}}
    groups: {{include: ["prod-*"]}}
    duration: {{default: {held_for}s, max: 1h, choices: [{held_for}s, 30m, 1h]}}
    justification:
      required: true
      pattern: "[A-Z]+-[0-9]+"
      hint: Name the ticket, such as OPS-12
    approval:
      - any_of: [owner]
    warn_before: [{warned_before}s]
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Who is on it, as Slack ids, and what the bot is told to run with."""

    sandbox: Sandbox
    folder: Path
    rita: str
    olga: str
    gus: str
    environment: dict[str, str]

    @property
    def names(self) -> dict[str, str]:
        """The people by their Slack id."""
        return {self.rita: "Rita", self.olga: "Olga", self.gus: "Gus"}


def set_stage(sandbox: Sandbox, folder: Path) -> Stage:
    """Fill the org and the workspace, write policy and credentials to `folder`."""
    people = {
        name: sandbox.slack.add_person(
            name, email=f"{name}@example.com", real_name=full
        )
        for name, full in (
            ("rita", "Rita Reyes"),
            ("olga", "Olga Ortiz"),
            ("ivan", "Ivan Ito"),
            ("ada", "Ada Admin"),
        )
    }
    gus = sandbox.slack.add_person("gus", email="gus@elsewhere.example", guest=True)
    _fill_org(sandbox)
    return Stage(
        sandbox=sandbox,
        folder=folder,
        rita=people["rita"],
        olga=people["olga"],
        gus=gus,
        environment=_environment(sandbox, folder),
    )


def _fill_org(sandbox: Sandbox) -> None:
    org = sandbox.okta
    for login, first, last in (
        ("rita@example.com", "Rita", "Reyes"),
        ("olga@example.com", "Olga", "Ortiz"),
        ("ivan@example.com", "Ivan", "Ito"),
        ("ada@example.com", "Ada", "Admin"),
    ):
        org.add_user(login, first=first, last=last)
    org.add_group("Engineering", members=["rita@example.com", "olga@example.com"])
    org.add_group("IAM Team", members=["ivan@example.com"])
    org.add_group("db-owners", members=["olga@example.com"])
    org.add_group(
        GROUP, description="Read the production database", resourceOwner="db-owners"
    )
    org.add_group("prod-logs", description="Read the production logs")


def _environment(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    credentials = folder / "okta.json"
    _write_secret(credentials, json.dumps(sandbox.okta.new_app()))
    policy = folder / "access.yaml"
    policy.write_text(
        POLICY.format(
            org_url=sandbox.okta.url,
            credentials=credentials,
            held_for=HELD_FOR,
            warned_before=WARNED_BEFORE,
            cleaned_up_after=CLEANED_UP_AFTER,
        )
    )
    return {
        "SLACK_BOT_TOKEN": sandbox.slack.bot_token,
        "SLACK_APP_TOKEN": sandbox.slack.app_token,
        "SLACK_API_URL": f"{sandbox.slack.url}/api/",
        "DATABASE_URL": f"sqlite:///{folder / 'access-bot.db'}",
        "ACCESS_CONFIG": str(policy),
        "AUDIT_KEY": secrets.token_hex(32),
    }


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
