"""A flow's channel gets the card, but never one that others read."""

from typing import Any

import pytest

from bot.core.catalogue import load
from bot.sandbox.slack import Message
from bot.store.tables import AccessGrant, Notice
from tests.slack.conftest import Cast
from tests.slack.stage import ACCESS, Stage

SCOPES = ("chat:write", "commands", "users:read", "users:read.email")


def _channel(stage: Stage, cast: Cast, **how: Any) -> str:
    """Put a file in force whose flow has a channel."""
    channel = stage.slack.add_channel("access", members=[cast.olga], **how)
    stage.put_in_force(load(f"{ACCESS}    channel: {channel}\n"))
    return channel


def _card(stage: Stage, cast: Cast) -> tuple[str, Message]:
    """Let Alice ask; return the channel and the card in it."""
    stage.slack.set_scopes(*SCOPES, "channels:read")
    channel = _channel(stage, cast)
    stage.ask(cast.alice)
    [card] = stage.slack.messages_in(channel)
    return channel, card


def test_the_channel_gets_the_card_and_an_approver_answers_there(
    stage: Stage, cast: Cast
) -> None:
    channel, card = _card(stage, cast)
    assert card.shows("asks for prod-db")
    assert [n.recipient for n in stage.rows(Notice) if n.kind == "card"] == [channel]
    stage.slack.press(cast.olga, "approve", card)
    stage.work()
    assert len(stage.rows(AccessGrant)) == 1


def test_what_comes_with_an_answer_goes_to_the_thread_and_to_who_asked(
    stage: Stage, cast: Cast
) -> None:
    channel, card = _card(stage, cast)
    stage.slack.press(cast.olga, "deny", card)
    stage.slack.submit(cast.olga, {"reason": "Use the *replica* <!channel>"})
    stage.work()
    comment = stage.slack.messages_in(channel)[-1]
    assert comment.thread_ts == card.ts
    assert comment.shows("Olga Example")
    assert comment.shows("Use the *replica*")
    assert "<!channel>" not in comment.text
    assert stage.slack.wait_for_message(cast.alice, "was denied by").shows("replica")


def test_what_cannot_be_said_in_the_thread_makes_nobody_a_card(
    stage: Stage, cast: Cast
) -> None:
    channel, card = _card(stage, cast)
    stage.slack.press(cast.olga, "deny", card)
    stage.slack.submit(cast.olga, {"reason": "Use the replica"})
    stage.slack.change_channel(channel, read_only=True)
    stage.work()
    assert [n.recipient for n in stage.rows(Notice) if n.kind == "card"] == [channel]
    assert "comment" in {n.kind for n in stage.rows(Notice) if n.dropped}


def test_an_answer_without_a_word_says_nothing_in_the_thread(
    stage: Stage, cast: Cast
) -> None:
    channel, card = _card(stage, cast)
    stage.slack.press(cast.olga, "approve", card)
    stage.work()
    assert len(stage.slack.messages_in(channel)) == 1


@pytest.mark.parametrize(
    ("how", "scopes"),
    [
        ({"shared": True}, (*SCOPES, "channels:read")),
        ({"archived": True}, (*SCOPES, "channels:read")),
        ({}, SCOPES),
        ({"private": True, "with_bot": False}, (*SCOPES, "groups:read")),
        ({"with_bot": False}, (*SCOPES, "channels:read")),
    ],
    ids=["shared", "archived", "no scope", "not in it", "not in a public one"],
)
def test_a_channel_that_must_not_have_it_leaves_it_to_each_approver(
    stage: Stage, cast: Cast, how: dict[str, Any], scopes: tuple[str, ...]
) -> None:
    stage.slack.set_scopes(*scopes)
    channel = _channel(stage, cast, **how)
    stage.ask(cast.alice)
    told = {n.recipient for n in stage.rows(Notice) if n.kind == "card" and n.ts}
    assert told == {cast.olga, cast.otto}
    posts = [call for call in stage.slack.calls if call.method == "chat.postMessage"]
    assert not any(call.args.get("channel") == channel for call in posts)
    assert "gets no cards" in str([n.facts for n in stage.rows(Notice)])


def test_a_channel_in_which_slack_lets_nobody_post_leaves_it_to_each_approver(
    stage: Stage, cast: Cast
) -> None:
    stage.slack.set_scopes(*SCOPES, "channels:read")
    channel = _channel(stage, cast)
    stage.slack.change_channel(channel, read_only=True)
    stage.ask(cast.alice)
    told = {n.recipient for n in stage.rows(Notice) if n.kind == "card" and n.ts}
    assert told == {cast.olga, cast.otto}
    assert f"{channel} of" in str([n.facts for n in stage.rows(Notice)])
