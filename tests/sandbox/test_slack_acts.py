"""What people do in their client, and what they see of the bot's answers."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import Delivery, Message, SlackWorkspace
from tests.sandbox.slack_blocks import (
    ASK,
    GROUP,
    HOME,
    HOURS,
    WHY,
    actions,
    button,
    field,
    modal,
    option,
    section,
)
from tests.sandbox.slack_bot import Bot

Json = dict[str, Any]
CARD = [section(), actions(button("approve"), button("deny"))]


@pytest.fixture(params=["socket", "http"])
def connected(request: pytest.FixtureRequest, bot: Bot) -> Bot:
    """The bot, reached over Socket Mode and then over signed HTTP."""
    if request.param == "socket":
        bot.connect()
    else:
        bot.listen()
    return bot


@pytest.fixture
def asking(workspace: SlackWorkspace, connected: Bot) -> Bot:
    """A bot that opens the modal ASK on /access, and takes what is submitted."""

    @connected.app.command("/access")
    async def open_modal(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=ASK)
        await ack()

    @connected.app.options("group")
    async def suggest(ack: AsyncAck, body: Json) -> None:
        names = [name for name in ("prod", "stage") if body["value"] in name]
        await ack(options=[option(name) for name in names])

    return connected


def card(bot: Bot, workspace: SlackWorkspace, user: str) -> Message:
    bot.call("chat_postMessage", channel=user, text="Ada asks", blocks=CARD)
    return workspace.messages(user)[-1]


def payload_of(workspace: SlackWorkspace) -> Json:
    return last(workspace).payload


def last(workspace: SlackWorkspace) -> Delivery:
    assert workspace.last_delivery is not None
    return workspace.last_delivery


# Commands and shortcuts


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


# Modals


def test_what_was_suggested_can_be_chosen_and_is_submitted(
    workspace: SlackWorkspace, asking: Bot, ada: str
) -> None:
    submitted: list[Json] = []

    @asking.app.view("ask")
    async def take(ack: AsyncAck, body: Json) -> None:
        submitted.append(body["view"]["state"]["values"])
        await ack()

    workspace.command(ada, "")
    assert workspace.suggest(ada, "group", "pro") == [option("prod")]
    ack = workspace.submit(ada, {"group": "prod", "why": "OPS-12"})
    assert ack.ok
    assert workspace.view(ada) is None
    assert submitted == [
        {
            "group": {
                "group": {
                    "type": "external_select",
                    "selected_option": option("prod"),
                }
            },
            "hours": {
                "hours": {"type": "static_select", "selected_option": option("1h")}
            },
            "why": {"why": {"type": "plain_text_input", "value": "OPS-12"}},
        }
    ]


def test_only_what_is_offered_can_be_chosen_unless_it_is_forged(
    workspace: SlackWorkspace, asking: Bot, ada: str
) -> None:
    @asking.app.view("ask")
    async def take(ack: AsyncAck) -> None:
        await ack()

    workspace.command(ada, "")
    with pytest.raises(ValueError, match="prod is not among the options"):
        workspace.submit(ada, {"group": "prod", "why": "x"})
    assert workspace.submit(ada, {"group": option("00gX"), "why": "x"}).ok
    values = payload_of(workspace)["view"]["state"]["values"]
    assert values["group"]["group"]["selected_option"]["value"] == "00gX"


def test_the_client_holds_back_what_is_missing_or_too_long(
    workspace: SlackWorkspace, asking: Bot, ada: str
) -> None:
    workspace.command(ada, "")
    with pytest.raises(ValueError, match="group is required"):
        workspace.submit(ada, {"why": "x"})
    with pytest.raises(ValueError, match="why must have 0 to 20 characters"):
        workspace.submit(ada, {"group": option("prod"), "why": "x" * 21})
    with pytest.raises(ValueError, match="there is no reason to be seen"):
        workspace.submit(ada, {"reason": "x"})


def test_errors_stand_on_the_field_and_the_modal_stays(
    workspace: SlackWorkspace, asking: Bot, ada: str
) -> None:
    @asking.app.view("ask")
    async def refuse(ack: AsyncAck) -> None:
        await ack(response_action="errors", errors={"why": "Name the ticket."})

    workspace.command(ada, "")
    ack = workspace.submit(ada, {"group": option("prod"), "why": "please"})
    assert ack.errors == {"why": "Name the ticket."}
    view = workspace.view(ada)
    assert view is not None
    assert view["state"]["values"]["why"]["why"]["value"] == "please"


@pytest.mark.parametrize(
    "reply",
    [
        {"response_action": "errors", "errors": {"elsewhere": "No."}},
        {"response_action": "update", "view": HOME},
        {"response_action": "shut"},
    ],
)
def test_a_wrong_answer_to_a_submission_is_told_and_the_modal_stays(
    workspace: SlackWorkspace, asking: Bot, ada: str, reply: Json
) -> None:
    @asking.app.view("ask")
    async def answer(ack: AsyncAck) -> None:
        await ack(**reply)

    workspace.command(ada, "")
    ack = workspace.submit(ada, {"group": option("prod"), "why": "x"})
    assert ack.problems
    assert workspace.view(ada) is not None


@pytest.mark.parametrize(
    ("reply", "titles"),
    [
        ({"response_action": "update", "view": modal(callback_id="b")}, ["b"]),
        ({"response_action": "push", "view": modal(callback_id="b")}, ["ask", "b"]),
        ({"response_action": "clear"}, []),
        ({}, []),
    ],
)
def test_a_submission_may_update_push_or_clear(
    workspace: SlackWorkspace, asking: Bot, ada: str, reply: Json, titles: list[str]
) -> None:
    @asking.app.view("ask")
    async def answer(ack: AsyncAck) -> None:
        await ack(**reply)

    workspace.command(ada, "")
    assert workspace.submit(ada, {"group": option("prod"), "why": "x"}).ok
    assert [view["callback_id"] for view in workspace.views(ada)] == titles


def test_a_choice_that_dispatches_is_told_at_once(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    quiet, loud = field("why", WHY), field("hours", HOURS, dispatch_action=True)

    @connected.app.command("/access")
    async def open_modal(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        view = modal(quiet, loud)
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @connected.app.action("hours")
    async def show_limits(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        shown = modal(quiet, loud, section("At most 4 h"))
        view = body["view"]
        await client.views_update(view_id=view["id"], hash=view["hash"], view=shown)
        await ack()

    workspace.command(ada, "")
    assert workspace.choose(ada, "why", "x") is None
    ack = workspace.choose(ada, "hours", "4h")
    assert ack is not None
    assert ack.ok
    assert payload_of(workspace)["actions"][0]["selected_option"] == option("4h")
    view = workspace.view(ada)
    assert view is not None
    assert len(view["blocks"]) == 3
    assert view["state"]["values"]["why"]["why"]["value"] == "x"


def test_closing_is_told_where_it_was_asked_for(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    told: list[bool] = []

    @connected.app.command("/access")
    async def open_modal(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        view = modal(notify_on_close=body["text"] == "tell")
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @connected.app.view_closed("ask")
    async def note(ack: AsyncAck, body: Json) -> None:
        told.append(body["is_cleared"])
        await ack()

    workspace.command(ada, "tell")
    workspace.close_view(ada)
    workspace.command(ada, "quiet")
    assert workspace.close_view(ada) is None
    assert told == [False]
    with pytest.raises(ValueError, match="no such view"):
        workspace.close_view(ada)


def test_options_slack_would_not_take_are_not_shown(
    workspace: SlackWorkspace, connected: Bot, ada: str
) -> None:
    @connected.app.command("/access")
    async def open_modal(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        view = modal(field("group", {**GROUP, "min_query_length": 3}))
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @connected.app.options("group")
    async def suggest(ack: AsyncAck) -> None:
        await ack(options=[option(str(number)) for number in range(101)])

    workspace.command(ada, "")
    before = len(workspace.deliveries)
    assert workspace.suggest(ada, "group", "pr") == []
    assert len(workspace.deliveries) == before
    assert workspace.suggest(ada, "group", "pro") == []
    ack = last(workspace).ack
    assert ack is not None
    assert "no more than 100 items" in ack.problems[0]


# Buttons


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


# Response URLs


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


# Home, events and waiting


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
