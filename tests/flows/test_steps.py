"""Two steps with two people and a tier, and more of what is held, in Slack."""

import time
from dataclasses import replace
from datetime import timedelta

from tests.flows.world import GROUP, QUICK, WHY, World, login

STEPS = """approval:
      - any_of: [owner]
      - any_of: [{group: IAM Team}]
        escalate: [{after: 2s, to: [{user: ada@example.com}]}]
"""


def test_two_steps_and_a_tier_lead_to_access(world: World) -> None:
    world.policy["flow"] = STEPS
    with world.bot(replace(QUICK, sweep=timedelta(seconds=0.2))):
        first = world.asked()
        assert first.shows("This is step 1 of 2.")
        world.press("olga", "approve", first)
        second = world.card_of("ivan")
        assert second.shows("This is step 2 of 2.")
        assert not world.was_told("rita", "You have")
        tier = world.card_of("ada")
        assert tier.shows("the flow names you")
        world.press("ivan", "approve", second)
        world.told("rita", "You have")
        world.now_shows(tier, "Approved by Ivan")
        world.members("rita")


def test_approve_for_less_gives_less(world: World) -> None:
    with world.bot():
        card = world.asked(f"{GROUP} 8h {WHY}")
        world.press("olga", "approve_less", card)
        world.slack.submit(world.id("olga"), {"duration": "4h", "reason": "Half a day"})
        assert world.told("rita", "4 h in all")


def test_an_extension_is_asked_for_answered_and_told(world: World) -> None:
    with world.bot():
        had = world.given()
        world.press("rita", "extend", world.message_with("rita", "extend"))
        world.slack.submit(world.id("rita"))
        card = world.card_of("olga", "1 h more")
        world.press("olga", "approve", card)
        world.told("rita", f"You have {GROUP} until")
        world.now_shows(had, "You have")
        [grant] = world.all_of_grants()
        held = grant.expires_at - (grant.active_at or grant.expires_at)
        assert timedelta(hours=1, minutes=58) < held < timedelta(hours=2, minutes=1)


def test_who_stopped_owning_the_group_since_does_not_extend(world: World) -> None:
    """What Okta keeps of owners itself is no text of the group."""
    world.okta.set_group(GROUP, resourceOwner="")
    world.okta.set_owners(GROUP, [login("olga")])
    with world.bot():
        world.given()
        world.press("rita", "extend", world.message_with("rita", "extend"))
        world.slack.submit(world.id("rita"))
        card = world.card_of("olga", "1 h more")
        world.okta.set_owners(GROUP, [login("otto")])
        world.press("olga", "approve", card)
        world.told("olga", "The owners of this group changed")
        world.press("otto", "approve", world.card_of("otto", "1 h more"))
        world.slack.wait_for(lambda: _extended(world))


def _extended(world: World) -> bool:
    [grant] = world.all_of_grants()
    held = grant.expires_at - (grant.active_at or grant.expires_at)
    return held > timedelta(hours=1, minutes=58)


def test_ask_again_opens_the_form_as_it_was(world: World) -> None:
    with world.bot():
        card = world.asked(f"{GROUP} 4h {WHY}")
        world.deny("olga", card, "Use the replica")
        world.press("rita", "ask_again", world.message_with("rita", "ask_again"))
        time.sleep(1)  # limits.after_denial of this world
        world.slack.submit(world.id("rita"))
        world.slack.wait_for(lambda: world.requests() == ["denied", "pending"])


def test_a_rule_gives_until_its_budget_is_spent(world: World) -> None:
    world.policy["flow"] = (
        "automatic_when: {duration_at_most: 1h, at_most: {times: 1, per: 24h}}"
    )
    with world.bot():
        world.ask()
        world.told("rita", "Approved by a rule of its flow")
        world.told("rita", f"You have {GROUP}")
        world.ask("rita", f"prod-logs 1h {WHY}")
        world.card_of("ivan", "prod-logs")  # the second one is put to its owner
        assert world.requests() == ["approved", "pending"]
        world.members("rita")


def test_a_manager_asks_for_a_report_in_the_form(world: World) -> None:
    world.policy["flow"] = (
        "request_for: [direct_reports]\n    grantees: {any: [everyone]}"
    )
    world.okta.set_user(login("rita"), manager=login("olga"))
    with world.bot():
        world.slack.command(world.id("olga"), f"okta-group {GROUP} {WHY}")
        world.slack.submit(world.id("olga"), {"grantee": world.id("rita")})
        card = world.card_of("otto")
        assert card.shows("for Rita Test")
        world.press("otto", "approve", card)
        world.told("rita", f"You have {GROUP}")
        world.told("olga", f"Rita Test has {GROUP}")
        world.members("rita")
