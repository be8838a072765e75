"""The Web API, spoken by slack_sdk: what it answers, and what it refuses."""

import json
from typing import Any

import httpx
import pytest

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import (
    ASK,
    HOME,
    WHY,
    actions,
    button,
    field,
    modal,
    section,
)
from tests.sandbox.slack_bot import Bot

Json = dict[str, Any]


def trigger_of(workspace: SlackWorkspace, user: str) -> str:
    """A trigger that nobody has used."""
    workspace.command(user, "")
    delivery = workspace.last_delivery
    assert delivery is not None
    return str(delivery.payload["trigger_id"])


# Tokens and scopes


def test_the_bot_learns_who_it_is(workspace: SlackWorkspace, bot: Bot) -> None:
    answer = bot.call("auth_test")
    assert answer["user_id"] == workspace.bot_user_id
    assert answer["team_id"] == workspace.team_id


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("app", "not_allowed_token_type"),
    ],
)
def test_only_the_bots_token_opens_the_api(
    workspace: SlackWorkspace, http: httpx.Client, token: str | None, error: str
) -> None:
    bearer = workspace.app_token if token == "app" else token
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    answer = http.post(f"{workspace.url}/api/auth.test", headers=headers)
    assert answer.json() == {"ok": False, "error": error}


def test_a_revoked_token_is_refused_until_it_is_restored(
    workspace: SlackWorkspace, bot: Bot
) -> None:
    workspace.revoke_token()
    assert bot.call("auth_test")["error"] == "token_revoked"
    workspace.restore_token()
    assert bot.call("auth_test")["ok"]


