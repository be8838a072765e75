"""How the app is installed in the workspace, as far as its tokens let it see.

It looks and changes nothing: no message, no view. What is wrong is a
SettingError with its remedy.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.words import SettingError
from bot.slack.accounts import PAGE, as_account
from bot.slack.calls import call
from bot.slack.errors import SlackError, SlackSaidNo, SlackUnavailable
from bot.store.tables import SlackAccount

SCOPES = ("chat:write", "commands", "users:read", "users:read.email")
"""What manifest.yml asks for."""

REACH = "Check this machine's network and proxy, SLACK_API_URL and Slack's status page."
NEW_BOT_TOKEN = (
    "Reinstall the app and set SLACK_BOT_TOKEN to the Bot User OAuth Token it shows."  # noqa: S105 -- a sentence
)
NEW_APP_TOKEN = (
    "Under Basic Information > App-Level Tokens make one with connections:write, and "  # noqa: S105 -- a sentence
    "set SLACK_APP_TOKEN to it."
)
ADD_SCOPES = "Bring the app in line with manifest.yml, and reinstall it."


@dataclass(frozen=True, kw_only=True)
class Installed:
    """Where the app is installed. `scopes` is None where Slack does not say."""

    team: str
    team_id: str
    scopes: frozenset[str] | None


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The app in its workspace. `within` is for each call."""

    client: AsyncWebClient
    within: timedelta
    app_token: str = field(default="", repr=False)

    async def read(self) -> Installed:
        """Return where the bot's token is good, and for what.

        Slack: each answer to a bot's token has its scopes in x-oauth-scopes.
        """
        said: dict[str, str] = {}
        kept = _keeping_headers(self.client.auth_test, said)
        we = await self._look("SLACK_BOT_TOKEN", NEW_BOT_TOKEN, kept)
        scopes = said.get("x-oauth-scopes")
        return Installed(
            team=str(we.get("team") or ""),
            team_id=str(we["team_id"]),
            scopes=None if scopes is None else frozenset(_listed(scopes)),
        )

    async def try_app_token(self) -> None:
        """Return when a socket may be opened with the app's token. None is opened."""
        opener = AsyncWebClient(
            token=self.app_token,
            base_url=self.client.base_url,
            timeout=self.client.timeout,
            retry_handlers=[],
        )

        async def apps_connections_open() -> AsyncSlackResponse:
            return await opener.apps_connections_open(app_token=self.app_token)

        await self._look("SLACK_APP_TOKEN", NEW_APP_TOKEN, apps_connections_open)

    async def accounts(self, team_id: str, now: datetime) -> list[SlackAccount]:
        """Return the first page of accounts that may act here."""
        page = await self._look(
            "SLACK_BOT_TOKEN", ADD_SCOPES, self.client.users_list, limit=PAGE
        )
        read = [as_account(user, team_id, now) for user in page["members"]]
        return [account for account in read if account.refusal is None]

    async def may_act(self, team_id: str, now: datetime, email: str) -> bool:
        """Tell whether the account with this e-mail is one that may act here.

        Slack: users.lookupByEmail answers users_not_found for a deactivated one.
        """
        look_up = self.client.users_lookupByEmail
        with _explained("SLACK_BOT_TOKEN", ADD_SCOPES):
            try:
                found = await call(look_up, self.within, email=email)
            except SlackSaidNo as error:
                if error.code != "users_not_found":
                    raise
                return False
        return as_account(found["user"], team_id, now).refusal is None

    async def _look(
        self,
        setting: str,
        remedy: str,
        method: Callable[..., Awaitable[AsyncSlackResponse]],
        **arguments: Any,
    ) -> Mapping[str, Any]:
        with _explained(setting, remedy):
            return await call(method, self.within, **arguments)


@contextmanager
def _explained(setting: str, remedy: str) -> Iterator[None]:
    """Make a SettingError of what Slack does not do in the block."""
    try:
        yield
    except SlackUnavailable as error:
        raise SettingError(f"Slack does not answer ({error}).", REACH) from error
    except SlackError as error:
        problem = f"Slack does not take {setting} ({error})."
        raise SettingError(problem, remedy) from error


def _keeping_headers(
    method: Callable[..., Awaitable[AsyncSlackResponse]], said: dict[str, str]
) -> Callable[..., Awaitable[AsyncSlackResponse]]:
    """Return `method`, which also puts the headers of its answer into `said`."""

    async def auth_test(**arguments: Any) -> AsyncSlackResponse:
        answered = await method(**arguments)
        said.update({name.lower(): str(v) for name, v in answered.headers.items()})
        return answered

    return auth_test


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
