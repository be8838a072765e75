"""Okta or Slack down, slow, or failing: nothing lost, nothing said too early."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.words import Cause
from bot.sandbox.faults import Kind
from bot.store.tables import AccessGrant
from tests.flows.world import GROUP, HAS, QUICK, WHY, World, login

HASTY = replace(
    QUICK, okta_call=timedelta(seconds=0.6), slack_call=timedelta(seconds=1)
)
"""For what never answers: it is given up soon."""

UNSURE: tuple[Kind, ...] = ("timeout_after", "cut_after")
"""The effect, and no answer."""


@pytest.mark.parametrize("kind", ["429", "503", "html", "timeout_before"])
def test_reads_that_fail_delay_the_card_and_nothing_else(
    world: World, kind: Kind
) -> None:
    with world.bot(HASTY):
        world.ask("rita", f"prod-logs 1h {WHY}")
        world.card_of("ivan", "prod-logs")
        world.okta.fail(
            "GET /api/v1/(users|groups)/", kind, times=1 if kind == "429" else 4
        )
        world.ask()
        world.press("olga", "approve", world.card_of("olga"))
        world.told("rita", HAS)
        world.members("rita")
    assert world.grants() == ["active"]
    assert len(world.changes("add")) == 1


@pytest.mark.parametrize("kind", ["429", "500", "drip", "timeout_before", *UNSURE])
def test_an_add_that_fails_for_now_is_given_in_the_end(
    world: World, kind: Kind
) -> None:
    with world.bot(HASTY):
        card = world.asked()
        world.okta.fail("PUT", kind, times=2)
        told = _members_when_told(world)
        world.press("olga", "approve", card)
        world.told("rita", HAS)
        assert told() == [[login("rita")]]
    assert world.grants() == ["active"]
    assert len(world.changes("add")) == 1


@pytest.mark.parametrize("kind", ["500", "cut_before", *UNSURE])
def test_a_removal_that_fails_is_repeated_until_it_is_done(
    world: World, kind: Kind
) -> None:
    with world.bot(HASTY):
        granted = world.given()
        world.okta.fail("DELETE", kind, times=2)
        world.press("rita", "end", granted)
        world.told("rita", "has ended")
        assert world.okta.members(GROUP) == []
        world.comes_to("revoked")
    assert len(world.changes("remove")) == 1


def test_an_add_that_okta_refuses_for_good_is_told_and_ends(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.okta.fail("PUT", "403", times=None)
        world.press("olga", "approve", card)
        world.told("rita", "You were not given")
        world.told("ivan", "was not given")
        world.members()
        assert not world.was_told("rita", HAS)
    assert world.grants() == ["failed"]


def test_an_add_that_lands_late_is_found_and_undone(world: World) -> None:
    """No answer, then a refusal: the grant ends, and the add takes effect after."""
    with world.bot(HASTY):
        card = world.asked()
        world.okta.fail("PUT", "late", delay=2.5)
        world.okta.fail("PUT", "403", times=None)
        world.press("olga", "approve", card)
        world.told("rita", "You were not given")
        assert world.changes("add") == []
        world.slack.wait_for(lambda: world.changes("add"))
        world.members()
        assert world.changes("remove")
    [grant] = world.all_of(AccessGrant)
    assert (str(grant.status), grant.cause) == ("revoked", Cause.FAILED)


def test_an_approval_outlives_an_okta_that_is_down(world: World) -> None:
    with world.bot(HASTY):
        card = world.asked()
        world.meets("olga", card)
        world.okta.down()
        world.press("olga", "approve", card)
        world.told("rita", "granting…")
        assert not world.was_told("rita", HAS)
        world.okta.up()
        world.told("rita", HAS)
        world.members("rita")


def test_an_approval_that_cannot_be_delivered_in_time_is_told(world: World) -> None:
    world.policy = {"lapse_after": "2s"}
    with world.bot(HASTY):
        card = world.asked()
        world.meets("olga", card)
        world.okta.down()
        world.press("olga", "approve", card)
        world.told("rita", "Okta could not be reached in time")
        world.told("ivan", "was not given")
        world.okta.up()
    assert world.grants() == ["failed"]
    assert world.never_added()


def test_an_end_is_kept_trying_while_okta_is_down_and_its_owner_is_told(
    world: World,
) -> None:
    with world.bot(replace(HASTY, late=timedelta(seconds=0.3))):
        world.given(f"{GROUP} 1s {WHY}")
        world.okta.down()
        world.told("ivan", "could not be removed")
        world.members("rita")
        assert not world.was_told("rita", "has ended")
        world.okta.up()
        world.told("rita", "has ended: its time was up")
        world.members()


def test_lagging_reads_are_waited_for(world: World) -> None:
    world.okta.set_read_lag(0.5)
    with world.bot():
        world.given(f"{GROUP} 4s {WHY}")
        assert world.okta.members(GROUP) == [login("rita")]
        world.told("rita", "has ended")
    assert world.grants() == ["revoked"]


def test_an_end_comes_on_time_while_slack_is_down_and_is_told_after(
    world: World,
) -> None:
    with world.bot():
        world.given(f"{GROUP} 1s {WHY}")
        world.slack.down()
        world.members()
        world.comes_to("revoked")
        [grant] = world.all_of(AccessGrant)
        assert grant.ended_at is not None
        assert grant.ended_at - grant.expires_at < timedelta(seconds=2)
        assert not world.was_told("rita", "has ended")
        world.slack.up()
        world.told("rita", "has ended")


@pytest.mark.parametrize("kind", ["429", "html", "timeout_after"])
def test_messages_that_slack_does_not_take_come_later(world: World, kind: Kind) -> None:
    with world.bot(HASTY):
        world.slack.fail("chat.postMessage", kind, times=2)
        world.press("olga", "approve", world.asked())
        world.told("rita", HAS)
        world.card_of("otto")
    told = [m for m in world.shown("rita") if m.shows(HAS)]
    assert len(told) <= 1 + (kind in UNSURE)


def test_a_card_that_cannot_be_redrawn_is_redrawn_later(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.slack.fail("chat.update", "500", times=3)
        world.press("olga", "approve", card)
        assert not world.now_shows(card, "Approved by").buttons


def test_the_bot_starts_while_slack_and_okta_are_down(world: World) -> None:
    """It cannot be ready, but what is due waits for nobody's start."""
    with world.bot():
        world.given(f"{GROUP} 2s {WHY}")
    world.slack.down()
    world.okta.down()
    with world.bot_not_ready(HASTY):
        world.okta.up()
        world.members()
        world.slack.up()
        world.told("rita", "has ended")


