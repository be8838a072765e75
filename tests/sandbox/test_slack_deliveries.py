"""How payloads reach the bot: over sockets or signed HTTP, once or again."""

import json
import signal
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.serving import Loopback
from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import actions, button
from tests.sandbox.slack_bot import Bot, Deaf

Json = dict[str, Any]
# Long enough for an answer on a busy machine, short enough to wait for in vain.
SHORT = 0.3


class Listener:
    """A request URL that writes down what comes and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.answers: list[Response] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._endpoint, methods=["POST"])])

    async def _endpoint(self, request: Request) -> Response:
        body = (await request.body()).decode()
        self.requests.append((dict(request.headers), body))
        return self.answers.pop(0) if self.answers else Response()


@pytest.fixture
def listener(workspace: SlackWorkspace, bots: Loopback) -> Listener:
    """Where deliveries go, signed."""
    listener = Listener()
    workspace.request_url = bots.serve(listener.app()) + "/"
    return listener


# Socket Mode


def test_nothing_is_queued_while_no_connection_exists(
    workspace: SlackWorkspace, ada: str
) -> None:
    ack = workspace.command(ada, "help")
    assert ack.status is None
    assert not workspace.connected
    assert workspace.last_delivery is not None
    assert workspace.last_delivery.via == "nobody"


def test_a_connection_is_opened_by_the_app_token_and_says_hello(
    workspace: SlackWorkspace, bots: Loopback, bot: Bot
) -> None:
    answer = bot.call("apps_connections_open", app_token=workspace.bot_token)
    assert answer["error"] == "not_allowed_token_type"
    with Deaf(workspace, bots) as deaf:
        assert deaf.hello["type"] == "hello"
        assert deaf.hello["num_connections"] == 1


def test_an_unacknowledged_command_is_lost(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    @bot.app.command("/access")
    async def say_nothing() -> None: ...

    bot.connect()
    workspace.set_patience(ack_seconds=SHORT)
    ack = workspace.command(ada, "help")
    assert (ack.status, ack.body) == (None, None)
    assert len(workspace.deliveries) == 1


def test_each_payload_goes_to_one_connection_in_turn(
    workspace: SlackWorkspace, bots: Loopback, bot: Bot, ada: str
) -> None:
    took: list[str] = []

    def take(name: str, taking: Bot) -> None:
        @taking.app.command("/access")
        async def note(ack: AsyncAck) -> None:
            took.append(name)
            await ack()

        taking.connect()

    with Bot(workspace, bots) as other:
        take("one", bot)
        take("other", other)
        workspace.wait_for(lambda: len(workspace.state.sockets.open) == 2)
        for _ in range(4):
            assert workspace.command(ada, "help").ok
    assert sorted(took) == ["one", "one", "other", "other"]


def test_an_event_that_is_not_acknowledged_comes_again(
    workspace: SlackWorkspace, bots: Loopback, ada: str
) -> None:
    workspace.set_patience(ack_seconds=SHORT, retry_delays=[0.0, 0.0])
    with Deaf(workspace, bots, hears_after=2) as deaf:
        workspace.open_home(ada)
        workspace.wait_for(lambda: len(deaf.frames) == 3)
        workspace.wait_for(lambda: _acked(workspace, 2))
    attempts = [(f["retry_attempt"], f["retry_reason"]) for f in deaf.frames]
    assert attempts == [(0, ""), (1, "timeout"), (2, "timeout")]
    assert len({frame["envelope_id"] for frame in deaf.frames}) == 3
    assert len({frame["payload"]["event_id"] for frame in deaf.frames}) == 1


def test_the_same_payload_can_come_twice(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    triggers: list[str] = []

    @bot.app.command("/access")
    async def note(ack: AsyncAck, body: Json) -> None:
        triggers.append(body["trigger_id"])
        await ack("Noted")

    bot.connect()
    workspace.command(ada, "help")
    assert [ack.status for ack in workspace.redeliver(2)] == [200, 200]
    assert len(triggers) == 3
    assert len(set(triggers)) == 1
    assert len({one.envelope_id for one in workspace.deliveries}) == 3
    assert len(workspace.ephemerals(ada)) == 3


def test_a_refreshed_connection_is_made_anew(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    @bot.app.command("/access")
    async def take(ack: AsyncAck) -> None:
        await ack()

    bot.connect()
    workspace.refresh_connections()
    assert not workspace.connected
    workspace.wait_for_connection()
    assert workspace.command(ada, "help").ok


def test_a_cut_connection_is_made_anew_once_slack_is_back(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    @bot.app.command("/access")
    async def take(ack: AsyncAck) -> None:
        await ack()

    bot.connect()
    workspace.down()
    assert workspace.command(ada, "help").status is None
    workspace.up()
    workspace.wait_for_connection()
    assert workspace.command(ada, "help").ok


def test_an_address_opens_one_connection(
    workspace: SlackWorkspace, bots: Loopback
) -> None:
    with Deaf(workspace, bots) as deaf:
        assert not bots.run(deaf.opens_again())


# Signed HTTP


def test_every_request_is_signed(
    workspace: SlackWorkspace, listener: Listener, ada: str
) -> None:
    verifier = SignatureVerifier(workspace.signing_secret)
    workspace.command(ada, "help é")
    workspace.shortcut(ada, "request_access")
    workspace.open_home(ada)
    assert len(listener.requests) == 3
    for headers, body in listener.requests:
        assert verifier.is_valid_request(body, headers)
        assert not verifier.is_valid_request(body + " ", headers)


def test_each_kind_has_its_content_type(
    workspace: SlackWorkspace, listener: Listener, bot: Bot, ada: str
) -> None:
    workspace.command(ada, "help")
    bot.call("chat_postMessage", channel=ada, text="x", blocks=[actions(button())])
    workspace.press(ada, "approve", workspace.messages(ada)[0])
    workspace.open_home(ada)
    command, pressed, opened = listener.requests
    form = "application/x-www-form-urlencoded"
    types = [headers["content-type"] for headers, _ in listener.requests]
    assert types == [form, form, "application/json"]
    assert parse_qs(command[1])["text"] == ["help"]
    payload = json.loads(parse_qs(pressed[1])["payload"][0])
    assert payload["type"] == "block_actions"
    assert json.loads(opened[1])["event"]["type"] == "app_home_opened"


def test_a_failed_event_comes_again_and_says_so(
    workspace: SlackWorkspace, listener: Listener, ada: str
) -> None:
    workspace.set_patience(retry_delays=[0.0])
    listener.answers = [Response(status_code=500), Response(status_code=500)]
    workspace.open_home(ada)
    workspace.wait_for(lambda: len(listener.requests) == 2)
    headers, _ = listener.requests[1]
    assert headers["x-slack-retry-num"] == "1"
    assert headers["x-slack-retry-reason"] == "http_error"
    assert listener.requests[0][1] == listener.requests[1][1]


def test_a_bot_may_ask_not_to_be_told_again(
    workspace: SlackWorkspace, listener: Listener, ada: str
) -> None:
    workspace.set_patience(retry_delays=[0.0])
    no_retry = {"x-slack-no-retry": "1"}
    listener.answers = [Response(status_code=500, headers=no_retry)]
    workspace.open_home(ada)
    workspace.open_home(ada)
    assert len(listener.requests) == 2
    assert "x-slack-retry-num" not in listener.requests[1][0]


def test_a_failed_command_does_not_come_again(
    workspace: SlackWorkspace, listener: Listener, ada: str
) -> None:
    workspace.set_patience(retry_delays=[0.0])
    listener.answers = [Response(status_code=401)]
    ack = workspace.command(ada, "help")
    assert (ack.status, ack.ok) == (401, False)
    assert len(listener.requests) == 1


def test_a_bot_that_is_not_there_is_no_answer(
    workspace: SlackWorkspace, ada: str
) -> None:
    workspace.request_url = "http://127.0.0.1:1/"
    assert workspace.command(ada, "help").status is None


def test_an_immediate_reply_may_be_text_or_json(
    workspace: SlackWorkspace, listener: Listener, ada: str
) -> None:
    listener.answers = [Response("Plain"), JSONResponse({"text": "JSON"})]
    assert workspace.command(ada, "help").text == "Plain"
    assert workspace.command(ada, "help").text == "JSON"
    assert [one.text for one in workspace.ephemerals(ada)] == ["Plain", "JSON"]


# The control door


def test_verbs_are_spoken_over_http_too(
    workspace: SlackWorkspace, http: httpx.Client, listener: Listener
) -> None:
    def speak(verb: str, **args: Any) -> Any:
        body = {"verb": verb, "args": args}
        answer = http.post(f"{workspace.url}/_control", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    ada = speak("add_person", name="ada", email="ada@example.com")
    listener.answers = [JSONResponse({"text": "Hello"})]
    assert speak("command", user=ada, text="help")["status"] == 200
    assert speak("ephemerals", user=ada)[0]["text"] == "Hello"
    assert speak("view", user=ada) is None
    journal = speak("journal")
    assert journal["deliveries"][0]["kind"] == "slash_commands"
    answer = http.post(f"{workspace.url}/_control", json={"verb": "home", "args": {}})
    assert answer.status_code == 400


def test_the_workspace_runs_as_a_program_that_says_where_it_is() -> None:
    command = [sys.executable, "-m", "bot.sandbox.slack", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603
        assert program.stdout is not None
        said = json.loads(program.stdout.readline())
        answer = httpx.post(
            f"{said['url']}/api/auth.test",
            headers={"authorization": f"Bearer {said['bot_token']}"},
            trust_env=False,
            timeout=10,
        )
        assert answer.json()["user_id"] == said["bot_user_id"]
        program.send_signal(signal.SIGTERM)
        assert program.wait(10) == 0


def _acked(workspace: SlackWorkspace, index: int) -> bool:
    ack = workspace.deliveries[index].ack
    return ack is not None and ack.status == 200
