"""A changed access.yaml, while the bot runs."""

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from bot.app import reloading
from bot.app.changes import put_in_force
from bot.store.tables import Event
from tests.flows.world import GROUP, WHY, World


def _put(world: World, **policy: str) -> None:
    """Write the policy anew, with this otherwise than before."""
    world.policy |= policy
    world.environment()


def _events(world: World, kind: str) -> int:
    with world.rows() as database:
        return database.look(
            lambda session: len(
                session.exec(select(Event).where(Event.kind == kind)).all()
            )
        )


def test_a_reload_that_tightens_denies_what_it_no_longer_allows(world: World) -> None:
    with world.bot():
        card = world.asked()
        _put(world, requesters="{any: [{group: IAM Team}]}")
        world.slack.wait_for(lambda: _events(world, "file in force") == 2)
        world.press("olga", "approve", card)
        # Its words are of the moment: as it is answered, or as it would be given.
        world.slack.wait_for(
            lambda: [
                message
                for message in world.slack.messages(world.slack_ids["rita"])
                if message.shows("was denied by policy")
                or message.shows("You were not given")
            ]
        )
        assert world.never_added()


def test_a_request_keeps_its_terms_when_a_reload_widens_them(world: World) -> None:
    with world.bot():
        card = world.asked()
        _put(world, duration="2h")
        world.slack.wait_for(lambda: _events(world, "file in force") == 2)
        world.press("olga", "approve", card)
        assert world.told("rita", "1 h in all")


def test_the_admins_are_told_what_changed(world: World) -> None:
    with world.bot():
        _put(world, warn_before="20m")
        told = world.told("ada", "access.yaml was changed and is in force now")
        assert told.shows("20m")


def test_a_wrong_file_leaves_the_one_before_in_force(world: World) -> None:
    with world.bot():
        path = world.folder / "access.yaml"
        path.write_text(path.read_text().replace("version: 1", "version: 2"))
        told = world.told("ada", "The new access.yaml is not put in force")
        assert told.shows("access.yaml:1:10 version")
        assert _events(world, "file refused") == 1
        world.press("olga", "approve", world.asked())
        world.told("rita", "You have")
    assert _events(world, "file in force") == 1


def test_a_file_that_drops_what_holds_access_is_refused_with_the_list(
    world: World,
) -> None:
    with world.bot():
        world.given()
        path = world.folder / "access.yaml"
        good = path.read_text()
        path.write_text(good.replace("corp-okta", "other-okta"))
        told = world.told("ada", "drops, or moves, what still holds access")
        assert told.shows("corp-okta (1 held)")
        path.write_text(good)
        world.press("rita", "end", world.message_with("rita", "end"))
        world.comes_to("revoked")
        world.members()


def test_who_waits_for_an_org_that_a_file_drops_is_told(world: World) -> None:
    with world.bot():
        world.asked()
        path = world.folder / "access.yaml"
        path.write_text(path.read_text().replace("corp-okta", "other-okta"))
        world.told("rita", "Access to this Okta org is no longer given here")
        world.slack.wait_for(world.is_ready)


def test_a_file_that_the_database_did_not_take_is_put_in_force_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def failing_once(session: Session, text: str, *args: Any) -> None:
        if not refused:
            refused.append(text)
            raise OperationalError("COMMIT", {}, Exception("database is locked"))
        put_in_force(session, text, *args)

    with world.bot():
        monkeypatch.setattr(reloading, "put_in_force", failing_once)
        _put(world, duration="2h")
        world.slack.wait_for(lambda: _events(world, "file in force") == 2)
    assert refused


def test_a_new_integration_owner_answers_after_the_reload(world: World) -> None:
    with world.bot():
        _put(world, owner="{user: otto@example.com}")
        world.slack.wait_for(lambda: _events(world, "name pinned") >= 4)
        world.slack.wait_for(world.is_ready)
        world.ask("rita", f"prod-logs 1h {WHY}")
        card = world.card_of("otto", "prod-logs")
        world.press("otto", "approve", card)
        assert world.told("rita", "You have prod-logs")
    assert GROUP != "prod-logs"


def test_what_changed_while_the_bot_was_down_is_told_too(world: World) -> None:
    with world.bot():
        world.asked()
    _put(world, warn_before="20m")
    with world.bot():
        told = world.told("ada", "access.yaml was changed and is in force now")
        assert told.shows("20m")
