"""What is held: given back, warned of, ended, and never more than that."""

from datetime import timedelta
from typing import Any

from bot.core.words import Cause
from bot.store.tables import AccessGrant, AccessRequest
from tests.flows.world import GROUP, HAS, WHY, World, login


def test_access_is_given_back_with_end_now(either_way: World) -> None:
    world = either_way
    with world.bot():
        granted = world.given()
        world.press("rita", "end", granted)
        world.told("rita", "has ended: you ended it")
        world.members()
        assert not world.now_shows(granted, "It has ended").buttons
    [grant] = world.all_of(AccessGrant)
    assert grant.cause is Cause.GIVEN_BACK


def test_access_can_be_given_back_while_it_is_being_given(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.slack.open_home(world.id("rita"))
        world.okta.fail("PUT", "slow", delay=30)
        world.press("olga", "approve", card)
        world.members("rita")
        home = world.slack.wait_for(lambda: _home_with_end(world))
        world.slack.press(world.id("rita"), "end", view=home)
        world.okta.mend()
        world.told("rita", "has ended: you ended it")
        world.members()
    assert world.grants() == ["revoked"]
    assert not world.was_told("rita", HAS)


def test_nobody_else_ends_what_one_holds(world: World) -> None:
    with world.bot():
        granted = world.given()
        value = granted.buttons["end"]["value"]
        card = world.card_of("olga")
        world.press("olga", "end", card, value=value, force=True)
        world.told("olga", "Only who holds this access can end it")
        world.members("rita")
    assert world.grants() == ["active"]


def test_who_is_a_member_already_is_refused_and_stays_one(world: World) -> None:
    world.okta.add_member(GROUP, login("rita"))
    with world.bot():
        assert "You are a member" in world.ask()
    assert world.requests() == []
    assert world.changes() == []
    world.members("rita")


def test_who_became_a_member_before_the_card_is_refused(world: World) -> None:
    """Rows say no member; the fresh reading before the card says otherwise."""
    with world.bot():
        world.ask("rita", "prod-logs 1h " + WHY)
        world.okta.add_member(GROUP, login("rita"))
        world.ask()
        world.told("rita", f"You are a member of “{GROUP}” already")
        assert not world.was_told("olga", GROUP)
    assert world.changes() == []
    world.members("rita")


def test_who_became_a_member_before_the_add_keeps_it(world: World) -> None:
    world.policy = {"duration": "1s"}
    with world.bot():
        card = world.asked(f"{GROUP} 1s {WHY}")
        world.okta.add_member(GROUP, login("rita"))
        world.press("olga", "approve", card)
        world.told("rita", f"You are a member of “{GROUP}” already")
    assert world.grants() == ["failed"]
    assert world.changes() == []
    world.members("rita")


def test_an_add_that_okta_holds_up_never_lengthens_the_access(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.okta.fail("PUT", "429", retry_after=1)
        world.press("olga", "approve", card)
        world.told("rita", HAS)
    [grant] = world.all_of(AccessGrant)
    assert grant.added_at is not None
    assert grant.expires_at <= grant.added_at + timedelta(hours=1)


def test_asking_again_is_refused_while_it_waits_is_held_or_is_being_removed(
    world: World,
) -> None:
    with world.bot():
        card = world.asked()
        assert "already asked" in world.ask()
        world.press("olga", "approve", card)
        granted = world.told("rita", HAS)
        assert "already have" in world.ask()
        world.okta.fail("DELETE", "503", times=None)
        world.press("rita", "end", granted)
        assert "just being removed" in world.ask()
        world.okta.mend()
        world.comes_to("revoked")
        world.slack.wait_for(lambda: "You asked for" in world.ask())
    assert len(world.all_of(AccessRequest)) == 2


def test_it_can_be_asked_for_again_at_once_after_its_end(world: World) -> None:
    with world.bot():
        world.press("rita", "end", world.given())
        world.comes_to("revoked")
        world.ask("rita", f"{GROUP} 1h OPS-13 once more")
        card = world.card_of("olga", "OPS-13")
        assert card.shows("Before, they had this group once")
        world.press("olga", "approve", card)
        world.members("rita")
        world.slack.wait_for(lambda: sorted(world.grants()) == ["active", "revoked"])


def test_who_is_removed_outside_is_not_added_back(world: World) -> None:
    world.policy = {"duration": "2s"}
    with world.bot():
        world.given(f"{GROUP} 2s {WHY}")
        world.okta.remove_member(GROUP, login("rita"))
        world.told("rita", "has ended")
    assert len(world.changes("add")) == 1
    assert world.grants() == ["revoked"]


def test_who_left_the_company_loses_it_on_time(world: World) -> None:
    world.policy = {"duration": "2s"}
    with world.bot():
        world.given(f"{GROUP} 2s {WHY}")
        world.okta.set_user(login("rita"), status="SUSPENDED")
        world.comes_to("revoked")
        world.members()


def _home_with_end(world: World) -> dict[str, Any] | None:
    home = world.slack.home(world.id("rita"))
    return home if home and "End now" in str(home) else None
