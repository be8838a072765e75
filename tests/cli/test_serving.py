"""migrate, run and demo start what they say."""

import pytest
from rich.console import Console

from bot.sandbox import demo
from bot.store import migrations
from tests.cli.conftest import Shell


def test_migrate_creates_the_database_and_says_so(shell: Shell) -> None:
    result = shell.type("migrate")
    assert result.exit_code == 0
    assert result.stdout.startswith("The database is created, at version ")
    assert shell.database_file.stat().st_mode & 0o777 == 0o600


def test_migrate_again_changes_nothing_and_says_so(ready: Shell) -> None:
    before = ready.database_file.read_bytes()
    result = ready.type("migrate")
    assert result.exit_code == 0
    assert "already" in result.stdout
    assert ready.database_file.read_bytes() == before


def test_migrate_says_where_the_copy_is(
    ready: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated = migrations.Migrated("0001", "0002", ready.folder / "copy")
    monkeypatch.setattr(migrations, "migrate", lambda *_: migrated)
    assert ready.type("migrate").stdout == (
        "The database went from version 0001 to 0002. "
        f"As it was, it is kept in {ready.folder / 'copy'}.\n"
    )


def test_the_first_audit_key_is_made_beside_the_database_with_a_warning(
    shell: Shell,
) -> None:
    result = shell.type("migrate", AUDIT_KEY=None)
    key = shell.folder / "access-bot.db.key"
    assert "audit key made beside the database" in result.stderr
    assert key.read_text() not in result.output
    assert shell.type("audit", "verify", AUDIT_KEY=None).exit_code == 0


@pytest.mark.parametrize("status", [0, 1])
def test_the_demo_exits_with_what_the_story_came_to(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def play(console: Console) -> int:
        console.print("the story")
        return status

    monkeypatch.setattr(demo, "play", play)
    result = shell.type("demo")
    assert (result.exit_code, result.stdout) == (status, "the story\n")


@pytest.mark.parametrize(
    "words", [(), ("config",), ("audit",), ("--help",), ("run", "--help")]
)
def test_help_is_never_far(shell: Shell, words: tuple[str, ...]) -> None:
    assert "Usage" in shell.type(*words).output
