"""An operator at a shell, in a folder of their own."""

import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.settings import Settings
from bot.store.audit import Chain
from bot.store.database import Database, open_database

AUDIT_KEY = "the audit key of the shell"
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-made-up-bot-token",
    "SLACK_APP_TOKEN": "xapp-made-up-app-token",
    "SLACK_SIGNING_SECRET": "made-up-signing-secret",
    "AUDIT_KEY": AUDIT_KEY,
}
POLICY = """\
version: 1
admins: [{user: ada@example.com}, {user: ivan@example.com}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA_CREDENTIALS
flows:
  - name: engineers
    integration: corp
    requesters: {any: [{group: Engineering}]}
    groups: {include: ["prod-*"]}
"""


@dataclass
class Shell:
    """Types commands, with settings in the environment."""

    folder: Path
    settings: dict[str, str | None] = field(default_factory=dict)

    @property
    def database_file(self) -> Path:
        return self.folder / "access-bot.db"

    def type(self, *words: str, **changes: str | None) -> Result:
        """Return what a command printed, and its exit status."""
        environment = self.settings | changes
        return CliRunner().invoke(app, words, env=environment, prog_name="access-bot")

    def refuses(self, *words: str, **changes: str | None) -> str:
        """Return the one line that a command was refused with, exit status 2."""
        result = self.type(*words, **changes)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        for secret in SECRETS.values():
            assert secret not in result.stderr
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        return lines[0]

    def write_policy(self, text: str = POLICY) -> Path:
        path = self.folder / "access.yaml"
        path.write_text(text)
        return path

    def by_hand(self, statement: str) -> None:
        """Change the database as somebody with the file can."""
        with sqlite3.connect(self.database_file) as connection:
            connection.execute(statement)
        connection.close()

    def rows(self) -> Database:
        """Open the database, keyed as the bot's own; close it after use."""
        return open_database(
            f"sqlite:///{self.database_file}", chain=Chain(AUDIT_KEY.encode())
        )


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An empty folder, every secret set, no database and no policy yet."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, {**SECRETS, "PORT": "0"})


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """The same, with a database of this version and a policy."""
    assert shell.type("migrate").exit_code == 0
    shell.write_policy()
    return shell


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
