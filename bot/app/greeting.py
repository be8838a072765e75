"""Who we are in Slack, asked once at the start and until it answers."""

from collections.abc import Mapping
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


async def check_slack(
    settings: Settings, timing: Timing, role: Role = Role.ALL
) -> None:
    """Raise SettingError when Slack can surely not be spoken to.

    A Slack that does not answer at once is waited for later: what is overdue
    is revoked first.
    """
    settings.require("slack_bot_token", "Set it to the app's bot token, xoxb-...")
    if role.listens and not settings.secret("slack_app_token"):
        settings.require(
            "slack_signing_secret",
            "Set it for HTTP mode, or SLACK_APP_TOKEN for Socket Mode.",
        )
    try:
        await greet(slack_client(settings, timing), timing.slack_at_start)
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
