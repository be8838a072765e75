"""The whole bot: `access-bot run` in HTTP mode, on the org and people of the demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.load import Target
from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot
from bot.sandbox.demo.stage import set_stage


@contextmanager
def whole_bot(sandbox: Sandbox, folder: Path) -> Iterator[Target]:
    """Migrate and run the bot until the block ends; give where Slack reaches it."""
    environment = dict(set_stage(sandbox, folder).environment)
    del environment["SLACK_APP_TOKEN"]
    secret = sandbox.slack.signing_secret
    bot = Bot(folder, environment | {"SLACK_SIGNING_SECRET": secret})
    bot.command("migrate")
    with bot.running():
        yield Target(f"http://127.0.0.1:{bot.port}", secret)
