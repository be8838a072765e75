"""Who answers, what the answer does, and who is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from bot.sandbox.slack.records import Message
from bot.store.tables import Answer, Event
from tests.flows.world import GROUP, HAS, WHY, World, login

TIMES = 8


def test_a_denial_reaches_the_requester_with_its_reason(either_way: World) -> None:
    world = either_way
    with world.bot():
        card = world.asked()
        world.deny("olga", card, "Use the replica <!here>")
        told = world.told("rita", "was denied by Olga Test")
        assert told.shows("Use the replica <!here>")
        assert "<!here>" not in told.text
        world.now_shows(card, "Denied by Olga Test")
    assert world.requests() == ["denied"]
    assert world.never_added()


def test_a_request_can_be_cancelled_by_who_asked(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.press("rita", "cancel", world.told("rita", "I asked Olga Test"))
        closed = world.now_shows(card, "Cancelled by Rita Test")
        assert not closed.buttons
        world.press("olga", "approve", card, force=True)
        world.told("olga", "answered already")
    assert world.requests() == ["cancelled"]
    assert world.never_added()


def test_a_request_nobody_answers_lapses(world: World) -> None:
    world.policy = {"lapse_after": "1s"}
    with world.bot():
        card = world.asked()
        world.told("rita", "lapsed: nobody answered in time")
        assert not world.now_shows(card, "Lapsed").buttons
    assert world.requests() == ["lapsed"]
    assert world.never_added()


def test_of_two_approvers_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    """Eight times, each with a group of its own."""
    names = [f"prod-{number:02}" for number in range(TIMES)]
    for name in names:
        world.okta.add_group(name, resourceOwner="db-owners")
    with world.bot():
        for name in names:
            world.ask("rita", f"{name} 1h {WHY}")
        for name in names:
            _approve_at_once(world, name)
        world.comes_to(*["active"] * TIMES)
        world.slack.wait_for(lambda: len(_refusals(world)) == TIMES)
    assert all("answered already" in told.text for told in _refusals(world))
    assert len(world.all_of(Answer)) == TIMES
    assert _events(world, "request approved") == TIMES
    assert len(world.changes("add")) == TIMES


def test_of_an_approval_and_a_denial_at_once_one_wins(world: World) -> None:
    with world.bot():
        card = world.asked()
        other = world.card_of("otto")
        world.press("otto", "deny", other)
        _at_once(
            lambda: world.press("olga", "approve", card),
            lambda: world.slack.submit(world.id("otto"), {"reason": "No"}),
        )
        [status] = world.requests()
        decided = "Approved by Olga" if status == "approved" else "Denied by Otto"
        world.now_shows(card, decided)
        world.now_shows(other, decided)
    assert len(world.all_of(Answer)) == 1


def test_all_copies_of_a_card_change_together(world: World) -> None:
    with world.bot():
        cards = [world.asked(), world.card_of("otto")]
        world.press("otto", "approve", cards[1])
        for card in cards:
            changed = world.now_shows(card, "Approved by Otto Test")
            assert not changed.buttons
            assert world.id("otto") in str(changed.blocks)
    assert [card.channel for card in cards] != [cards[0].channel] * 2


def test_nobody_answers_for_their_own_access(world: World) -> None:
    with world.bot():
        card = world.asked()
        mine = world.told("rita", "I asked Olga Test")
        _forge(world, "rita", card, mine)
        world.told("rita", "You cannot answer a request for your own access")
    assert world.requests() == ["pending"]
    assert world.never_added()


def test_an_owner_who_asks_for_their_own_group_is_not_asked(world: World) -> None:
    world.okta.set_group(GROUP, resourceOwner="only-olga")
    world.okta.add_group("only-olga", members=[login("olga")])
    with world.bot():
        world.ask("olga")
        card = world.card_of("ivan")
        assert card.shows("the resource owner is who asks")
        assert not world.was_told("olga", "asks for")
        world.press("ivan", "approve", card)
        world.told("olga", HAS)
        world.members("olga")


def test_a_late_click_is_told_who_answered(world: World) -> None:
    with world.bot():
        card = world.asked()
        other = world.card_of("otto")
        world.press("olga", "approve", card)
        world.told("rita", HAS)
        world.press("otto", "approve", other, force=True)
        told = world.told("otto", "answered already")
        assert told.shows("Approved by Olga Test")
    assert len(world.all_of(Answer)) == 1


def test_a_forged_button_does_nothing(world: World) -> None:
    with world.bot():
        card = world.asked()
        request_id = card.buttons["approve"]["value"].partition(":")[0]
        for count, value in enumerate(FORGED, 1):
            forged = value.format(request_id)
            world.press("olga", "approve", card, value=forged, force=True)
            world.slack.wait_for(partial(_were_refused, world, count))
    assert world.requests() == ["pending"]
    assert world.never_added()


FORGED = ("", "x", "no-such-request:1", "' or 1=1 --:1", "{}:2", "{}:0", "{}")


def test_who_is_no_full_member_may_not_answer(world: World) -> None:
    """Though Okta has them as an owner of the group."""
    with world.bot():
        card = world.asked()
        for kind, why in REFUSED.items():
            world.join(kind, **{kind: True})
            world.okta.add_member("db-owners", login(kind))
            world.press(kind, "approve", card, force=True)
            world.slack.wait_for(partial(_was_to_be_told, world, kind, why))
    assert world.requests() == ["pending"]
    assert world.never_added()


def test_who_is_no_full_member_may_not_ask(world: World) -> None:
    with world.bot():
        for kind, why in REFUSED.items():
            world.join(kind, **{kind: True})
            world.okta.add_member("Engineering", login(kind))
            assert why in world.ask(kind)
    assert world.requests() == []


REFUSED = {
    "guest": "Guests",
    "ultra_guest": "Guests",
    "stranger": "other workspaces",
    "bot": "Bots",
    "deleted": "deactivated",
}


def test_a_stranger_in_a_shared_channel_is_refused(world: World) -> None:
    """Slack delivers what strangers do there under our own team id."""
    world.join("eve", stranger=True, team_id=world.slack.team_id)
    world.okta.add_member("Engineering", login("eve"))
    with world.bot():
        assert "other workspaces" in world.ask("eve")
    assert world.requests() == []


def test_an_approver_who_is_no_owner_any_more_is_refused(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.okta.remove_member("db-owners", login("olga"))
        world.by_hand("update okta_person set read_at = '2020-01-01 00:00:00.000000'")
        world.press("olga", "approve", card)
        world.told("olga", "Only those who own this group today can answer")
    assert world.requests() == ["pending"]
    assert world.never_added()


def test_an_approval_by_a_former_owner_is_not_carried_out(world: World) -> None:
    """The click is decided on rows; before the add it is decided on fresh reads."""
    with world.bot():
        card = world.asked()
        world.meets("olga", card)
        world.okta.remove_member("db-owners", login("olga"))
        world.press("olga", "approve", card)
        world.told("rita", "You were not given")
        world.told("ivan", "was not given")
    assert world.grants() == ["failed"]
    assert world.never_added()


def test_a_changed_owner_attribute_asks_the_owners_of_today(world: World) -> None:
    with world.bot():
        card = world.asked()
        world.okta.add_group("new-owners", members=[login("mallory")])
        world.okta.set_group(GROUP, resourceOwner="new-owners")
        world.by_hand("update okta_group set read_at = '2020-01-01 00:00:00.000000'")
        world.press("olga", "approve", card)
        world.told("olga", "The owners of this group changed")
        new = world.card_of("mallory")
        assert not world.now_shows(card, "no longer yours to answer").buttons
        world.press("mallory", "approve", new)
        world.told("rita", HAS)


def test_the_same_command_delivered_again_is_one_request(either_way: World) -> None:
    world = either_way
    with world.bot():
        world.asked()
        world.slack.command(world.id("rita"), f"okta-group prod-logs 1h {WHY}")
        world.slack.redeliver(3)
        world.card_of("ivan", "prod-logs")
    assert world.requests() == ["pending"] * 2


def test_the_same_click_delivered_again_is_one_answer(either_way: World) -> None:
    world = either_way
    with world.bot():
        world.press("olga", "approve", world.asked())
        world.slack.redeliver(3)
        world.told("rita", HAS)
    assert world.grants() == ["active"]
    assert len(world.all_of(Answer)) == 1
    assert len(world.changes("add")) == 1


def test_the_same_submit_delivered_again_is_one_request(world: World) -> None:
    rita = world.id("rita")
    with world.bot():
        world.slack.command(rita, f"okta-group {GROUP} 4h")
        world.slack.wait_for(lambda: world.slack.view(rita))
        world.slack.submit(rita, {"justification": WHY})
        again = world.slack.redeliver(2)
        assert not any(ack.errors for ack in again)
        world.card_of("olga")
    assert world.requests() == ["pending"]


def _at_once(*deeds: Callable[[], object]) -> None:
    """Let several people do something at the same moment."""
    start = Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> object:
        start.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as people:
        list(people.map(do, deeds))


def _approve_at_once(world: World, group: str) -> None:
    olgas, ottos = world.card_of("olga", group), world.card_of("otto", group)
    _at_once(
        lambda: world.press("olga", "approve", olgas),
        lambda: world.press("otto", "approve", ottos),
    )


def _refusals(world: World) -> list[Message]:
    return [
        m for who in ("olga", "otto") for m in world.slack.ephemerals(world.id(who))
    ]


def _were_refused(world: World, times: int) -> bool:
    return len(_refusals(world)) == times


def _forge(world: World, who: str, card: Message, seen: Message) -> None:
    value = card.buttons["approve"]["value"]
    world.press(who, "approve", seen, value=value, force=True)


def _events(world: World, kind: str) -> int:
    return sum(event.kind == kind for event in world.all_of(Event))


def _was_to_be_told(world: World, who: str, fragment: str) -> bool:
    """Tell whether the bot tried: Slack shows nobody what is not their channel's."""
    return any(
        call.args.get("user") == world.id(who) and fragment in call.args["text"]
        for call in world.slack.calls
        if call.method == "chat.postEphemeral"
    )
