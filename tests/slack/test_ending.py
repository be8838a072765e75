"""Cancel and End now, from messages and from the home tab."""

from datetime import timedelta

import pytest

from bot.core.catalogue import load
from bot.core.words import Cause, GrantStatus, RequestStatus
from bot.slack.overview import MOST_HELD
from bot.slack.views import modal
from bot.store.tables import AccessGrant, AccessRequest, SlackAccount
from tests.slack.conftest import Cast
from tests.slack.stage import ACCESS, Stage


@pytest.fixture
def held(stage: Stage, cast: Cast) -> AccessGrant:
    """Alice's hour of prod-db."""
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.ACTIVE
    return grant


def _grant(stage: Stage) -> AccessGrant:
    (grant,) = stage.rows(AccessGrant)
    return grant


def test_the_requester_takes_a_request_back(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    (sent,) = stage.slack.messages(cast.alice)
    assert stage.slack.press(cast.alice, "cancel", sent).ok
    (request,) = stage.rows(AccessRequest)
    assert request.status is RequestStatus.CANCELLED
    stage.work()
    (sent,) = stage.slack.messages(cast.alice)
    assert sent.shows("You cancelled it.")
    assert not sent.buttons
    assert stage.card(cast.otto).shows("Cancelled by Alice Example")
    assert not stage.card(cast.otto).buttons


def test_nobody_else_takes_it_back(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    (sent,) = stage.slack.messages(cast.alice)
    stage.slack.press(cast.bob, "cancel", sent, force=True)
    (request,) = stage.rows(AccessRequest)
    assert request.status is RequestStatus.PENDING


def test_who_asked_for_somebody_else_is_told_who_has_it(
    stage: Stage, cast: Cast
) -> None:
    stage.put_in_force(load(ACCESS + "    request_for: [self, others]\n"))
    stage.slack.command(cast.bob, "mine")
    stage.slack.command(cast.alice, "okta-group")
    (offered,) = stage.slack.suggest(cast.alice, modal.GROUP, "prod-db")
    stage.slack.submit(
        cast.alice,
        {
            modal.GROUP: offered["value"],
            modal.GRANTEE: cast.bob,
            modal.JUSTIFICATION: "OPS-12 on call",
        },
    )
    stage.work()
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    assert stage.slack.wait_for_message(cast.bob, "You have prod-db until")
    told = stage.slack.wait_for_message(cast.alice, "Bob Example has prod-db until")
    assert "end" not in told.buttons
    assert not any(m.shows("You have") for m in stage.slack.messages(cast.alice))
    ending = stage.slack.wait_for_message(cast.bob, "You have prod-db until")
    stage.slack.press(cast.bob, "end", ending)
    stage.work()
    assert stage.slack.wait_for_message(
        cast.alice, "Bob Example's access to prod-db has ended: they ended it."
    )


def test_what_is_granted_says_until_when_and_how_to_get_in(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    assert message.shows("Connect to the VPN.")
    links = [b for b in message.blocks if b["type"] == "rich_text"]
    assert links[0]["elements"][0]["elements"][1] == {
        "type": "link",
        "url": "https://grafana.example.com",
    }
    assert list(message.buttons) == ["extend", "end"]


def test_the_grantee_ends_it_early(stage: Stage, cast: Cast, held: AccessGrant) -> None:
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    assert stage.slack.press(cast.alice, "end", message).ok
    stage.work()
    assert _grant(stage).status is GrantStatus.REVOKED
    assert _grant(stage).cause is Cause.GIVEN_BACK
    assert not stage.org.is_member(held.group_id, held.grantee_id)
    ended = stage.slack.wait_for_message(
        cast.alice, "Your access to prod-db has ended: you ended it."
    )
    assert list(ended.buttons) == ["ask_again"]
    assert not stage.slack.message(message.channel, message.ts).buttons


def test_ending_it_twice_is_told_kindly(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    stage.slack.press(cast.alice, "end", message)
    stage.slack.redeliver()
    stage.settle()
    told = stage.slack.ephemerals(cast.alice)[-1]
    assert told.text == "This access has ended already."


def test_nobody_else_ends_it(stage: Stage, cast: Cast, held: AccessGrant) -> None:
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    stage.slack.press(cast.bob, "end", message, force=True)
    assert _grant(stage).status is GrantStatus.ACTIVE


def test_what_is_held_can_be_ended_while_the_desk_is_closed(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    stage.desk.closed = "Nothing can be asked for right now."
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    stage.slack.press(cast.alice, "end", message)
    assert _grant(stage).status is GrantStatus.REVOKING


def test_the_end_is_warned_of_and_told(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    stage.pass_time(timedelta(minutes=50))
    stage.work()
    warning = stage.slack.wait_for_message(cast.alice, "Your access to prod-db ends")
    assert list(warning.buttons) == ["extend", "end"]
    stage.pass_time(timedelta(minutes=11))
    stage.work()
    stage.slack.wait_for_message(cast.alice, "has ended: its time was up.")
    assert not stage.slack.message(warning.channel, warning.ts).buttons


def test_the_home_tab_shows_what_is_held_and_ends_it(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    stage.slack.open_home(cast.alice)
    stage.work()
    home = stage.slack.home(cast.alice)
    assert home is not None
    assert "prod-db: until" in str(home["blocks"])
    assert "1 h left" in str(home["blocks"])
    assert stage.slack.press(cast.alice, "end", view=home).ok
    stage.work()
    home = stage.slack.home(cast.alice)
    assert home is not None
    assert "You hold nothing" in str(home["blocks"])


def test_a_refusal_on_the_home_tab_is_told_in_a_modal(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    stage.slack.open_home(cast.alice)
    stage.work()
    stage.slack.press(cast.alice, "end", view=stage.slack.home(cast.alice))
    stage.slack.redeliver()
    stage.settle()
    view = stage.slack.view(cast.alice)
    assert view is not None
    assert view["blocks"][0]["text"]["text"] == "This access has ended already."


def test_who_never_opened_the_home_tab_is_not_drawn_one(
    stage: Stage, cast: Cast, held: AccessGrant
) -> None:
    assert stage.slack.home(cast.alice) is None
    stage.slack.open_home(cast.alice, tab="messages")
    stage.work()
    assert stage.slack.home(cast.alice) is None
    opened = [row.opened_home_at for row in stage.rows(SlackAccount)]
    assert opened.count(None) == len(opened)
    assert MOST_HELD * 2 < 100  # Slack: at most 100 blocks
