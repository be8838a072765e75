"""chat.*: what can be posted where, and what becomes of it."""

from typing import Any

import httpx
import pytest

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import actions, button, section
from tests.sandbox.slack_bot import Bot

Json = dict[str, Any]


def test_a_message_to_a_person_opens_their_conversation(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    answer = bot.call("chat_postMessage", channel=ada, text="Hello")
    assert answer["channel"].startswith("D")
    (message,) = workspace.messages(ada)
    assert (message.channel, message.ts) == (answer["channel"], answer["ts"])
    assert message.author == workspace.bot_user_id
    assert bot.call("conversations_open", users=ada)["channel"]["id"] == message.channel


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"text": "x", "channel": "C404"}, "channel_not_found"),
        ({"text": "x", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x" * 3000)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
        (
            {
                "text": "x",
                "metadata": {"event_type": "a", "event_payload": {"b": "x" * 16_000}},
            },
            "metadata_too_large",
        ),
    ],
)
def test_a_message_slack_would_not_take_is_refused(
    workspace: SlackWorkspace, bot: Bot, ada: str, args: Json, error: str
) -> None:
    assert bot.call("chat_postMessage", **{"channel": ada, **args})["error"] == error
    assert workspace.messages(ada) == []


def test_a_message_needs_a_text_also_beside_blocks(
    workspace: SlackWorkspace, http: httpx.Client, ada: str
) -> None:
    headers = {"authorization": f"Bearer {workspace.bot_token}"}
    for content in ({"text": " "}, {"blocks": [section()]}):
        answer = http.post(
            f"{workspace.url}/api/chat.postMessage",
            json={"channel": ada, **content},
            headers=headers,
        )
        assert answer.json()["error"] == "no_text"


def test_a_refusal_says_what_is_wrong_and_where(bot: Bot, ada: str) -> None:
    blocks = [section(), actions(button(value="x" * 2001))]
    answer = bot.call("chat_postMessage", channel=ada, text="x", blocks=blocks)
    (message,) = answer["response_metadata"]["messages"]
    assert message.endswith("[json-pointer:/blocks/1/elements/0/value]")


def test_an_update_replaces_text_and_blocks(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    posted = bot.call(
        "chat_postMessage", channel=ada, text="Asked", blocks=[actions(button())]
    )
    place = {"channel": posted["channel"], "ts": posted["ts"]}
    assert "approve" in workspace.messages(ada)[0].buttons
    bot.call("chat_update", **place, text="Approved", blocks=[section("Approved")])
    (message,) = workspace.messages(ada)
    assert (message.edits, message.buttons) == (1, {})
    bot.call("chat_update", **place, text="Ended")
    (message,) = workspace.messages(ada)
    assert (message.edits, message.blocks, message.text) == (2, [], "Ended")


def test_only_the_bots_own_messages_can_be_changed(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    workspace.type_message(ada, "Hello?")
    (theirs,) = workspace.messages(ada)
    place = {"channel": theirs.channel, "ts": theirs.ts}
    answer = bot.call("chat_update", **place, text="x")
    assert answer["error"] == "cant_update_message"
    assert bot.call("chat_delete", **place)["error"] == "cant_delete_message"


def test_an_update_names_the_conversation_not_the_person(bot: Bot, ada: str) -> None:
    ts = bot.call("chat_postMessage", channel=ada, text="x")["ts"]
    answer = bot.call("chat_update", channel=ada, ts=ts, text="y")
    assert answer["error"] == "channel_not_found"


def test_an_update_takes_4000_characters(bot: Bot, ada: str) -> None:
    posted = bot.call("chat_postMessage", channel=ada, text="x" * 5000)
    place = {"channel": posted["channel"], "ts": posted["ts"]}
    assert bot.call("chat_update", **place, text="x" * 4001)["error"] == "msg_too_long"
    assert bot.call("chat_update", **place, text="x" * 4000)["ok"]


def test_a_deleted_message_is_gone(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    posted = bot.call("chat_postMessage", channel=ada, text="x")
    place = {"channel": posted["channel"], "ts": posted["ts"]}
    link = bot.call(
        "chat_getPermalink", channel=place["channel"], message_ts=place["ts"]
    )
    assert link["permalink"].startswith("https://sandbox.slack.com/archives/D")
    assert bot.call("chat_delete", **place)["ok"]
    assert workspace.messages(ada) == []
    assert workspace.message(**place).deleted
    answer = bot.call("chat_update", **place, text="y")
    assert answer["error"] == "message_not_found"


def test_an_ephemeral_message_is_seen_by_one_member_and_not_changed(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    bob = workspace.add_person("bob")
    channel = workspace.add_channel("ops", members=[ada])
    args = {"channel": channel, "text": "Only you"}
    posted = bot.call("chat_postEphemeral", user=ada, **args)
    assert [message.text for message in workspace.ephemerals(ada)] == ["Only you"]
    assert workspace.messages_in(channel) == []
    answer = bot.call("chat_postEphemeral", user=bob, **args)
    assert answer["error"] == "user_not_in_channel"
    answer = bot.call("chat_update", ts=posted["message_ts"], **args)
    assert answer["error"] == "message_not_found"


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ({"archived": True}, "is_archived"),
        ({"with_bot": False}, "not_in_channel"),
        ({"with_bot": False, "private": True}, "channel_not_found"),
    ],
)
def test_the_bot_posts_only_where_it_may(
    workspace: SlackWorkspace, bot: Bot, channel: Json, error: str
) -> None:
    place = workspace.add_channel("ops", **channel)
    assert bot.call("chat_postMessage", channel=place, text="x")["error"] == error


@pytest.mark.parametrize(
    ("person", "posting", "opening"),
    [
        ({"deleted": True}, "channel_not_found", "user_disabled"),
        ({"stranger": True}, "channel_not_found", "user_not_visible"),
        ({"bot": True}, "cannot_dm_bot", "cannot_dm_bot"),
    ],
)
def test_some_people_cannot_be_written_to(
    workspace: SlackWorkspace, bot: Bot, person: Json, posting: str, opening: str
) -> None:
    user = workspace.add_person("eve", **person)
    answer = bot.call("chat_postMessage", channel=user, text="x")
    assert answer["error"] == posting
    assert bot.call("conversations_open", users=user)["error"] == opening


def test_without_a_messages_tab_nobody_is_written_to(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    workspace.set_tabs(messages=False)
    answer = bot.call("chat_postMessage", channel=ada, text="x")
    assert answer["error"] == "messages_tab_disabled"
