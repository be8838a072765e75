"""Discovery when an operator asks for it, beside a bot that may be running.

It writes what it reads into rows, as the bot does, and changes nothing outside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.app.greeting import greet, slack_client
from bot.app.opening import read_policy
from bot.app.parts import policy_in_force, visit
from bot.core.catalogue import Catalogue, Integration
from bot.core.words import AccessBotError, SettingError
from bot.settings import Clock, Settings, Timing
from bot.slack.accounts import read_accounts
from bot.store import claims
from bot.store.database import Database
from bot.store.files import last_good_file
from bot.workflow import upkeep

REMEDY = "The old picture stays. Check the set-up, and try again."

Progress = Callable[[str, int], None]
"""Told what is being read, and how much of it was so far."""


@dataclass(frozen=True, kw_only=True)
class Synced:
    """How many accounts and groups are known now.

    A count of groups is None where a listing was too short to be believed.
    """

    people: int
    groups: dict[str, int | None]


async def sync(
    settings: Settings,
    database: Database,
    *,
    believe_fewer: bool = False,
    progress: Progress = lambda _what, _count: None,
) -> Synced:
    """Read the workspace's people and each org's groups into rows, now.

    Raises SettingError when Slack or an org cannot be read; what was read
    before that is kept.
    """
    catalogue, clock = _policy(settings, database), Clock()
    database.look(claims.set_clock, clock)
    people = await _meet(settings, database, clock)
    progress("people", people)
    groups: dict[str, int | None] = {}
    for integration in catalogue.integrations:
        read = partial(progress, integration.name)
        groups[integration.name] = await _discover(
            integration, catalogue, database, clock, believe_fewer, read
        )
    return Synced(people=people, groups=groups)


def _policy(settings: Settings, database: Database) -> Catalogue:
    """Return the policy in force; before the first start, the one that will be."""
    if database.look(last_good_file) is None:
        return read_policy(settings.access_config)[1]
    return database.look(policy_in_force)


async def _meet(settings: Settings, database: Database, clock: Clock) -> int:
    settings.require("slack_bot_token", "Set it to the app's bot token, xoxb-...")
    timing = Timing()
    client = slack_client(settings, timing)
    try:
        we = await greet(client, timing.slack_call)
        accounts = await read_accounts(client, we["team_id"], clock())
    except AccessBotError as error:
        problem = f"The people of Slack could not be read: {error}"
        raise SettingError(problem, REMEDY) from error
    return await upkeep.meet(database, accounts, clock())


async def _discover(
    integration: Integration,
    catalogue: Catalogue,
    database: Database,
    clock: Clock,
    believe_fewer: bool,
    read: Callable[[int], None],
) -> int | None:
    """Return how many groups are known of one org; None if fewer are not believed."""
    try:
        async with visit(database, catalogue, integration, clock) as office:
            return await upkeep.discover(
                office, believe_fewer=believe_fewer, progress=read
            )
    except SettingError:
        raise
    except AccessBotError as error:
        problem = f"{integration.name} could not be read: {error}"
        raise SettingError(problem, REMEDY) from error