def test_a_method_without_its_scope_says_which_it_needs(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    workspace.set_scopes("commands", "im:write")
    answer = bot.call("chat_postMessage", channel=ada, text="Hello")
    assert answer["error"] == "missing_scope"
    assert answer["needed"] == "chat:write"
    assert answer["provided"] == "commands,im:write"


def test_granted_scopes_are_in_a_header(
    workspace: SlackWorkspace, http: httpx.Client
) -> None:
    headers = {"authorization": f"Bearer {workspace.bot_token}"}
    answer = http.get(
        f"{workspace.url}/api/users.info", params={"user": "U1"}, headers=headers
    )
    assert "users:read.email" in answer.headers["x-oauth-scopes"].split(",")
    assert answer.headers["x-accepted-oauth-scopes"] == "users:read"


def test_forms_are_read_as_json_is(
    workspace: SlackWorkspace, http: httpx.Client, ada: str
) -> None:
    form = {
        "token": workspace.bot_token,
        "channel": ada,
        "text": "Hello",
        "blocks": json.dumps([section("Hello")]),
    }
    answer = http.post(f"{workspace.url}/api/chat.postMessage", data=form)
    assert answer.json()["ok"]
    assert workspace.messages(ada)[0].shows("Hello")
    form["blocks"] = "[{"
    answer = http.post(f"{workspace.url}/api/chat.postMessage", data=form)
    assert answer.json()["error"] == "invalid_blocks_format"


def test_garbled_calls_are_refused_not_crashed_on(
    workspace: SlackWorkspace, http: httpx.Client
) -> None:
    headers = {
        "authorization": f"Bearer {workspace.bot_token}",
        "content-type": "application/json",
    }
    address = f"{workspace.url}/api/chat.postMessage"
    for body in (b"{", b"[1]", b'{"channel": ["C1"], "text": "x"}', b"\xff"):
        assert not http.post(address, content=body, headers=headers).json()["ok"]
    answer = http.post(f"{workspace.url}/api/chat.shout", headers=headers)
    assert answer.json()["error"] == "unknown_method"


# Messages


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


# People and channels


def test_flags_say_who_is_a_guest_a_stranger_a_bot(
    workspace: SlackWorkspace, bot: Bot
) -> None:
    def flags(**kind: Any) -> Json:
        user = workspace.add_person("eve", **kind)
        found: Json = bot.call("users_info", user=user)["user"]
        return found

    plain = flags()
    assert (plain["is_restricted"], plain["is_ultra_restricted"]) == (False, False)
    assert "is_stranger" not in plain
    assert flags(guest=True)["is_restricted"]
    assert flags(ultra_guest=True)["is_ultra_restricted"]
    assert flags(bot=True)["is_bot"]
    assert not flags(email_confirmed=False)["is_email_confirmed"]
    stranger = flags(stranger=True)
    assert stranger["is_stranger"]
    assert stranger["team_id"] != workspace.team_id


def test_a_deleted_person_has_no_flags_left(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    workspace.change_person(ada, deleted=True)
    user = bot.call("users_info", user=ada)["user"]
    assert user["deleted"]
    assert "is_restricted" not in user


def test_people_come_in_pages(workspace: SlackWorkspace, bot: Bot) -> None:
    added = {workspace.add_person(f"p{number}") for number in range(5)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = bot.call("users_list", limit=3, cursor=cursor)
        assert len(page["members"]) <= 3
        seen += [member["id"] for member in page["members"]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == added | {workspace.bot_user_id, "USLACKBOT"}
    assert bot.call("users_list", cursor="x")["error"] == "invalid_cursor"


def test_an_address_is_looked_up_whatever_its_case(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    found = bot.call("users_lookupByEmail", email="aDA@example.com")
    assert found["user"]["id"] == ada
    workspace.change_person(ada, deleted=True)
    answer = bot.call("users_lookupByEmail", email="ada@example.com")
    assert answer["error"] == "users_not_found"


def test_addresses_are_shown_with_their_scope_only(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    profile = bot.call("users_info", user=ada)["user"]["profile"]
    assert profile["email"] == "Ada@example.com"
    workspace.set_scopes("users:read")
    assert "email" not in bot.call("users_info", user=ada)["user"]["profile"]


def test_a_channel_says_whether_strangers_are_in_it(
    workspace: SlackWorkspace, bot: Bot
) -> None:
    shared = workspace.add_channel("with-them", shared=True)
    answer = bot.call("conversations_info", channel=shared)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:read")
    workspace.set_scopes("channels:read")
    channel = bot.call("conversations_info", channel=shared)["channel"]
    assert (channel["is_ext_shared"], channel["is_archived"]) == (True, False)


# Views


def test_a_trigger_opens_one_modal_and_no_more(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    opened = bot.call("views_open", trigger_id=trigger, view=ASK)
    shown = workspace.view(ada)
    assert shown is not None
    assert shown["id"] == opened["view"]["id"]
    answer = bot.call("views_open", trigger_id=trigger, view=ASK)
    assert answer["error"] == "exchanged_trigger_id"
    answer = bot.call("views_open", trigger_id="1.2.x", view=ASK)
    assert answer["error"] == "invalid_trigger_id"


def test_a_trigger_does_not_wait(workspace: SlackWorkspace, bot: Bot, ada: str) -> None:
    workspace.set_patience(trigger_seconds=0)
    answer = bot.call("views_open", trigger_id=trigger_of(workspace, ada), view=ASK)
    assert answer["error"] == "expired_trigger_id"
    assert workspace.view(ada) is None


def test_a_wrong_modal_is_refused_with_its_place(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    wrong = modal(field("why", {**WHY, "max_length": 0}))
    answer = bot.call("views_open", trigger_id=trigger, view=wrong)
    assert answer["error"] == "invalid_arguments"
    assert "/view/blocks/0/element" in answer["response_metadata"]["messages"][0]


def test_an_update_keeps_what_was_entered_where_ids_stay(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    view = bot.call("views_open", trigger_id=trigger, view=ASK)["view"]
    workspace.choose(ada, "why", "OPS-12")
    workspace.choose(ada, "hours", "4h")
    renamed = [
        {**block, "block_id": "hours-2"} if block["block_id"] == "hours" else block
        for block in ASK["blocks"]
    ]
    updated = bot.call(
        "views_update", view_id=view["id"], hash=view["hash"], view=modal(*renamed)
    )
    values = updated["view"]["state"]["values"]
    assert values["why"]["why"]["value"] == "OPS-12"
    assert values["hours-2"]["hours"]["selected_option"]["value"] == "1h"


def test_an_update_of_a_stale_or_closed_view_is_refused(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    view = bot.call("views_open", trigger_id=trigger, view=ASK)["view"]
    args = {"view_id": view["id"], "view": ASK}
    assert bot.call("views_update", **args)["ok"]
    answer = bot.call("views_update", hash=view["hash"], **args)
    assert answer["error"] == "hash_conflict"
    workspace.close_view(ada)
    assert bot.call("views_update", **args)["error"] == "not_found"


def test_three_modals_are_stacked_at_most(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    def add(method: str, **more: Any) -> Json:
        trigger = trigger_of(workspace, ada)
        return bot.call(method, trigger_id=trigger, view=modal(**more))

    assert add("views_push")["error"] == "not_found"
    first = add("views_open", external_id="one")["view"]
    assert add("views_push", external_id="one")["error"] == "duplicate_external_id"
    second = add("views_push")["view"]
    assert second["root_view_id"] == second["previous_view_id"] == first["id"]
    assert add("views_push")["ok"]
    assert add("views_push")["error"] == "push_limit_reached"
    assert len(workspace.views(ada)) == 3


def test_the_home_tab_is_published_per_person(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    first = bot.call("views_publish", user_id=ada, view=HOME)["view"]
    home = workspace.home(ada)
    assert home is not None
    assert home["id"] == first["id"]
    assert bot.call("views_publish", user_id=ada, view=HOME, hash=first["hash"])["ok"]
    answer = bot.call("views_publish", user_id=ada, view=HOME, hash=first["hash"])
    assert answer["error"] == "hash_conflict"
    assert not bot.call("views_publish", user_id=ada, view=ASK)["ok"]
    workspace.set_tabs(home=False)
    answer = bot.call("views_publish", user_id=ada, view=HOME)
    assert answer["error"] == "not_enabled"


# The journal


def test_every_call_is_written_down_without_its_token(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    bot.call("chat_postMessage", channel=ada, text="x", blocks=[section("x")])
    bot.call("chat_postMessage", channel="C404", text="x")
    right, wrong = workspace.calls
    assert (right.method, right.ok, right.error) == ("chat.postMessage", True, None)
    assert right.args["blocks"] == [section("x")]
    assert (wrong.ok, wrong.error) == (False, "channel_not_found")
    assert workspace.bot_token not in json.dumps(workspace.journal())
