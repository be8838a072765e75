"""What an operator types beside a running bot: revoke, freeze, relink, export."""

import csv
import io
import json

from typer.testing import CliRunner, Result

from bot.cli import app
from bot.core.words import Cause
from bot.store.tables import AccessGrant, Event, PersonLink
from tests.flows.world import GROUP, HAS, WHY, World, login


def _type(world: World, *words: str) -> Result:
    return CliRunner().invoke(app, words, env=world.environment() | {"PORT": "0"})


def test_an_operator_revokes_and_the_bot_removes(world: World) -> None:
    with world.bot():
        world.given()
        result = _type(world, "revoke", login("rita"), GROUP)
        assert result.exit_code == 0, result.output
        world.told("rita", "it was revoked by an admin")
        world.members()
        assert _type(world, "revoke", login("rita"), "all").exit_code == 1
        unknown = _type(world, "revoke", login("rita"), "no-such-group")
        assert unknown.exit_code == 2
        assert "No group known is called no-such-group." in unknown.output
    [grant] = world.all_of(AccessGrant)
    assert grant.cause is Cause.REVOKED
    assert (grant.ended_by or "").startswith("cli:")


def test_what_no_bot_is_there_to_do_is_not_called_done(world: World) -> None:
    with world.bot():
        world.given()
    for said in ("1 ended or denied", "1 being removed already"):
        result = _type(world, "revoke", login("rita"), "all")
        assert result.exit_code == 1
        assert f"{said}, but no bot is running: start it" in result.output
    assert world.okta.is_member(GROUP, login("rita"))
    assert "1 membership should have ended" in _type(world, "doctor").output
    with world.bot():
        world.members()


def test_a_freeze_of_an_operator_holds_at_once(world: World) -> None:
    with world.bot():
        assert _type(world, "freeze", GROUP).exit_code == 0
        assert "frozen" in world.ask()
        assert "already" in _type(world, "freeze", GROUP).output
        said = f"the group {GROUP} in corp-okta."
        assert said in " ".join(_type(world, "doctor").output.split())
        assert _type(world, "unfreeze", GROUP).exit_code == 0
        assert "You asked for" in world.ask()
        assert _type(world, "freeze", "no-such-group").exit_code == 2
    kinds = [event.kind for event in world.all_of(Event)]
    assert kinds.count("frozen") == kinds.count("unfrozen") == 1


def test_who_is_relinked_is_looked_for_anew(world: World) -> None:
    with world.bot():
        world.given()
        links = world.all_of(PersonLink)
        assert _type(world, "people", "relink", login("rita")).exit_code == 0
        assert len(world.all_of(PersonLink)) == len(links) - 1
        world.ask("rita", f"prod-logs 1h {WHY}")
        world.slack.wait_for(lambda: len(world.all_of(PersonLink)) == len(links))


def test_the_audit_is_exported_for_people_and_for_programs(world: World) -> None:
    with world.bot():
        world.given(f"{GROUP} 1h =OPS-1 HYPERLINK")
        world.told("rita", HAS)
    lines = _type(world, "audit", "export").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert any(row["kind"] == "grant active" for row in rows)
    table = list(
        csv.DictReader(
            io.StringIO(_type(world, "audit", "export", "--format", "csv").stdout)
        )
    )
    assert len(table) == len(rows)
    assert not any(
        cell.startswith(("=", "@")) for row in table for cell in row.values()
    )
