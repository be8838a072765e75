"""A start with 100,000 live grants, one of them overdue, up to its removal.

The bot is `access-bot run`, a process of its own; the clock runs from before
that process is there until the sandbox's Okta has the removal, which is a
token, a claim, a move and an event later than being ready to send it.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, report
from benchmarks.rig.estate import Held
from benchmarks.rig.whole import migrated_bot
from bot.sandbox import Sandbox

GRANTS = 100_000
GROUPS = 100
GIVE_UP_AFTER = 30.0
WATCHED_FOR = 5.0
"""Seconds that memory is watched for once the first removal was sent."""


def main() -> None:
    """Write the grants, start the bot, print how soon it was at work."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(Sandbox())
        migrated = migrated_bot(sandbox, folder)
        now = datetime.now(UTC)
        migrated.write(_held(now + timedelta(days=1)))
        migrated.hold([now])
        began = time.time()
        with migrated.bot.started() as process:
            took = _removed_at(sandbox, began + GIVE_UP_AFTER) - began
            time.sleep(WATCHED_FOR)
            peak = _peak(process.pid)
    live = f"{GRANTS} live grants"
    report(Figure(figure=f"start to a removal sent, {live}", unit="s", ours=took))
    report(Figure(figure=f"memory at its peak, {live}", unit="MB", ours=peak))


def _held(until: datetime) -> Iterator[Held]:
    for number in range(GRANTS):
        yield Held(f"00u{number}", f"00g{number % GROUPS}", until, until)


def _removed_at(sandbox: Sandbox, give_up: float) -> float:
    while time.time() < give_up:
        for call in sandbox.okta.journal:
            if call.method == "DELETE":
                return call.wall
        time.sleep(0.02)
    raise RuntimeError("the overdue grant was not removed")


def _peak(process: int) -> float:
    """Return the most memory that a process held so far, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
