"""A small bot built with Slack's own libraries, to hold the workspace against."""

import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.serving import Loopback
from bot.sandbox.slack import SlackWorkspace

T = TypeVar("T")
PATH = "/slack/events"


class Bot:
    """An AsyncApp on a thread of its own. `app` takes listeners at any time."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.loopback = Loopback()
        self.run(self._build())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handler in self.handlers:
            self.run(handler.close_async())
        self.loopback.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, done on the bot's thread."""
        return self.loopback.run(work)

    def call(self, method: str, **args: Any) -> dict[str, Any]:
        """Call the Web API as the bot, with slack_sdk, and return the answer."""

        async def call() -> dict[str, Any]:
            answer = await self.client.api_call(method, json=args)
            assert isinstance(answer.data, dict)
            return answer.data

        return self.run(call())

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
        self.client = AsyncWebClient(workspace.bot_token, base_url=api)
        self.client.retry_handlers = []
        self.app = AsyncApp(
            client=self.client,
            signing_secret=workspace.signing_secret,
            process_before_response=True,
            logger=_silent(),
        )
        self.handlers: list[AsyncSocketModeHandler] = []

    async def _connect(self) -> None:
        api = f"{self.workspace.url}/api/"
        web_client = AsyncWebClient(self.workspace.app_token, base_url=api)
        handler = AsyncSocketModeHandler(
            self.app, self.workspace.app_token, web_client=web_client, logger=_silent()
        )
        await handler.connect_async()
        self.handlers.append(handler)


def _silent() -> logging.Logger:
    logger = logging.getLogger("tests.sandbox.bot")
    logger.setLevel(logging.CRITICAL)
    return logger

