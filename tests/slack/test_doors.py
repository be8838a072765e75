"""Who is clicking: the same people are refused at every door."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.slack.views import modal
from bot.store.tables import AccessGrant, AccessRequest, Event, SlackAccount
from tests.slack.conftest import Cast
from tests.slack.stage import Stage

KINDS: dict[str, dict[str, Any]] = {
    "a guest": {"guest": True},
    "a single-channel guest": {"ultra_guest": True},
    "a stranger": {"stranger": True, "team_id": "T0ELSEWHERE"},
    "a bot": {"bot": True},
    "somebody deactivated": {"deleted": True},
    "somebody unconfirmed": {"email_confirmed": False},
}


def _command(stage: Stage, user: str) -> None:
    assert stage.slack.command(user, "okta-group prod-db 1h OPS-1").text


def _form(stage: Stage, user: str) -> None:
    assert stage.slack.command(user, "okta-group").text
    assert stage.slack.view(user) is None


def _approve(stage: Stage, user: str) -> None:
    stage.slack.press(user, "approve", _card(stage), force=True)


def _deny(stage: Stage, user: str) -> None:
    stage.slack.press(user, "deny", _card(stage), force=True)
    assert stage.slack.view(user) is None


def _cancel(stage: Stage, user: str) -> None:
    (request,) = stage.rows(AccessRequest)
    card = _card(stage)
    card.blocks = []
    stage.slack.press(user, "cancel", card, value=request.id, force=True)


def _home(stage: Stage, user: str) -> None:
    stage.slack.open_home(user)
    stage.work()
    home = stage.slack.home(user)
    assert home is None or "What you hold" not in str(home)


def _card(stage: Stage) -> Any:
    olga = next(p.id for p in stage.slack.state.people.values() if p.name == "olga")
    return stage.card(olga)


def _press(action: str) -> Callable[[Stage, str], None]:
    """Return the door that a button is, on any message."""

    def press(stage: Stage, user: str) -> None:
        (request,) = stage.rows(AccessRequest)
        card = _card(stage)
        card.blocks = []
        value = f"{request.id}:1" if action == "approve_less" else request.id
        stage.slack.press(user, action, card, value=value, force=True)
        assert stage.slack.view(user) is None

    press.__name__ = action
    return press


def _type(words: str) -> Callable[[Stage, str], None]:
    """Return the door that a command is."""

    def typed(stage: Stage, user: str) -> None:
        said = stage.slack.command(user, words).text
        assert "Alice" not in said
        assert "prod-db" not in said

    typed.__name__ = words.split()[0]
    return typed


def _shortcut(stage: Stage, user: str) -> None:
    stage.slack.shortcut(user, "request_access")
    view = stage.slack.view(user)
    assert view is None or "Ask for access" not in str(view)


DOORS = [
    *(_command, _form, _approve, _deny, _cancel, _home, _shortcut),
    *map(_press, ("nudge", "extend", "ask_again", "approve_less", "carry_on")),
    *map(
        _press,
        ("open_revoke", "open_freeze", "unfreeze", "activity_newest", "keep", "mute"),
    ),
    *map(_type, ("mine", "waiting", "why prod-db", "who prod-db", "activity")),
    *map(_type, ("revoke @alice all", "freeze all", "unfreeze all")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_refused_at_every_door(stage: Stage, cast: Cast, kind: str) -> None:
    stage.ask(cast.alice)
    before = [request.version for request in stage.rows(AccessRequest)]
    # They have the e-mail of an owner: nothing but what they are stands in the way.
    user = stage.slack.add_person("mallory", email="otto@example.com", **KINDS[kind])
    for door in DOORS:
        door(stage, user)
        stage.settle()
        assert [request.version for request in stage.rows(AccessRequest)] == before
    assert not stage.rows(AccessGrant)


def test_who_becomes_a_guest_is_refused_from_then_on(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.slack.change_person(cast.olga, guest=True)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.settle()
    (told,) = stage.slack.ephemerals(cast.olga)
    assert told.text == "Guests of this workspace cannot use this."
    assert not stage.rows(AccessGrant)


def test_a_changed_account_keeps_that_its_home_was_opened(
    stage: Stage, cast: Cast
) -> None:
    stage.slack.open_home(cast.alice)
    stage.slack.change_person(cast.alice, real_name="Alice Cooper")
    (alice,) = (a for a in stage.rows(SlackAccount) if a.slack_id == cast.alice)
    assert alice.name == "Alice Cooper"
    assert alice.opened_home_at is not None


def test_who_takes_anothers_address_gets_nothing_of_theirs(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.change_person(cast.olga, email="old@example.com")
    stage.slack.change_person(cast.bob, email="olga@example.com")
    for user in (cast.bob, cast.olga):
        stage.slack.press(user, "approve", stage.card(cast.otto), force=True)
        stage.settle()
    assert not stage.rows(AccessGrant)


def test_the_home_tab_of_an_account_that_was_handed_on_shows_nothing_of_before(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.open_home(cast.alice)
    stage.work()
    assert "prod-db" in str(stage.slack.home(cast.alice))
    stage.slack.change_person(cast.alice, email="next@example.com")
    stage.slack.open_home(cast.alice)
    stage.work()
    assert "prod-db" not in str(stage.slack.home(cast.alice))


def test_a_click_from_another_team_is_refused_whatever_the_account_says(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.state.people[cast.olga].team_id = "T0ELSEWHERE"
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert not stage.rows(AccessGrant)


def test_the_form_offers_a_guest_nothing(stage: Stage, cast: Cast) -> None:
    stage.slack.command(cast.alice, "okta-group")
    stage.slack.change_person(cast.alice, guest=True)
    assert stage.slack.suggest(cast.alice, modal.GROUP, "prod") == []


def test_who_is_turned_away_is_written_down_once_a_minute(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    guest = stage.slack.add_person("gus", email="gus@example.com", guest=True)
    for _ in range(5):
        _approve(stage, guest)
        stage.settle()
    told = [each for each in stage.rows(Event) if each.kind == "turned away"]
    assert [each.actor for each in told] == [f"slack:{stage.slack.team_id}/{guest}"]
    stage.pass_time(timedelta(minutes=2))
    _approve(stage, guest)
    stage.settle()
    kinds = [each.kind for each in stage.rows(Event)]
    assert kinds.count("turned away") == 2


def test_a_click_on_approve_by_who_may_not_is_written_down(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.bob, "approve", _card(stage), force=True)
    stage.settle()
    (refused,) = [each for each in stage.rows(Event) if each.kind == "answer refused"]
    assert refused.actor == "okta:00ubob"
