"""Buttons, and the response URLs that come with them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import HOME, actions, button
from tests.sandbox.slack_bot import Bot, card, payload_of

Json = dict[str, Any]


def test_a_button_tells_who_pressed_what_and_where(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.action("approve")
    async def approve(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        place = body["container"]
        await client.chat_update(
            channel=place["channel_id"], ts=place["message_ts"], text="Approved"
        )
        await ack()

    shown = card(connected, workspace, ada)
    assert workspace.press(ada, "approve", shown).ok
    payload = payload_of(workspace)
    assert payload["user"] == {
        "id": ada,
        "username": "ada",
        "name": "ada",
        "team_id": workspace.team_id,
    }
    assert payload["channel"] == {"id": shown.channel, "name": "directmessage"}
    (action,) = payload["actions"]
    assert (action["action_id"], action["value"]) == ("approve", "17")
    assert action["block_id"] == shown.blocks[1]["block_id"]
    assert workspace.messages(ada)[0].text == "Approved"


def test_a_button_that_is_gone_can_only_be_forged(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.action("approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()

    shown = card(connected, workspace, ada)
    connected.call("chat_update", channel=shown.channel, ts=shown.ts, text="Ended")
    with pytest.raises(ValueError, match="there is no approve"):
        workspace.press(ada, "approve", shown)
    assert workspace.press(ada, "approve", shown, value="99", force=True).ok
    assert payload_of(workspace)["actions"][0]["value"] == "99"


def test_what_others_are_shown_can_only_be_forged(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.action("approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()

    shown = card(connected, workspace, ada)
    eve = workspace.add_person("eve", stranger=True)
    with pytest.raises(ValueError, match="cannot see"):
        workspace.press(eve, "approve", shown)
    assert workspace.press(eve, "approve", shown, force=True).ok
    payload = payload_of(workspace)
    assert payload["user"]["team_id"] != workspace.team_id == payload["team"]["id"]


def test_buttons_of_a_view_are_told_apart_by_their_value(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.action("end")
    async def end(ack: AsyncAck) -> None:
        await ack()

    rows = [actions(button("end", value)) for value in ("17", "18")]
    connected.call("views_publish", user_id=ada, view={**HOME, "blocks": rows})
    assert workspace.press(ada, "end", value="18").ok
    payload = payload_of(workspace)
    assert payload["actions"][0]["value"] == "18"
    assert payload["container"]["type"] == "view"
    assert "response_url" not in payload
    with pytest.raises(ValueError, match="there is no end"):
        workspace.press(ada, "end", value="19")


def test_two_people_may_press_at_once(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.action("approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()

    bob = workspace.add_person("bob")
    cards = {user: card(connected, workspace, user) for user in (ada, bob)}
    with ThreadPoolExecutor(2) as threads:
        pressing = [
            threads.submit(workspace.press, user, "approve", shown)
            for user, shown in cards.items()
        ]
        assert all(one.result().ok for one in pressing)


def test_a_response_url_replaces_adds_and_deletes(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.action("approve")
    async def answer(ack: AsyncAck, respond: AsyncRespond) -> None:
        await respond("Approved", replace_original=True)
        await respond("Only you", replace_original=False)
        await ack()

    @connected.app.action("deny")
    async def remove(ack: AsyncAck, respond: AsyncRespond) -> None:
        await respond(delete_original=True)
        await ack()

    first, second = (card(connected, workspace, ada) for _ in range(2))
    workspace.press(ada, "approve", first)
    assert [one.text for one in workspace.messages(ada)] == ["Approved", "Ada asks"]
    assert [one.text for one in workspace.ephemerals(ada)] == ["Only you"]
    workspace.press(ada, "deny", second)
    assert [one.text for one in workspace.messages(ada)] == ["Approved"]


def test_a_response_url_is_good_for_five_answers(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    answers: list[int] = []

    @connected.app.command("/access")
    async def answer(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        lines = [await respond(f"Line {number}") for number in range(6)]
        answers.extend(line.status_code for line in lines)

    workspace.command(ada, "")
    workspace.wait_for(lambda: len(answers) == 6)
    assert answers == [200] * 5 + [404]
    assert len(workspace.ephemerals(ada)) == 5
    assert workspace.calls[-1].error == "used_url"
