"""Many grants that end at once, under an Okta that takes only so many calls.

The bot is `access-bot run`, a process of its own; the limit is that of Okta's
bucket of changes to groups, its window shortened. What it is measured against
is how long so many calls take at the allowed rate.
"""

import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, report
from benchmarks.rig.whole import migrated_bot
from bot.sandbox import Sandbox

GRANTS = 200
LIMIT = 40
WINDOW = 10.0
STARTS_WITHIN = 12.0
GIVE_UP_AFTER = 75.0
BUCKET = "groups"


def main() -> None:
    """Let all grants end at one instant, and print how long the last one took."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(Sandbox())
        migrated = migrated_bot(sandbox, folder)
        end = datetime.now(UTC) + timedelta(seconds=STARTS_WITHIN)
        migrated.hold([end] * GRANTS)
        stack.enter_context(migrated.bot.running())
        sandbox.okta.require_limit(BUCKET, LIMIT, WINDOW)
        _report(_last(sandbox, end.timestamp()), _refused(sandbox))


def _last(sandbox: Sandbox, end: float) -> float:
    """Return the seconds to the last removal; RuntimeError if one never came."""
    give_up = end + GIVE_UP_AFTER
    while len(removed := _removed(sandbox)) < GRANTS:
        if time.time() > give_up:
            raise RuntimeError(f"{len(removed)} removals of {GRANTS} grants")
        time.sleep(0.2)
    return max(removed) - end


def _removed(sandbox: Sandbox) -> list[float]:
    journal = sandbox.okta.journal
    return [
        call.wall for call in journal if call.method == "DELETE" and call.actual_change
    ]


def _refused(sandbox: Sandbox) -> int:
    return sum(call.status == 429 for call in sandbox.okta.journal)


def _report(last: float, refused: int) -> None:
    asked = f"{GRANTS} revocations at {LIMIT} calls per {WINDOW:g} s"
    allowed = GRANTS / (LIMIT / WINDOW)
    report(
        Figure(
            figure=f"{asked}, to the last",
            unit="s",
            ours=last,
            peer="as many calls at the allowed rate",
            theirs=allowed,
        )
    )
    report(Figure(figure=f"{asked}, answered 429", unit="calls", ours=refused))


if __name__ == "__main__":
    main()
