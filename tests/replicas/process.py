"""One of several processes of the bot: the real one, with a test's waits.

    python -m tests.replicas.process ROLE

It stops when its standard input ends, and so never outlives who started it.
"""

import asyncio
import sys
import threading
from dataclasses import replace
from datetime import timedelta

from bot.app.roles import Role
from bot.app.running import run
from bot.ops import logs
from bot.settings import Settings
from tests.flows.world import QUICK

LEASE = timedelta(seconds=4)
"""A call to Okta has to fit into it."""

TIMING = replace(
    QUICK,
    lease=LEASE,
    okta_call=timedelta(seconds=2),
    slack_call=timedelta(seconds=2),
    beat=timedelta(seconds=0.5),
    stop=timedelta(seconds=3),
)


async def _run_until_told(role: Role) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await run(Settings(), TIMING, stopped, role=role)


if __name__ == "__main__":
    logs.set_up("text")
    asyncio.run(_run_until_told(Role(sys.argv[1])))
