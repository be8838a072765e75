"""Ours: everything between a signed click and its committed answer, and no more.

Starlette, uvicorn, Bolt, the listeners, the workflow and the database are the
bot's own. No worker runs: it would take its share of the writer for what
approved grants and told people cost, which is not the click. Okta is down, so a
click that needed it would fail.
"""

import json
import sys
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from benchmarks.rig.company import TEAM, office, opened
from benchmarks.rig.serving import serve
from bot.settings import Clock, Timing
from bot.slack.connection import slack_app
from bot.slack.http import slack_routes
from bot.slack.listeners import Desk, register
from bot.store.database import Database
from tests.slack.org import Org


def desk(database: Database) -> Desk:
    """Return a desk over `database` that wakes nobody."""
    here = office(database, Org(is_down=True))
    return Desk(
        database=database,
        offices={here.name: here},
        client=AsyncWebClient("xoxb-none", base_url="http://127.0.0.1:9/"),
        clock=Clock(),
        timing=Timing(),
        team_id=TEAM,
        wake=lambda: None,
    )


def main(asked: str) -> None:
    """Serve what is `asked`, as JSON, until told to stop."""
    given = json.loads(asked)
    here = desk(opened(Path(given["database"])))
    app = slack_app(here.client, team_id=TEAM, bot_user_id="U-bot")
    register(app, here)
    serve(Starlette(routes=slack_routes(app, given["secret"])))


if __name__ == "__main__":
    main(sys.argv[1])
