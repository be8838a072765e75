"""Told to stop: nothing new is begun, what is under way is finished or handed back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from bot.store.tables import AccessGrant, Answer
from tests.flows.world import GROUP, HAS, QUICK, World, login

HASTY = replace(QUICK, stop=timedelta(seconds=0.5))
"""What is under way has half a second."""


def _until_okta_is_asked(world: World) -> None:
    world.slack.wait_for(lambda: world.okta.state.faults.holding > 0)


def test_an_add_under_way_is_finished(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.meets("olga", card)
        world.okta.fail("PUT", "slow", delay=1)
        world.press("olga", "approve", card)
        _until_okta_is_asked(world)
    assert world.grants() == ["active"]
    assert world.okta.is_member(GROUP, login("rita"))


def test_what_does_not_end_in_time_is_handed_back(world: World) -> None:
    with world.bot(HASTY):
        card = world.asked()
        world.meets("olga", card)
        world.okta.fail("PUT", "timeout_before", times=None)
        world.press("olga", "approve", card)
        _until_okta_is_asked(world)
    assert [row.lease_owner for row in world.all_of(AccessGrant)] == [None]
    assert not world.okta.is_member(GROUP, login("rita"))
    world.okta.mend()
    with world.bot():
        world.told("rita", HAS)
        world.members("rita")


def test_who_clicked_before_it_is_answered(either_way: World) -> None:
    world = either_way
    with ThreadPoolExecutor(1) as olga:
        with world.bot():
            card = world.asked()
            world.okta.fail("GET /api/v1/users", "slow", delay=1)
            click = olga.submit(world.press, "olga", "approve", card)
            _until_okta_is_asked(world)
        assert click.result().ok
    assert world.requests() == ["approved"]
    assert len(world.all_of(Answer)) == 1
