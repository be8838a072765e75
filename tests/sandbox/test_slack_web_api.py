"""The Web API, spoken by slack_sdk: its doors, people, channels and journal."""

import json
from typing import Any

import httpx
import pytest

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import section
from tests.sandbox.slack_bot import Bot

Json = dict[str, Any]


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
