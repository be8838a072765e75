"""The main job, from asking to proven ended, and each way to ask."""

from typing import Any

from bot.core.words import Cause
from bot.store.tables import AccessGrant
from tests.flows.world import GROUP, HAS, WHY, World


def test_asked_approved_given_warned_and_ended(either_way: World) -> None:
    world = either_way
    world.policy = {"duration": "3s", "warn_before": "1s"}
    with world.bot():
        assert GROUP in world.ask("rita", f"{GROUP} 3s {WHY}")
        card = world.card_of("olga")
        assert world.never_added()
        world.press("olga", "approve", card)
        granted = world.told("rita", HAS)
        world.members("rita")
        world.told("rita", f"Your access to {GROUP} ends")
        world.members("rita")
        world.told("rita", "has ended: its time was up")
        world.members()
        world.now_shows(granted, "It has ended")
    [grant] = world.all_of(AccessGrant)
    assert grant.cause is Cause.EXPIRED
    assert grant.ended_at is not None
    assert grant.ended_at >= grant.expires_at


def test_asked_with_the_modal(either_way: World) -> None:
    world, rita = either_way, either_way.id("rita")
    with world.bot():
        world.slack.command(rita, "okta-group")
        found = world.slack.suggest(rita, "group", "db-re")
        assert [option["text"]["text"] for option in found] == [GROUP]
        answered = world.slack.submit(rita, _filled(found[0], "1 h", WHY, world))
        assert not answered.errors
        assert world.slack.view(rita) is None
        world.press("olga", "approve", world.card_of("olga", WHY))
        world.told("rita", HAS)
        world.members("rita")


def test_an_incomplete_command_opens_the_modal_half_filled(world: World) -> None:
    rita = world.id("rita")
    with world.bot():
        world.slack.command(rita, f"okta-group {GROUP} 4h")
        shown = world.slack.wait_for(lambda: world.slack.view(rita))
        assert shown is not None
        assert _chosen(shown, "group") == GROUP
        assert _chosen(shown, "duration") == "4 h"
        answered = world.slack.submit(rita, {"justification": WHY})
        assert not answered.errors
        world.card_of("olga", "for 4 h")


def test_the_modal_says_on_the_field_what_is_wrong(world: World) -> None:
    rita = world.id("rita")
    with world.bot():
        world.slack.command(rita, "okta-group")
        option = world.slack.suggest(rita, "group", "prod-db")[0]
        answered = world.slack.submit(rita, _filled(option, "1 h", "please", world))
        assert answered.errors == {"justification": "Name the ticket"}
        answered = world.slack.submit(rita, {"justification": WHY})
        assert not answered.errors
        world.card_of("olga")
    assert world.requests() == ["pending"]


def test_the_typeahead_shows_only_what_one_may_ask_for(world: World) -> None:
    with world.bot():
        world.slack.command(world.id("rita"), "okta-group")
        offered = world.slack.suggest(world.id("rita"), "group", "")
        names = {option["text"]["text"] for option in offered}
        assert names == {GROUP, "prod-logs"}
        said = world.ask("ivan", f"{GROUP} 1h {WHY}")
        assert said == world.ask("ivan", f"unheard-of 1h {WHY}").replace(
            "unheard-of", GROUP
        )
    assert world.requests() == []


def test_the_card_says_all_an_approver_needs(world: World) -> None:
    with world.bot():
        card = world.asked(f"{GROUP} 4h {WHY}")
        assert {"approve", "deny"} <= card.buttons.keys()
        for fragment in (
            "Rita Test",
            "rita@example.com",
            f"<@{world.id('rita')}>",
            f"{GROUP} for 4 h",
            WHY,
            "About the group: Read it",
            "You are asked because",
            "They never had this group from here before",
            "It lapses",
        ):
            assert card.shows(fragment), card.all_text


def test_what_is_granted_says_until_when_how_to_get_in_and_how_to_end_it(
    world: World,
) -> None:
    with world.bot():
        card = world.asked()
        sent = world.told("rita", "I asked Olga Test")
        world.press("olga", "approve", card)
        granted = world.told("rita", HAS)
        assert granted.ts != sent.ts, "a new message, so that it rings"
        assert granted.shows("(1 h in all)")
        assert granted.shows("Connect to the VPN first.")
        assert "end" in granted.buttons
        world.now_shows(sent, "Approved by Olga Test")


def test_granted_is_said_only_after_the_membership_was_read_back(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.okta.set_read_lag(1.0)
        world.press("olga", "approve", card)
        world.told("rita", "granting…")
        world.slack.wait_for(lambda: world.okta.is_member(GROUP, "rita@example.com"))
        assert not world.was_told("rita", HAS)
        world.told("rita", HAS)
        world.comes_to("active")


def test_the_home_tab_shows_what_i_hold(world: World) -> None:
    rita = world.id("rita")
    with world.bot():
        world.slack.open_home(rita)
        world.slack.wait_for(lambda: "You hold nothing" in str(world.slack.home(rita)))
        world.given()
        world.slack.wait_for(lambda: GROUP in str(world.slack.home(rita)))
        world.slack.press(rita, "end", view=world.slack.home(rita))
        world.members()
        world.slack.wait_for(lambda: "You hold nothing" in str(world.slack.home(rita)))


def test_a_hostile_justification_is_shown_as_it_was_typed(world: World) -> None:
    with world.bot():
        world.ask("rita", f"{GROUP} 1h OPS-1 <!channel> *now* <https://evil.example|x>")
        card = world.card_of("olga", "<!channel> *now*")
        assert "<!channel>" not in card.text
        assert card.shows("OPS-1 <!channel> *now* <https://evil.example|x>")


def _filled(
    option: dict[str, Any], duration: str, justification: str, world: World
) -> dict[str, Any]:
    shown = world.slack.view(world.id("rita"))
    assert shown is not None
    durations = _element(shown, "duration")["options"]
    [length] = [each for each in durations if each["text"]["text"] == duration]
    return {"group": option, "duration": length, "justification": justification}


def _chosen(view: dict[str, Any], action_id: str) -> str:
    element = _element(view, action_id)
    options = element.get("initial_options") or [element["initial_option"]]
    return str(options[0]["text"]["text"])


def _element(view: dict[str, Any], action_id: str) -> dict[str, Any]:
    elements = [block["element"] for block in view["blocks"] if "element" in block]
    [found] = [each for each in elements if each["action_id"] == action_id]
    return dict(found)
