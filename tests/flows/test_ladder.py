"""The owner ladder: resource owner, integration owner, admins, nobody."""

from tests.flows.world import GROUP, HAS, WHY, World, login


def test_the_resource_owners_are_asked_and_nobody_else(world: World) -> None:
    with world.bot():
        world.asked()
        world.card_of("otto")
        assert not world.was_told("ivan", GROUP)
        assert not world.was_told("ada", GROUP)


def test_an_owner_attribute_that_names_nobody_leads_to_the_integration_owner(
    world: World,
) -> None:
    for number, owner in enumerate((None, "no-such-group", "", 7, {"a": "db-owners"})):
        world.okta.add_group(f"prod-{number}", resourceOwner=owner)
    with world.bot():
        for number in range(5):
            world.ask("rita", f"prod-{number} 1h {WHY}")
            card = world.card_of("ivan", f"prod-{number}")
            assert card.shows("you own the integration")
            assert card.shows("the resource owner")
        assert not world.was_told("olga", "asks for")
        world.press("ivan", "approve", card)
        world.told("rita", "You have prod-4")


def test_of_several_owners_those_who_are_somebody_are_asked(world: World) -> None:
    world.okta.set_group(GROUP, resourceOwner=["db-owners", 9, None])
    with world.bot():
        world.asked()
        world.card_of("otto")


def test_the_admins_are_asked_where_no_owner_can_be(world: World) -> None:
    world.okta.set_user(login("olga"), status="SUSPENDED")
    world.okta.set_user(login("otto"), status="SUSPENDED")
    world.okta.remove_member("IAM Team", login("ivan"))
    with world.bot():
        world.ask()
        card = world.card_of("ada")
        assert card.shows("you are an admin")
        assert card.shows("none of the resource owners is active")
        assert card.shows("the integration owner names nobody")
        world.press("ada", "approve", card)
        world.told("rita", HAS)
        world.members("rita")


def test_where_nobody_can_answer_it_is_refused_and_the_admins_are_told(
    world: World,
) -> None:
    world.policy = {"owner": "{user: rita@example.com}", "admins": ASKER_AND_SUSPENDED}
    world.okta.set_group(GROUP, resourceOwner=None)
    with world.bot():
        world.okta.set_user(login("ada"), status="SUSPENDED")
        world.ask()
        told = world.told("rita", "Nobody can approve this")
        assert told.shows("the integration owner is who asks")
        world.told("ada", "was refused")
    assert world.requests() == ["denied"]
    assert world.never_added()


ASKER_AND_SUSPENDED = "{user: rita@example.com}, {user: ada@example.com}"


def test_an_owner_without_a_slack_account_is_passed_over(world: World) -> None:
    world.okta.add_user("nora@example.com")
    world.okta.set_group(GROUP, resourceOwner="ghosts")
    world.okta.add_group("ghosts", members=["nora@example.com"])
    with world.bot():
        world.ask()
        assert world.card_of("ivan").shows("with a Slack account")


def test_owners_that_cannot_be_read_lead_nowhere(world: World) -> None:
    """Unknown is not empty: the next rung is not asked instead."""
    with world.bot():
        world.okta.fail("GET /api/v1/groups/[^/]+/users", "500", times=None)
        world.ask()
        world.slack.wait_for(
            lambda: sum("/users" in each.path for each in world.okta.journal) > 6
        )
        assert not world.was_told("ivan", GROUP)
        assert world.requests() == ["pending"]
        world.okta.mend()
        world.card_of("olga")
