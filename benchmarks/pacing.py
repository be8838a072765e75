"""How much of a rate limit is used, and how often it is overrun.

Several callers have more to ask than one bucket allows: through our pacer; by
sleeping until the announced reset, as the official `okta` package does; and by
asking again at once. Each has a bucket of its own, with windows of a minute and
whole seconds on the wire, as Okta's are. Time is virtual: minutes take seconds,
and the figures are the same on any machine.
"""

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.figures import Figure, report
from bot.okta.pacing import Lane, Pacer
from bot.okta.timing import OktaTiming
from tests.okta.buckets import Bucket
from tests.okta.virtual import VirtualLoop

LIMIT = 500
WINDOWS = 5
CALLERS = 16
OURS = "the bot"

Strategy = Callable[[Bucket], Callable[[], Awaitable[None]]]


def paced(bucket: Bucket) -> Callable[[], Awaitable[None]]:
    """Call in turns that the pacer gives, reads being the least urgent."""
    pacer = Pacer(OktaTiming())

    async def call() -> None:
        # More asks than can go in a minute: what waits for long is not given up.
        async with pacer.turn("groups", Lane.READ, deadline=float("inf")) as turn:
            told, refused = await bucket.call()
            turn.answered(told, refused=refused)

    return call


def asleep_until_reset(bucket: Bucket) -> Callable[[], Awaitable[None]]:
    """Call at once; after a 429 sleep for its reset less its date, and a second."""

    async def call() -> None:
        told, refused = await bucket.call()
        while refused:
            assert told.resets_in is not None
            await asyncio.sleep(told.resets_in.total_seconds() + 1)
            told, refused = await bucket.call()

    return call


def at_once(bucket: Bucket) -> Callable[[], Awaitable[None]]:
    """Call, and call again whatever comes."""

    async def call() -> None:
        await bucket.call()

    return call


STRATEGIES: dict[str, Strategy] = {
    OURS: paced,
    "sleep until the reset": asleep_until_reset,
    "ask again at once": at_once,
}


def main() -> None:
    """Fill the same windows by each strategy, and print the figures."""
    buckets = {name: filled(strategy) for name, strategy in STRATEGIES.items()}
    ours = buckets.pop(OURS)
    for peer, theirs in buckets.items():
        figure = f"of a limit of {LIMIT} a minute used by {CALLERS} callers"
        _report(figure, "%", _share(ours), peer, _share(theirs))
        figure = f"answered 429 in {WINDOWS} windows of that limit"
        _report(figure, "calls", ours.refused, peer, theirs.refused)


def filled(strategy: Strategy) -> Bucket:
    """Return a bucket that callers asked of for so many whole windows."""
    bucket = Bucket(LIMIT)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_fill(bucket, strategy))
    return bucket


async def _fill(bucket: Bucket, strategy: Strategy) -> None:
    await asyncio.sleep(bucket.begins)
    call = strategy(bucket)
    callers = [asyncio.create_task(_keep_on(call)) for _ in range(CALLERS)]
    await asyncio.sleep(bucket.window * WINDOWS)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)


async def _keep_on(call: Callable[[], Awaitable[None]]) -> None:
    while True:
        await call()


def _share(bucket: Bucket) -> float:
    """Return the percentage of the windows' limits that was answered."""
    return 100 * sum(bucket.used.values()) / (LIMIT * WINDOWS)


def _report(figure: str, unit: str, ours: float, peer: str, theirs: float) -> None:
    report(Figure(figure=figure, unit=unit, ours=ours, peer=peer, theirs=theirs))


if __name__ == "__main__":
    main()
