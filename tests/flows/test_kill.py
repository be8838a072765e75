"""kill -9 at the worst moments: what was committed is carried out, once."""

import time
from datetime import UTC, datetime

from bot.sandbox.demo.bot import Bot
from bot.store.tables import AccessGrant, Answer
from tests.flows.world import GROUP, HAS, WHY, World

OVERDUE_WITHIN = 2.0
"""Seconds from ready until what was overdue is revoked."""


def test_killed_right_after_the_approval_was_committed(world: World) -> None:
    bot = world.killable()
    with bot.running():
        card = world.asked()
        world.meets("olga", card)
        world.okta.fail("GET|PUT", "timeout_before", times=None)
        assert world.press("olga", "approve", card).ok
        bot.kill()
    assert world.requests() == ["approved"]
    assert world.never_added()
    world.okta.mend()
    with bot.running():
        world.told("rita", HAS)
        world.members("rita")
        world.now_shows(card, "Approved by Olga Test")
    assert world.grants() == ["active"]
    assert len(world.all_of(Answer)) == 1


def test_killed_after_the_add_and_before_its_commit(world: World) -> None:
    bot = world.killable()
    with bot.running():
        card = world.asked()
        world.okta.fail("PUT", "slow", delay=60)
        world.press("olga", "approve", card)
        world.members("rita")
        bot.kill()
    assert world.grants() == ["granting"]
    world.okta.mend()
    with bot.running():
        world.told("rita", HAS)
        world.press("rita", "end", world.message_with("rita", "end"))
        world.told("rita", "has ended: you ended it")
        world.members()
    assert len(world.changes("add")) == 1
    assert world.grants() == ["revoked"]


def test_killed_while_a_revocation_is_due(world: World) -> None:
    bot = world.killable()
    with bot.running():
        world.given(f"{GROUP} 2s {WHY}")
        bot.kill()
    [grant] = world.all_of(AccessGrant)
    world.slack.wait_for(lambda: datetime.now(UTC) > grant.expires_at)
    world.members("rita")
    with bot.running():
        _revoked_soon(world)
        world.told("rita", "has ended: its time was up")
    assert world.grants() == ["revoked"]


def test_killed_after_the_removal_and_before_its_commit(world: World) -> None:
    bot = world.killable()
    with bot.running():
        granted = world.given()
        world.okta.fail("DELETE", "slow", delay=60)
        world.press("rita", "end", granted)
        world.members()
        bot.kill()
    assert world.grants() == ["revoking"]
    world.okta.mend()
    with bot.running():
        world.told("rita", "has ended: you ended it")
    assert world.grants() == ["revoked"]
    assert len(world.changes("remove")) == 1


def test_what_is_told_is_not_lost_by_a_kill(world: World) -> None:
    bot: Bot = world.killable()
    with bot.running():
        card = world.asked()
        world.slack.fail("chat", "500", times=None)
        world.press("olga", "approve", card)
        world.comes_to("active")
        bot.kill()
    world.slack.mend()
    with bot.running():
        world.told("rita", HAS)
        world.now_shows(card, "Approved by Olga Test")
    assert sum(message.shows(HAS) for message in world.shown("rita")) == 1


def _revoked_soon(world: World) -> None:
    ready = time.monotonic()
    world.members()
    assert time.monotonic() - ready < OVERDUE_WITHIN
