"""What proves us to Slack, and who we are there, asked until it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.roles import Role
from bot.core.words import SettingError
from bot.settings import Settings, Timing
from bot.slack.calls import call
from bot.slack.connection import web_client
from bot.slack.errors import SlackError, SlackRefused

log = structlog.get_logger()


@dataclass(frozen=True)
class Tokens:
    """What proves the bot to Slack, and Slack to the bot: a socket or signatures."""

    bot: str = field(repr=False)
    app: str = field(repr=False)
    signing_secret: str = field(repr=False)


def read_tokens(settings: Settings, role: Role) -> Tokens:
    """Return the secrets that `role` needs; SettingError where one is not there."""
    bot = settings.require("slack_bot_token", "Set it to the app's bot token, xoxb-...")
    app = settings.secret("slack_app_token") if role.listens else ""
    if app or not role.listens:
        return Tokens(bot, app, "")
    signing_secret = settings.require(
        "slack_signing_secret",
        "Set it for HTTP mode, or SLACK_APP_TOKEN for Socket Mode.",
    )
    return Tokens(bot, "", signing_secret)


async def check_slack(
    settings: Settings, timing: Timing, role: Role = Role.ALL
) -> None:
    """Raise SettingError when Slack can surely not be spoken to.

    A Slack that does not answer at once is waited for later: what is overdue
    is revoked first.
    """
    tokens = read_tokens(settings, role)
    client = web_client(tokens.bot, settings.slack_api_url, timing)
    try:
        await greet(client, timing.slack_at_start)
    except SlackRefused as error:
        raise SettingError(
            f"Slack does not take SLACK_BOT_TOKEN ({error}).",
            "Reinstall the app and set the token it shows.",
        ) from error
    except SlackError as error:
        log.warning("Slack is not there yet", why=str(error))


async def greet(client: AsyncWebClient, within: timedelta) -> Mapping[str, Any]:
    """Return who we are in Slack. Raises SlackError."""
    return await call(client.auth_test, within)


def slack_client(settings: Settings, timing: Timing) -> AsyncWebClient:
    token = settings.secret("slack_bot_token")
    return web_client(token, settings.slack_api_url, timing)
