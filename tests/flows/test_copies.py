"""backup beside a running bot, restore, and what a start makes of it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.store.tables import AccessRequest, EventText, OktaPerson
from tests.flows.world import GROUP, WHY, World, login


def _type(world: World, *words: str) -> Result:
    return CliRunner().invoke(app, words, env=world.environment() | {"PORT": "0"})


def test_a_copy_is_made_beside_a_running_bot_and_put_back(world: World) -> None:
    copy = world.folder / "copy.db"
    with world.bot():
        world.ask()
        result = _type(world, "backup", str(copy))
        assert result.exit_code == 0, result.output
        assert copy.stat().st_mode & 0o777 == 0o600
        assert _type(world, "backup", str(copy)).exit_code == 2
        assert "already uses" in _type(world, "restore", str(copy)).output
        world.ask("rita", f"prod-logs 1h {WHY}")
    assert len(world.all_of(AccessRequest)) == 2
    world.is_tampered = True
    result = _type(world, "restore", str(copy))
    assert result.exit_code == 0, result.output
    assert len(world.all_of(AccessRequest)) == 1
    assert list(world.folder.glob("*.before-*"))
    refused = _type(world, "run")
    assert refused.exit_code == 2
    assert "access-bot recover --remove --reason WHY" in refused.output


def test_what_is_no_copy_is_not_put_back(world: World, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database")
    assert "no copy" in _type(world, "restore", str(tmp_path / "text.db")).output
    assert "no copy" in _type(world, "restore", str(tmp_path / "none.db")).output


def test_a_person_is_erased_and_the_audit_still_verifies(world: World) -> None:
    with world.bot():
        world.given()
        refused = _type(world, "people", "erase", login("rita"))
        assert refused.exit_code == 1
        assert "hold or await something" in refused.output
        world.press("rita", "end", world.message_with("rita", "end"))
        world.comes_to("revoked")
        world.slack.wait_for(lambda: not world.okta.is_member(GROUP, login("rita")))
    assert any(login("rita") in str(row.text) for row in world.all_of(EventText))
    result = _type(world, "people", "erase", login("rita"))
    assert result.exit_code == 0, result.output
    assert not any(login("rita") in str(row.text) for row in world.all_of(EventText))
    assert not any(
        "OPS-" in (row.justification or "") for row in world.all_of(AccessRequest)
    )
    rita = [row for row in world.all_of(OktaPerson) if row.login == login("rita")]
    assert rita == []
    assert _type(world, "audit", "verify").exit_code == 0


def test_a_copy_takes_the_place_of_a_database_that_is_damaged(world: World) -> None:
    copy, path = world.folder / "copy.db", world.folder / "access-bot.db"
    with world.bot():
        pass
    assert _type(world, "backup", str(copy)).exit_code == 0
    world.is_tampered = True
    path.write_bytes(b"no database any more" * 1000)
    result = _type(world, "restore", str(copy))
    assert result.exit_code == 0, result.output
    assert [person.login for person in world.all_of(OktaPerson)]
    [kept] = world.folder.glob("*.before-*")
    assert kept.read_bytes().startswith(b"no database any more")


@pytest.mark.parametrize("room", ["for neither", "for the copy alone"])
def test_on_a_full_disk_everything_stays_as_it_was(world: World, room: str) -> None:
    copy, path = world.folder / "copy.db", world.folder / "access-bot.db"
    with world.bot():
        world.ask()
    assert _type(world, "backup", str(copy)).exit_code == 0
    world.by_hand("create table filler as select zeroblob(1000000) as zeros")
    kept = len(world.all_of(AccessRequest))
    size = copy.stat().st_size
    with _no_file_over(size // 2 if room == "for neither" else size + 100_000):
        result = _type(world, "restore", str(copy))
    assert result.exit_code == 2, result.output
    assert "so nothing was changed" in result.output
    assert "Make room" in result.output
    assert len(world.all_of(AccessRequest)) == kept == 1
    assert path.stat().st_size > 1_000_000
    assert [*world.folder.glob("*.before-*"), *world.folder.glob("*.restoring*")] == []
    assert _type(world, "restore", str(copy)).exit_code == 0


@contextmanager
def _no_file_over(size: int) -> Iterator[None]:
    """Let no file grow over `size` bytes: like a disk that is full, to SQLite."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_database_is_no_copy_of_itself(world: World) -> None:
    with world.bot():
        pass
    path = world.folder / "access-bot.db"
    refused = _type(world, "restore", str(path))
    assert (refused.exit_code, "is the database itself" in refused.output) == (2, True)
    assert path.exists()