def test_nothing_is_lost_when_slack_asks_to_connect_anew(world: World) -> None:
    if not world.socket:
        pytest.skip("over HTTP nothing is connected")
    with world.bot():
        card = world.asked()
        world.slack.refresh_connections()
        world.slack.wait_for(
            lambda: world.slack.connected and world.press("olga", "approve", card).ok
        )
        world.told("rita", HAS)


def _members_when_told(world: World) -> Callable[[], list[list[str]]]:
    """Watch what Okta holds whenever Rita is told that she has it."""
    seen: list[list[str]] = []
    told = world.slack.state.post

    def post(message: Any) -> Any:
        if message.user == world.slack.bot_user_id and message.text.startswith(HAS):
            seen.append(world.okta.members(GROUP))
        return told(message)

    world.slack.state.post = post  # type: ignore[method-assign]
    return lambda: seen


def test_removals_that_pile_up_are_logged_with_their_finish(
    world: World, logged: list[Any]
) -> None:
    began = datetime.now(UTC)
    with world.bot():
        held = [world.given()]
        world.ask("rita", f"prod-logs 1h {WHY}")
        world.press("ivan", "approve", world.card_of("ivan", "prod-logs"))
        held.append(world.told("rita", "You have prod-logs"))
        world.okta.fail("DELETE", "500", times=None)
        for message in held:
            world.press("rita", "end", message)
        world.comes_to("revoking", "revoking")
        world.slack.wait_for(lambda: _backlog(logged))
        world.okta.mend()
        world.comes_to("revoked", "revoked")
    [line, *_] = _backlog(logged)
    assert line["count"] == 2
    assert datetime.fromisoformat(line["finish"]) > began


def _backlog(logged: list[Any]) -> list[Any]:
    return [line for line in logged if line["event"] == "revocations due"]


def test_a_bot_that_slack_cannot_reach_is_not_ready_until_it_is_connected_again(
    world: World,
) -> None:
    with world.bot():
        world.slack.down()
        world.slack.wait_for(lambda: not world.is_ready())
        world.slack.up()
        world.slack.wait_for(world.is_ready, 30)
        assert "You asked for" in world.ask()
