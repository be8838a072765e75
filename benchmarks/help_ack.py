"""A signed `/access help` through the whole bot, beside Bolt that only acks.

The bot is `access-bot run` in HTTP mode, with its workers, its database and both
sandboxes behind it. Each peer is a bare Bolt `AsyncApp` on Starlette and uvicorn:
as Bolt ships, where an answer waits for a look every 10 ms, and with
`process_before_response`, as ours is made.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from itertools import repeat
from pathlib import Path

from benchmarks.rig.load import Target
from benchmarks.rig.rounds import OURS, Form, in_turn, report_latency, report_rate
from benchmarks.rig.serving import served
from benchmarks.rig.whole import whole_bot
from bot.sandbox import Sandbox

ROUNDS = 7
MANY = 32
PEERS = {
    "bare Bolt as it ships": True,
    "bare Bolt, process_before_response": False,
}


def main() -> None:
    """Start everything, print the figures, stop everything."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(Sandbox())
        targets = {OURS: stack.enter_context(whole_bot(sandbox, folder))}
        secret = sandbox.slack.signing_secret
        for name, early in PEERS.items():
            url = stack.enter_context(_bare(sandbox, early=early))
            targets[name] = Target(url, secret)
        asyncio.run(_measure(targets, _form(sandbox)))


async def _measure(targets: Mapping[str, Target], form: Form) -> None:
    def forms(_: str, count: int) -> Iterator[Form]:
        return repeat(form, count)

    await in_turn(targets, forms, rounds=1, requests=200, clients=MANY)
    measured = await in_turn(targets, forms, rounds=ROUNDS, requests=60, clients=1)
    report_latency("/access help, p50 at 1 connection", measured)
    measured = await in_turn(targets, forms, rounds=ROUNDS, requests=320, clients=MANY)
    report_rate(f"/access help at {MANY} connections", measured)


def _bare(sandbox: Sandbox, *, early: bool) -> AbstractContextManager[str]:
    slack = sandbox.slack
    return served(
        "benchmarks.rig.bare",
        slack=slack.url,
        token=slack.bot_token,
        secret=slack.signing_secret,
        early=early,
    )


def _form(sandbox: Sandbox) -> Form:
    """Return what Slack posts when somebody types `/access help`."""
    slack = sandbox.slack
    return {
        "token": "deprecated",
        "team_id": slack.team_id,
        "team_domain": "bench",
        "channel_id": "D00000001",
        "channel_name": "directmessage",
        "user_id": "U00000001",
        "user_name": "rita",
        "command": "/access",
        "text": "help",
        "api_app_id": "A00000001",
        "is_enterprise_install": "false",
        "response_url": f"{slack.url}/commands/T00000001/1/x",
        "trigger_id": "1.2.3",
    }


if __name__ == "__main__":
    main()
