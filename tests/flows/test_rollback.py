"""An old copy of the database put back: nothing is given until an admin says why."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

from typer.testing import CliRunner, Result

from bot.app.anchoring import stop_giving
from bot.cli import app
from bot.settings import Clock
from bot.store.tables import Event
from tests.flows.world import DATABASE, GROUP, QUICK, WHY, World


def _type(world: World, *words: str) -> Result:
    return CliRunner().invoke(app, words, env=world.environment() | {"PORT": "0"})


def _copy(world: World) -> None:
    shutil.copy(world.folder / DATABASE, world.folder / "old.db")


def _put_back(world: World) -> None:
    world.is_tampered = True
    for suffix in ("-wal", "-shm"):
        (world.folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    shutil.copy(world.folder / "old.db", world.folder / DATABASE)


def test_with_something_held_an_old_copy_runs_revoke_only(world: World) -> None:
    world.policy["duration"] = "8s"
    with world.bot():
        world.given(f"{GROUP} 8s {WHY}")
    _copy(world)
    with world.bot():
        world.ask("rita", f"prod-logs 1h {WHY}")
    _put_back(world)
    with world.bot_not_ready():
        world.members()  # its end is kept
        assert not world.is_ready()
    result = _type(world, "audit", "accept", "--reason", "restored after a disk fault")
    assert result.exit_code == 0, result.output
    with world.bot():
        assert "You asked for" in world.ask("rita", f"prod-logs 1h {WHY}")


def test_after_a_freeze_of_the_bots_own_accepting_says_what_remains(
    world: World,
) -> None:
    with world.bot():
        pass
    _copy(world)
    with world.bot():
        world.ask("rita", f"prod-logs 1h {WHY}")
    _put_back(world)
    with world.rows() as database:
        database.transact(stop_giving, ["corp-okta"], Clock()())
    accepted = _type(world, "audit", "accept", "--reason", "restored")
    assert accepted.exit_code == 0, accepted.output
    remains = "Start every bot anew, and then lift the freeze: access-bot unfreeze all"
    assert remains in accepted.stdout
    assert "AUDIT_ANCHOR" not in accepted.stdout, "there is one machine"
    with world.bot():
        assert "frozen" in world.ask("rita", f"prod-logs 1h {WHY}")
        assert _type(world, "unfreeze", "all").exit_code == 0
        assert "You asked for" in world.ask("rita", f"prod-logs 1h {WHY}")


def test_where_nothing_is_to_be_accepted_nothing_is_written(world: World) -> None:
    with world.bot():
        world.ask("rita", f"prod-logs 1h {WHY}")
    before = len(world.all_of(Event))
    accepted = _type(world, "audit", "accept", "--reason", "to be sure")
    assert (accepted.exit_code, len(world.all_of(Event))) == (1, before)
    assert "Nothing is to be accepted" in accepted.stdout
    (world.folder / f"{DATABASE}.head").write_text("torn")
    accepted = _type(world, "audit", "accept", "--reason", "the head file was torn")
    assert accepted.exit_code == 0, accepted.output


def test_with_nothing_held_an_old_copy_does_not_start(world: World) -> None:
    with world.bot():
        pass
    _copy(world)
    with world.bot():
        world.ask("rita", f"prod-logs 1h {WHY}")
    _put_back(world)
    refused = _type(world, "run")
    assert refused.exit_code == 2
    assert "older than its newest published head" in refused.output
    told = json.loads((world.folder / f"{DATABASE}.head").read_text())
    anchor = f"{told['seq']}:{told['hash']}"
    result = _type(world, "audit", "verify", "--anchor", anchor)
    assert result.exit_code == 1
    assert "is not in it" in result.stdout


def test_the_head_that_was_published_is_in_what_goes_on(world: World) -> None:
    with world.bot():
        world.ask()
    head = world.folder / f"{DATABASE}.head"
    assert head.stat().st_mode & 0o777 == 0o600
    assert _type(world, "audit", "verify", "--anchor", str(head)).exit_code == 0
    with world.bot():
        world.ask("rita", f"prod-logs 1h {WHY}")
    assert (
        "not a published head"
        in _type(world, "audit", "verify", "--anchor", "yesterday").output
    )


def test_the_head_is_published_while_the_bot_runs(world: World) -> None:
    with world.bot(replace(QUICK, anchor=timedelta(seconds=0.3))):
        world.slack.wait_for(lambda: _head(world))
        before = _head(world)
        world.ask("rita", f"prod-logs 1h {WHY}")
        world.slack.wait_for(lambda: _head(world) > before)


def _head(world: World) -> int:
    """Return the number of the event that is published as the newest; 0 for none."""
    path = world.folder / f"{DATABASE}.head"
    return int(json.loads(path.read_text())["seq"]) if path.exists() else 0
