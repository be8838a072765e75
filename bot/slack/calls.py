"""One call of the Web API, in time or not at all, its failure sorted once.

The SDK's own retries are off: whoever called decides whether to try again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import SlackError, SlackRefused, SlackSaidNo, SlackUnavailable

Method = Callable[..., Awaitable[AsyncSlackResponse]]

LONGEST_TOLD = timedelta(minutes=10)
"""Slack asks for seconds: a longer wait would silence us on a proxy's word."""

TRY_AGAIN = frozenset(
    {
        "fatal_error",
        "internal_error",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    }
)
OUR_TOKEN = frozenset(
    {
        "access_denied",
        "account_inactive",
        "app_access_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "token_expired",
        "token_revoked",
    }
)


async def call(
    method: Method, within: timedelta, **arguments: Any
) -> Mapping[str, Any]:
    """Return what Slack answered to `method`, a method of the SDK's client.

    Raises SlackUnavailable, SlackRefused or SlackSaidNo. Nothing of what was
    sent is in the error.
    """
    name = name_of(method)
    try:
        async with asyncio.timeout(within.total_seconds()):
            answered = await method(**arguments)
    except SlackApiError as error:
        raise _sorted(name, error.response) from None
    except (TimeoutError, OSError, aiohttp.ClientError, SlackClientError) as error:
        raise SlackUnavailable(f"{name}: {type(error).__name__}") from None
    except (AttributeError, ValueError):
        # The SDK takes every 200 for JSON: a proxy's plain text trips it up.
        raise SlackUnavailable(f"{name}: not an answer of Slack's") from None
    return answered.data if isinstance(answered.data, dict) else {}


def name_of(method: Method) -> str:
    """Return the name of an SDK method, such as "chat_postMessage"."""
    return str(getattr(method, "__name__", "call"))


def _sorted(name: str, response: Any) -> SlackError:
    """Return what an answer that is not ok means.

    Slack: "429 with Retry-After: s, and {"ok": false, "error": "ratelimited"}".
    """
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == 429 or status >= 500 or not code or code in TRY_AGAIN:
        message = f"{name}: {code or f'status {status}'}"
        return SlackUnavailable(message, _retry_after(response))
    if code in OUR_TOKEN:
        return SlackRefused(f"{name}: {code}")
    return SlackSaidNo(name, code)


def _retry_after(response: Any) -> timedelta | None:
    headers = {key.lower(): value for key, value in response.headers.items()}
    seconds = str(headers.get("retry-after", ""))
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) < 10):
        return None
    return min(timedelta(seconds=int(seconds)), LONGEST_TOLD)
