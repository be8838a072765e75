"""Modals as people fill them, and what the bot may answer to a submission."""

from typing import Any

import pytest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import (
    ASK,
    GROUP,
    HOME,
    HOURS,
    WHY,
    field,
    modal,
    option,
    section,
)
from tests.sandbox.slack_bot import Bot, last, payload_of

Json = dict[str, Any]


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
