"""Slack, as the doctor comes to it: tokens, scopes, and how it reaches the bot."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from bot.core.words import SettingError
from bot.ops.doctor.findings import Sheet
from bot.store.tables import SlackAccount

UNSEEN = "Its commands, events and tabs are not checked: Slack shows those to no token"
LINE_UP = "Bring the app in line with manifest.yml, and reinstall it."


class Installed(Protocol):
    """Where the app is installed. `scopes` is None where Slack does not say."""

    @property
    def team(self) -> str: ...

    @property
    def team_id(self) -> str: ...

    @property
    def scopes(self) -> frozenset[str] | None: ...


class Installation(Protocol):
    """What is asked of Slack. Each raises SettingError, with its remedy."""

    async def read(self) -> Installed: ...

    async def try_app_token(self) -> None: ...

    async def accounts(self, team_id: str, now: datetime) -> list[SlackAccount]: ...

    async def may_act(self, team_id: str, now: datetime, email: str) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The first people who may act here, and whether one with an e-mail may.

    `may_act` is None where Slack cannot be asked.
    """

    accounts: Sequence[SlackAccount] = ()
    may_act: Callable[[str], Awaitable[bool]] | None = None


async def look_at_slack(
    sheet: Sheet,
    slack: Installation,
    *,
    needed: Collection[str],
    has_app_token: bool,
    has_signing_secret: bool,
    now: datetime,
) -> Workspace:
    """Look at everything of Slack's; return who is there."""
    found = Workspace()
    with sheet.trying("bot token"):
        installed = await slack.read()
        sheet.ok("bot token", f"Slack knows the bot, in “{installed.team}”.")
        if _look_at_scopes(sheet, installed.scopes, needed):
            found = Workspace(
                accounts=await slack.accounts(installed.team_id, now),
                may_act=partial(slack.may_act, installed.team_id, now),
            )
    if has_app_token:
        await _try_socket(sheet, slack)
    else:
        _look_at_http(sheet, has_signing_secret)
    return found


def _look_at_scopes(
    sheet: Sheet, granted: frozenset[str] | None, needed: Collection[str]
) -> bool:
    """Tell whether the token has every scope of the manifest."""
    if granted is None:
        sheet.unchecked("scopes", "Slack does not say which scopes the token has.")
        return False
    missing, more = sorted(set(needed) - granted), sorted(granted - set(needed))
    if missing:
        says = f"The bot's token lacks {', '.join(missing)}, which manifest.yml has."
        sheet.failed("scopes", says, LINE_UP)
    elif more:
        says = f"The bot's token has more than manifest.yml: {', '.join(more)}."
        sheet.warning("scopes", says, LINE_UP)
    else:
        sheet.ok("scopes", f"The scopes are those of manifest.yml. {UNSEEN}.")
    return not missing


async def _try_socket(sheet: Sheet, slack: Installation) -> None:
    try:
        await slack.try_app_token()
    except SettingError as error:
        sheet.failed("app token", error.problem, error.remedy)
    else:
        sheet.ok("app token", "Socket Mode: Slack would open a connection.")


def _look_at_http(sheet: Sheet, has_signing_secret: bool) -> None:
    if not has_signing_secret:
        sheet.failed(
            "signing secret",
            "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set.",
            "Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP.",
        )
        return
    sheet.unchecked(
        "signing secret",
        "HTTP mode; only a request of Slack's own shows whether the secret is right.",
        "Type /access in Slack while the bot runs: it answers if secret and URL fit.",
    )
