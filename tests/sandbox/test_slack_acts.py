"""Commands, shortcuts, the Home tab and events, and what people see of them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import ASK, HOME, section
from tests.sandbox.slack_bot import Bot, card, payload_of

Json = dict[str, Any]


def test_a_command_arrives_as_strings_and_its_reply_is_seen_by_one(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.command("/access")
    async def help(ack: AsyncAck, body: Json) -> None:
        await ack(f"You said {body['text']}", blocks=[section(body["text"])])

    ack = workspace.command(ada, "help <@U1> & me")
    assert (ack.status, ack.problems) == (200, [])
    assert ack.text == "You said help &lt;@U1&gt; &amp; me"
    assert [one.text for one in workspace.ephemerals(ada)] == [ack.text]
    payload = payload_of(workspace)
    assert all(isinstance(value, str) for value in payload.values())
    assert payload["channel_name"] == "directmessage"
    assert payload["is_enterprise_install"] == "false"


def test_a_reply_in_a_channel_may_be_for_all(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.command("/access")
    async def answer(ack: AsyncAck) -> None:
        await ack("For all", response_type="in_channel")

    channel = workspace.add_channel("ops", members=[ada])
    workspace.command(ada, "", channel=channel)
    assert payload_of(workspace)["channel_name"] == "ops"
    assert [one.text for one in workspace.messages_in(channel)] == ["For all"]


def test_a_reply_slack_would_not_take_is_told(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.command("/access")
    async def answer(ack: AsyncAck) -> None:
        await ack("Look", blocks=[section("")])

    ack = workspace.command(ada, "")
    assert not ack.ok
    assert "/blocks/0/text/text" in ack.problems[0]
    assert workspace.ephemerals(ada) == []


def test_a_shortcut_brings_a_trigger_and_no_channel(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.shortcut("request_access")
    async def open_modal(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=ASK)
        await ack()

    assert workspace.shortcut(ada, "request_access").ok
    assert workspace.view(ada) is not None
    assert "channel" not in payload_of(workspace)


def test_a_manifest_says_what_there_is(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    workspace.install(
        {
            "features": {"slash_commands": [{"command": "/access"}]},
            "oauth_config": {"scopes": {"bot": ["commands"]}},
        }
    )
    with pytest.raises(ValueError, match="no /acess"):
        workspace.command(ada, "help", command="/acess")
    with pytest.raises(ValueError, match="no request_access"):
        workspace.shortcut(ada, "request_access")
    assert connected.call("users_list")["error"] == "missing_scope"


def test_opening_the_home_tab_is_told_each_time(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.event("app_home_opened")
    async def publish(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view=HOME)

    assert workspace.home(ada) is None
    workspace.open_home(ada)
    workspace.wait_for(lambda: workspace.home(ada))
    payload = payload_of(workspace)
    assert payload["event"]["channel"].startswith("D")
    assert payload["type"] == "event_callback"


def test_a_changed_person_is_told_to_those_who_subscribe(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    changed: list[Json] = []

    @connected.app.event("user_change")
    async def note(event: Json) -> None:
        changed.append(event["user"])

    workspace.change_person(ada, email="ada@elsewhere.example", guest=True)
    workspace.wait_for(lambda: changed)
    assert changed[0]["profile"]["email"] == "ada@elsewhere.example"
    assert changed[0]["is_restricted"]
    workspace.set_events()
    before = len(workspace.deliveries)
    workspace.change_person(ada, guest=False)
    assert len(workspace.deliveries) == before


def test_a_message_is_waited_for_as_long_as_it_takes_and_no_longer(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(workspace.wait_for_message, ada, "17")
        first = card(connected, workspace, ada)
        second = connected.call("chat_postMessage", channel=ada, text="For 17 h")
        assert waiting.result().ts == second["ts"]
    with pytest.raises(AssertionError, match="ada was shown: 'For 17 h'"):
        workspace.wait_for_message(ada, "18", timeout=0)
    assert workspace.wait_for_message(ada, "", after=first).text == "For 17 h"
