"""A workspace and an org with a few people, and the bot's face between them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.slack import SlackWorkspace
from bot.store.database import Database
from tests.conformance import block_kit
from tests.conformance.reference import is_here
from tests.conftest import lasting_database
from tests.slack.stage import Stage

database = lasting_database

CHECKED = ("chat.", "views.")


@dataclass(frozen=True)
class Cast:
    """The Slack ids of the people, and the ids of the groups."""

    alice: str
    bob: str
    olga: str
    otto: str
    ada: str
    prod_db: str
    on_call: str


@pytest.fixture
def slack(sandbox: Sandbox) -> SlackWorkspace:
    """An empty workspace."""
    workspace: SlackWorkspace = sandbox.slack
    return workspace


@pytest.fixture
def quiet_stage(slack: SlackWorkspace, database: Database) -> Iterator[Stage]:
    """A stage nobody is on; what it sent is checked against Slack's own words."""
    stage = Stage(slack, database)
    yield stage
    stage.close()
    if is_here():
        _require_valid(slack)


@pytest.fixture
def cast(quiet_stage: Stage) -> Cast:
    """The people on the stage, met and linked."""
    stage = quiet_stage
    slack_ids = {}
    for name in ("alice", "bob", "olga", "otto", "ada"):
        login = f"{name}@example.com"
        stage.org.add_person(login, f"{name.title()} Example")
        slack_ids[name] = stage.slack.add_person(name, email=login)
    prod_db = stage.org.add_group("prod-db", "Reads the production database")
    on_call = stage.org.add_group("On Call", "Carries the pager")
    stage.org.add_group("prod-root")
    stage.org.add_group("hr-secrets")
    stage.meet()
    return Cast(
        alice=slack_ids["alice"],
        bob=slack_ids["bob"],
        olga=slack_ids["olga"],
        otto=slack_ids["otto"],
        ada=slack_ids["ada"],
        prod_db=prod_db,
        on_call=on_call,
    )


@pytest.fixture
def stage(quiet_stage: Stage, cast: Cast) -> Stage:
    """The stage with its people, listening on a socket."""
    quiet_stage.connect()
    return quiet_stage


def _require_valid(slack: SlackWorkspace) -> None:
    for call in slack.calls:
        if call.method.startswith(CHECKED):
            block_kit.validate_call(call.method, call.args)
    for delivery in slack.deliveries:
        if delivery.ack is not None and delivery.ack.body is not None:
            block_kit.validate("ack", delivery.ack.body)
