"""Presence: who opened the home tab, and whose account changed."""

from datetime import datetime

from sqlmodel import Session

from bot.slack.accounts import as_account
from bot.slack.listeners.desk import Body, Desk, Reply, meet, team_of, user_of
from bot.store import directory
from bot.workflow.notices import show_home
from bot.workflow.people import remember_account


async def open_home(desk: Desk, body: Body) -> Reply:
    """Have the home tab drawn for who opened it, and remember that they did."""
    if body["event"].get("tab") != "home" or team_of(body) != desk.team_id:
        return Reply()
    if await meet(desk, user_of(body)):
        await desk.write(_opened, desk.team_id, user_of(body), desk.clock())
    return Reply()


async def change_account(desk: Desk, body: Body) -> Reply:
    """Keep an account as Slack says it is now."""
    if team_of(body) == desk.team_id:
        account = as_account(body["event"]["user"], desk.team_id, desk.clock())
        await desk.database.run(remember_account, account)
    return Reply()


def _opened(session: Session, team_id: str, slack_id: str, now: datetime) -> None:
    account = directory.account(session, team_id, slack_id)
    if account is not None:
        account.opened_home_at = now
        session.add(account)
    show_home(session, slack_id, now)
