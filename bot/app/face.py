"""The loop that speaks with Slack: listen, and send what rows say."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot.app.greeting import Tokens, greet, read_tokens
from bot.app.parts import REVOKE_ONLY, Parts
from bot.app.replicas import every
from bot.core.words import SettingError
from bot.engine.worker import Line, StillHeld, Worker
from bot.slack.accounts import read_accounts
from bot.slack.connection import slack_app, socket, web_client
from bot.slack.errors import SlackError, SlackRefused
from bot.slack.http import slack_routes
from bot.slack.listeners import Desk, register
from bot.slack.messenger import Messenger
from bot.store.tables import Notice
from bot.workflow import upkeep

POSTS_AT_ONCE = 24
"""How many calls to Slack are under way: a card for each of twenty goes at once."""

log = structlog.get_logger()


async def face(parts: Parts, web: Starlette) -> None:
    """Speak with Slack until cancelled: listen, and send what rows say.

    Of several processes, the web ones listen and the workers send.
    """
    parts.health.wrong("slack", "Not connected yet.")
    tokens = await _tokens(parts)
    client = web_client(tokens.bot, parts.settings.slack_api_url, parts.timing)
    we = await _reach_slack(parts, client)
    worker = _sender(parts, client, we["team_id"]) if parts.role.works else None
    async with AsyncExitStack() as stack:
        if parts.role.listens:
            desk = _desk(parts, client, we["team_id"])
            app = slack_app(
                client,
                team_id=we["team_id"],
                bot_user_id=we["user_id"],
                bot_id=we["bot_id"],
            )
            register(app, desk)
            stack.push_async_callback(desk.finish)
            await stack.enter_async_context(_connected(parts, tokens, app, client, web))
        parts.health.right("slack")
        try:
            await (worker.run() if worker else asyncio.Event().wait())
        finally:
            stopping = [worker.stop()] if worker else []
            await asyncio.gather(stack.aclose(), *stopping)


def _desk(parts: Parts, client: AsyncWebClient, team_id: str) -> Desk:
    """Return what listeners work with."""
    return Desk(
        database=parts.database,
        offices=parts.offices,
        client=client,
        clock=parts.clock,
        timing=parts.timing,
        team_id=team_id,
        wake=parts.bell.ring,
        closed=REVOKE_ONLY if parts.revoke_only else "",
    )


def _sender(parts: Parts, client: AsyncWebClient, team_id: str) -> Worker:
    """Return the loop that sends what rows say; who is in Slack is read beside it."""
    messenger = Messenger(
        parts.database, client, parts.offices, parts.clock, parts.timing
    )
    every(parts, parts.timing.meet, "meet", partial(_meet, parts, client, team_id))
    post = partial(_post, parts, messenger)
    return parts.worker(
        "slack", [Line(table=Notice, carry_out=post, at_once=POSTS_AT_ONCE)]
    )


@asynccontextmanager
async def _connected(
    parts: Parts, tokens: Tokens, app: AsyncApp, client: AsyncWebClient, web: Starlette
) -> AsyncIterator[None]:
    """Listen: on a socket where there is an app token, else for signed requests."""
    if not tokens.app:
        web.router.routes.extend(slack_routes(app, tokens.signing_secret))
        yield
        return
    listener = socket(app, tokens.app, client)
    try:
        await listener.connect_async()  # type: ignore[no-untyped-call]
        parts.health.watch("slack socket", listener.problem)
        yield
    finally:
        await listener.close_async()


async def _tokens(parts: Parts) -> Tokens:
    """Return what proves us to Slack, once it can be read.

    NB. What is alive is ended meanwhile: a bot without Slack may still do that.
    """
    while True:
        try:
            return await asyncio.to_thread(read_tokens, parts.settings, parts.role)
        except SettingError as error:
            parts.health.wrong("slack", str(error))
            await asyncio.sleep(parts.timing.sweep.total_seconds())


async def _reach_slack(parts: Parts, client: AsyncWebClient) -> Mapping[str, Any]:
    """Return who we are in Slack, however long that takes."""
    while True:
        try:
            return await greet(client, parts.timing.slack_call)
        except SlackError as error:
            parts.health.wrong("slack", str(error))
            await asyncio.sleep(parts.timing.sweep.total_seconds())


async def _meet(parts: Parts, client: AsyncWebClient, team_id: str) -> None:
    """Read who is in the workspace into rows."""
    accounts = await read_accounts(client, team_id, parts.clock())
    await upkeep.meet(parts.database, accounts, parts.clock())
    # Who was read from Okta before anybody was met here could not be linked then:
    # without this, owners and admins are told nothing until the next discovery.
    for office in list(parts.offices.values()):
        await upkeep.meet_roles(office, parts.clock())


async def _post(
    parts: Parts, messenger: Messenger, notice: Notice, still_held: StillHeld
) -> None:
    """Send one notice, and see from it whether Slack still takes our token."""
    try:
        await messenger.carry_out(notice, still_held)
    except SlackRefused as error:
        parts.health.wrong("slack", str(error))
        raise
    parts.health.right("slack")
