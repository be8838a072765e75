"""Slack's user objects as rows, with the sentence that says why one is refused.

Guests, strangers from connected workspaces, bots, deactivated people and other
teams may do nothing here. A flag that is not there is not false: who cannot be
shown to be a full member is refused.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Timing
from bot.slack.calls import call
from bot.slack.errors import SlackUnavailable
from bot.store.tables import SlackAccount

Flags = Mapping[str, Any]

PAGE = 200
"""Slack: users.list recommends at most 200 a page."""

MOST_PAGES = 5_000
WITHIN = Timing().slack_call

ONLY_WHEN_TRUE = {
    "is_stranger": "People of other workspaces cannot use this.",
    "is_invited_user": "Accept your invitation to this workspace first.",
    "is_workflow_bot": "Bots cannot use this.",
}
"""Flags that Slack sends only when they are true, and what each then means."""

ALWAYS_SENT = {
    "deleted": "This Slack account is deactivated.",
    "is_bot": "Bots cannot use this.",
    "is_app_user": "Apps cannot use this.",
    "is_restricted": "Guests of this workspace cannot use this.",
    "is_ultra_restricted": "Guests of this workspace cannot use this.",
}
"""Flags that must be there and false, and what each means when it is true."""

OTHER_TEAM = "People of other workspaces cannot use this."
NOT_CONFIRMED = "Confirm the e-mail address of your Slack account first."
NOT_KNOWN = "Slack does not say whether you are a full member of this workspace."


def as_account(user: Flags, team_id: str, now: datetime) -> SlackAccount:
    """Return the row of a user object of Slack's, read at `now`.

    It holds no e-mail that Slack does not call confirmed.
    """
    refusal = _refusal(user, team_id)
    profile = user.get("profile") or {}
    name = user.get("real_name") or profile.get("real_name") or user.get("name")
    return SlackAccount(
        team_id=team_id,
        slack_id=str(user["id"]),
        email=_confirmed_email(user),
        name=str(name or ""),
        time_zone=str(user.get("tz") or "UTC"),
        refusal=refusal,
        read_at=now,
    )


async def read_accounts(
    client: AsyncWebClient,
    team_id: str,
    now: datetime,
    *,
    within: timedelta = WITHIN,
) -> list[SlackAccount]:
    """Return every account of the workspace. `within` is for each page.

    Raises SlackError when any page fails: a part of a workspace is no reading.
    """
    accounts: list[SlackAccount] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        page = await call(
            client.users_list,
            within,
            limit=PAGE,
            **({"cursor": cursor} if cursor else {}),
        )
        accounts += [as_account(user, team_id, now) for user in page["members"]]
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return accounts
    raise SlackUnavailable("users_list: its pages do not end")


async def read_account(
    client: AsyncWebClient,
    team_id: str,
    slack_id: str,
    now: datetime,
    *,
    within: timedelta = WITHIN,
) -> SlackAccount:
    """Return one account as Slack knows it now. Raises SlackError."""
    answered = await call(client.users_info, within, user=slack_id)
    return as_account(answered["user"], team_id, now)


def _refusal(user: Flags, team_id: str) -> str | None:
    """Return why this user may do nothing here; None for a full member.

    NB. In a shared channel Slack delivers the clicks of people of other
    workspaces under our own team id: only their user object tells.
    """
    for flag, sentence in ALWAYS_SENT.items():
        if user.get(flag) not in (False, None):
            return sentence
    for flag, sentence in ONLY_WHEN_TRUE.items():
        if user.get(flag, False) is not False:
            return sentence
    if user.get("team_id") != team_id:
        return OTHER_TEAM if user.get("team_id") else NOT_KNOWN
    if any(user.get(flag) is not False for flag in ALWAYS_SENT):
        return NOT_KNOWN
    return None if user.get("is_email_confirmed") is True else NOT_CONFIRMED


def _confirmed_email(user: Flags) -> str | None:
    if user.get("is_email_confirmed") is not True:
        return None
    email = (user.get("profile") or {}).get("email")
    return email if isinstance(email, str) and email else None
