"""The main job, from asking to proven ended."""

from tests.flows.world import GROUP, WHY, World

QUICKLY = {"duration": "4s", "warn_before": "2s"}


def test_asked_approved_given_warned_and_ended(either_way: World) -> None:
    world = either_way
    world.policy = {"duration": "4s", "warn_before": "1s"}
    with world.bot():
        said = world.ask("rita", f"{GROUP} 4s {WHY}")
        assert GROUP in said
        card = world.card_of("olga")
        world.press("olga", "approve", card)
        world.told("rita", "You have")
        world.members("rita")
        world.told("rita", "ends")
        world.told("rita", "ended")
        world.members()
