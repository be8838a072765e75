"""From a grant's end to its removal sent, with nothing else to do.

The bot is `access-bot run`, a process of its own. What it sent, and when, is
what the sandbox's Okta has written down. It has no peer: whoever polls is late
by half of its interval on average.
"""

import random
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, milliseconds, percentile, report
from benchmarks.rig.whole import migrated_bot
from bot.sandbox import Sandbox

GRANTS = 100
WITHIN = 20.0
STARTS_WITHIN = 15.0
ENDED_WITHIN = 10.0


def main() -> None:
    """Let grants end at random instants, and print how late each was removed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(Sandbox())
        migrated = migrated_bot(sandbox, folder)
        first = datetime.now(UTC) + timedelta(seconds=STARTS_WITHIN)
        ends = sorted(first + timedelta(seconds=after) for after in _instants())
        migrated.hold(ends)
        stack.enter_context(migrated.bot.running())
        if datetime.now(UTC) >= first:
            raise RuntimeError("the bot took too long to start: nothing was idle")
        _report(_late(sandbox, ends))


def _instants() -> list[float]:
    chance = random.Random(4)  # noqa: S311 -- the same instants with each run
    return [chance.uniform(0, WITHIN) for _ in range(GRANTS)]


def _late(sandbox: Sandbox, ends: list[datetime]) -> list[float]:
    """Return the seconds from each end to its removal; RuntimeError if one is lost.

    Two ends may be nearer than their removals are: which is whose does not
    change what they come to.
    """
    time.sleep(max(0.0, ends[-1].timestamp() - time.time()))
    give_up = time.time() + ENDED_WITHIN
    while len(sent := _sent(sandbox)) < len(ends) and time.time() < give_up:
        time.sleep(0.1)
    if len(sent) != len(ends):
        raise RuntimeError(f"{len(sent)} removals of {len(ends)} grants")
    return [one - end.timestamp() for one, end in zip(sent, ends, strict=True)]


def _sent(sandbox: Sandbox) -> list[float]:
    removals = [call for call in sandbox.okta.journal if call.method == "DELETE"]
    return sorted(call.wall for call in removals)


def _report(late: list[float]) -> None:
    for percent in (50, 99):
        report(
            Figure(
                figure=f"a grant's end to its removal sent, p{percent}, idle",
                unit="ms",
                ours=milliseconds(percentile(late, percent)),
            )
        )


if __name__ == "__main__":
    main()
