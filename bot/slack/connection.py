"""The app, its client and its socket, each made in one place.

Nothing here knows what is listened to, nor starts anything.
"""

import asyncio
import logging
from typing import Any, cast

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Timing

OPENS_WITHIN = 5
"""Seconds that opening a socket may take at least: nobody waits for it at a click."""

PINGED_EVERY = 3
"""Seconds between pings. The library waits as long after a connection that failed, and
gives one up that has not answered four of them: 10 by default, half a minute deaf."""

ANSWERED_WITHIN = 3
"""Seconds that Slack waits for an answer: none later is of use."""

NOT_CONNECTED = "It is not connected: nothing that is asked or answered comes in."

log = structlog.get_logger(__name__)


class Socket(AsyncSocketModeHandler):
    """Socket Mode that answers what has come in before it closes."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._answering: set[asyncio.Task[None]] = set()
        super().__init__(*args, **named)

    async def handle(  # type: ignore[override]
        self, client: SocketModeClient, req: SocketModeRequest
    ) -> None:
        """Hand on what came in, and send the answer."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._answering.add(task)
        try:
            await super().handle(client, req)
        finally:
            self._answering.discard(task)

    async def problem(self) -> str:
        """Return what is wrong with the connection at this moment, if anything."""
        return "" if await self.client.is_connected() else NOT_CONNECTED

    async def close_async(self) -> None:
        """Send the answers that are under way, and disconnect for good."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=ANSWERED_WITHIN)
        await super().close_async()  # type: ignore[no-untyped-call]


def web_client(token: str, base_url: str, timing: Timing) -> AsyncWebClient:
    """Return a client of Slack's Web API that never retries by itself."""
    return AsyncWebClient(
        token=token,
        base_url=base_url,
        timeout=max(1, round(timing.slack_call.total_seconds())),
        retry_handlers=[],
    )


def slack_app(
    client: AsyncWebClient, *, team_id: str, bot_user_id: str, bot_id: str = ""
) -> AsyncApp:
    """Return a Bolt app with nothing registered.

    A listener runs whole before its answer goes out, so that a failure after
    the ack is still the answer. Who we are is given, so no request asks Slack.
    NB. It verifies no signature: `bot.slack.http` does, before it is called.
    """
    ourselves = AuthorizeResult(
        enterprise_id=None,
        team_id=team_id,
        bot_token=client.token,
        bot_user_id=bot_user_id,
        bot_id=bot_id,
    )

    async def authorize(**_: Any) -> AuthorizeResult:
        return ourselves

    return AsyncApp(
        name="access-bot",
        logger=_only_from("bot.slack.bolt", logging.ERROR),
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        raise_error_for_unhandled_request=True,
    )


def socket(app: AsyncApp, app_token: str, client: AsyncWebClient) -> Socket:
    """Return Socket Mode for `app`, not yet connected.

    `client` tells where Slack is and how long it may take; its own token is not
    used here.
    """
    opener = AsyncWebClient(
        token=app_token,
        base_url=client.base_url,
        timeout=max(OPENS_WITHIN, client.timeout),
    )
    logger = _only_from("bot.slack.socket", logging.WARNING)
    handler = Socket(
        app, app_token, logger=logger, web_client=opener, ping_interval=PINGED_EVERY
    )
    # The library's own goes on for ever where its loop is closed under it: each
    # try fails at once, and is logged.
    handler.client.message_processor.cancel()
    handler.client.message_processor = asyncio.ensure_future(_process(handler.client))
    return handler


async def _process(client: SocketModeClient) -> None:
    """Hand on what comes in until `client` is closed, or the loop that it lives in."""
    loop = asyncio.get_running_loop()
    while not client.closed and not loop.is_closed():
        try:
            await client.process_message()  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 -- one is lost, not all after it
            if not loop.is_closed():
                log.error("message lost", action="receive", why=type(error).__name__)


def _only_from(name: str, level: int) -> logging.Logger:
    """Return a logger that says nothing below `level`.

    NB. Below it Slack's libraries log whole bodies, whatever others are set to.
    """
    logger = logging.getLogger(name)
    logger.setLevel(level)
    return logger
