"""The doctor, sent to everything the settings name, in the order of the README.

It works beside a bot that runs, and before the first start. It makes no
database, key or row, and changes nothing in Okta or Slack.
"""

import asyncio
from functools import partial

from bot.app.greeting import slack_client
from bot.app.opening import audit_key, read_policy
from bot.core.catalogue import Catalogue, CatalogueError
from bot.core.words import SettingError
from bot.okta.client import OktaTiming
from bot.ops.doctor import Finding, Sheet
from bot.ops.doctor.database import Pins, look_at_database
from bot.ops.doctor.files import look_at_policy
from bot.ops.doctor.findings import counted
from bot.ops.doctor.okta import Visit, look_at_org
from bot.ops.doctor.slack import Workspace, look_at_slack
from bot.settings import Clock, Settings, Timing
from bot.slack.installation import SCOPES, Installation

SECRETS = ("slack_bot_token", "slack_app_token", "slack_signing_secret", "database_url")


async def examine(
    settings: Settings,
    timing: Timing | None = None,
    okta_timing: OktaTiming | None = None,
) -> list[Finding]:
    """Return what was found of the set-up, of Slack and of each org."""
    timing, clock = timing or Timing(), Clock()
    here, slack = Sheet("set-up"), Sheet("slack")
    catalogue, pins = await asyncio.to_thread(_look_here, here, settings)
    workspace = await _look_at_slack(slack, settings, timing, clock)
    findings = here.findings + slack.findings
    if catalogue is None:
        return findings
    visit = Visit(
        catalogue=catalogue,
        workspace=workspace,
        timing=okta_timing or OktaTiming(),
        clock=clock,
        pinned=pins,
        is_shared=_is_shared(settings),
    )
    for integration in catalogue.integrations:
        sheet = Sheet(integration.name)
        await look_at_org(sheet, integration, visit)
        findings += sheet.findings
    return findings


def _is_shared(settings: Settings) -> bool:
    try:
        return not settings.secret("database_url").startswith("sqlite")
    except SettingError:
        return False  # what is wrong with it is a finding of its own


def _look_here(sheet: Sheet, settings: Settings) -> tuple[Catalogue | None, Pins]:
    """Look at settings, policy, database and audit key, each by itself."""
    _look_at_settings(sheet, settings)
    catalogue = _look_at_policy(sheet, settings)
    with sheet.trying("database"):
        return catalogue, look_at_database(
            sheet,
            settings.secret("database_url"),
            key=partial(audit_key, settings),
            is_given=bool(settings.audit_key.get_secret_value()),
        )
    return catalogue, {}


def _look_at_settings(sheet: Sheet, settings: Settings) -> None:
    """Look whether what the secret settings refer to can be read."""
    unread = False
    for name in SECRETS:
        try:
            settings.secret(name)
        except SettingError as error:
            unread = True
            sheet.failed(name.upper(), error.problem, error.remedy)
    if not unread:
        sheet.ok("settings", "Every setting is readable, and every secret behind one.")


def _look_at_policy(sheet: Sheet, settings: Settings) -> Catalogue | None:
    try:
        _, catalogue = read_policy(settings.access_config)
    except CatalogueError as error:
        count = counted(len(error.problems), "problem")
        says = f"The policy has {count}, the first: {error.problems[0]}"
        sheet.failed("policy", says, error.remedy)
        return None
    except SettingError as error:
        sheet.failed("policy", error.problem, error.remedy)
        return None
    look_at_policy(sheet, settings.access_config, catalogue)
    return catalogue


async def _look_at_slack(
    sheet: Sheet, settings: Settings, timing: Timing, clock: Clock
) -> Workspace:
    with sheet.trying("bot token"):
        settings.require("slack_bot_token", "Set it to the app's bot token, xoxb-...")
        app_token = settings.secret("slack_app_token")
        slack = Installation(
            client=slack_client(settings, timing),
            within=timing.slack_call,
            app_token=app_token,
        )
        return await look_at_slack(
            sheet,
            slack,
            needed=SCOPES,
            has_app_token=bool(app_token),
            has_signing_secret=bool(settings.secret("slack_signing_secret")),
            now=clock(),
        )
    return Workspace()
