"""The whole bot: `access-bot run` in HTTP mode, on the org and people of the demo."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.rig.estate import Held, hold
from benchmarks.rig.load import Target
from bot.core.words import GrantStatus
from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot
from bot.sandbox.demo.stage import set_stage
from bot.store.audit import Chain
from bot.store.database import open_database

INTEGRATION = "corp-okta"


@contextmanager
def whole_bot(sandbox: Sandbox, folder: Path) -> Iterator[Target]:
    """Migrate and run the bot until the block ends; give where Slack reaches it."""
    bot = migrated_bot(sandbox, folder).bot
    with bot.running():
        yield Target(f"http://127.0.0.1:{bot.port}", sandbox.slack.signing_secret)


@dataclass(frozen=True)
class Migrated:
    """The bot, not running yet, over an empty database."""

    sandbox: Sandbox
    bot: Bot
    database: str
    chain: Chain

    def hold(self, ends: Iterable[datetime]) -> None:
        """Let somebody hold the group until each of `ends`, in rows and in Okta."""
        org = self.sandbox.okta
        group = org.add_group("prod-held")
        people = [
            Held(org.add_user(f"holder{number}@example.com"), group, end, end)
            for number, end in enumerate(ends)
        ]
        for held in people:
            org.add_member(group, held.person_id)
        self.write(people)

    def write(self, people: Iterable[Held]) -> None:
        """Let `people` hold what they do in rows alone, in short."""
        database = open_database(self.database, chain=self.chain)
        try:
            told = (GrantStatus.ACTIVE,)
            hold(database, INTEGRATION, people, told=told, met=False)
        finally:
            database.close()


def migrated_bot(sandbox: Sandbox, folder: Path) -> Migrated:
    """Set the stage of the demo for the bot in HTTP mode, and migrate."""
    environment = dict(set_stage(sandbox, folder).environment)
    del environment["SLACK_APP_TOKEN"]
    secret = sandbox.slack.signing_secret
    bot = Bot(folder, environment | {"SLACK_SIGNING_SECRET": secret})
    bot.command("migrate")
    chain = Chain(environment["AUDIT_KEY"].encode())
    return Migrated(sandbox, bot, environment["DATABASE_URL"], chain)
