"""Time that passes only while nothing happens.

A loop that never waits: when all its tasks do, it leaps to the next timer. So
a test of minutes takes milliseconds, and comes out the same on any machine.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class _Leaping(selectors.DefaultSelector):
    """Reports what is ready, and adds to the clock what it was to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits for something that never comes")
        if not ready:
            self.now += max(0.0, timeout or 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, which begins at 0."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run `func` here: a thread would need time that does not pass."""

        async def run() -> T:
            return func(*args)

        return self.create_task(run())


def now() -> datetime:
    """The wall clock of the running virtual loop."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())
