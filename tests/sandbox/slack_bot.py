"""A small bot built with Slack's own libraries, to hold the workspace against."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.serving import Loopback
from bot.sandbox.slack import Delivery, Message, SlackWorkspace
from tests.sandbox.slack_blocks import actions, button, section

T = TypeVar("T")
Json = dict[str, Any]
PATH = "/slack/events"
PING_INTERVAL = 0.2


CARD = [section(), actions(button("approve"), button("deny"))]


class Bot:
    """An AsyncApp on a thread of its own. `app` takes listeners at any time."""

    def __init__(self, workspace: SlackWorkspace, loopback: Loopback) -> None:
        self.workspace = workspace
        self.loopback = loopback
        self.handlers: list[AsyncSocketModeHandler] = []
        self.run(self._build())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run(self._close())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done on the bot's thread."""
        return self.loopback.run(work)

    def call(self, method: str, **args: Any) -> Json:
        """What slack_sdk's `method`, such as chat_postMessage, answers.

        A refusal of Slack's is an answer too.
        """
        try:
            answer = self.run(getattr(self.client, method)(**args))
        except SlackApiError as refused:
            answer = refused.response
        assert isinstance(answer.data, dict)
        return answer.data

    def connect(self) -> None:
        """Open one more Socket Mode connection."""
        self.run(self._connect())
        self.workspace.wait_for_connection()

    def listen(self) -> None:
        """Take deliveries over signed HTTP from now on."""
        handler = AsyncSlackRequestHandler(self.app)

        async def endpoint(request: Request) -> Response:
            return await handler.handle(request)

        served = Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])
        self.workspace.request_url = self.loopback.serve(served) + PATH

    async def _build(self) -> None:
        workspace = self.workspace
        api = f"{workspace.url}/api/"
        self.client = AsyncWebClient(
            workspace.bot_token, base_url=api, timeout=1, retry_handlers=[]
        )
        self.app = AsyncApp(
            client=self.client,
            signing_secret=workspace.signing_secret,
            process_before_response=True,
            logger=_silent(),
        )

    async def _connect(self) -> None:
        api = f"{self.workspace.url}/api/"
        web_client = AsyncWebClient(self.workspace.app_token, base_url=api)
        handler = AsyncSocketModeHandler(
            self.app,
            self.workspace.app_token,
            web_client=web_client,
            logger=_silent(),
            ping_interval=PING_INTERVAL,
        )
        await handler.client.connect()  # type: ignore[no-untyped-call]
        self.handlers.append(handler)

    async def _close(self) -> None:
        for handler in self.handlers:
            await handler.client.close()  # type: ignore[no-untyped-call]


def _silent() -> logging.Logger:
    logger = logging.getLogger("tests.sandbox.bot")
    logger.setLevel(logging.CRITICAL)
    return logger


class Deaf:
    """A bare Socket Mode client: it acknowledges only from some frame on."""

    def __init__(
        self, workspace: SlackWorkspace, loopback: Loopback, hears_after: int = 0
    ) -> None:
        self.frames: list[Json] = []
        self._workspace = workspace
        self._loopback = loopback
        self._hears_after = hears_after

    def __enter__(self) -> Self:
        self._loopback.run(self._connect())
        self._workspace.wait_for_connection()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loopback.run(self._close())

    async def opens_again(self) -> bool:
        """Whether the address it was given opens a second connection."""
        try:
            second = await self._session.ws_connect(self._address)
        except aiohttp.WSServerHandshakeError:
            return False
        await second.close()
        return True

    async def _connect(self) -> None:
        self._session = aiohttp.ClientSession()
        answer = await self._session.post(
            f"{self._workspace.url}/api/apps.connections.open",
            headers={"authorization": f"Bearer {self._workspace.app_token}"},
        )
        self._address = (await answer.json())["url"]
        self._socket = await self._session.ws_connect(self._address)
        self.hello: Json = await self._socket.receive_json()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            frame = json.loads(message.data)
            self.frames.append(frame)
            if len(self.frames) > self._hears_after:
                await self._socket.send_json({"envelope_id": frame["envelope_id"]})

    async def _close(self) -> None:
        await self._socket.close()
        await self._reading
        await self._session.close()


def card(bot: Bot, workspace: SlackWorkspace, user: str) -> Message:
    """A message with two buttons, as `user` sees it."""
    bot.call("chat_postMessage", channel=user, text="Ada asks", blocks=CARD)
    return workspace.messages(user)[-1]


def last(workspace: SlackWorkspace) -> Delivery:
    """What was delivered last."""
    assert workspace.last_delivery is not None
    return workspace.last_delivery


def payload_of(workspace: SlackWorkspace) -> Json:
    """What Slack said in it."""
    return last(workspace).payload


def trigger_of(workspace: SlackWorkspace, user: str) -> str:
    """A trigger that nobody has used."""
    workspace.command(user, "")
    return str(payload_of(workspace)["trigger_id"])
