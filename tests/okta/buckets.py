"""A rate-limit bucket as Okta keeps it, on virtual time."""

import asyncio
import math
from datetime import timedelta

from bot.okta.answers import Limits

LATENCY = 0.02
_UNEVEN = (1.0, 0.6, 1.5, 0.8, 1.2)


class Bucket:
    """So many calls in each window; what it is told of is `headers`.

    As on the wire, reset and date are whole seconds: the client knows the end
    of a window only to within one.
    """

    def __init__(self, limit: int, window: float = 60.0, begins: float = 0.37) -> None:
        self.limit = limit
        self.window = window
        self.begins = begins
        self.used: dict[int, int] = {}
        self.by_others: dict[int, int] = {}
        self.refused = 0
        self._calls = 0

    @property
    def number(self) -> int:
        """Which window it is now."""
        return math.floor((self._now() - self.begins) / self.window)

    def left(self) -> int:
        number = self.number
        taken = self.used.get(number, 0) + self.by_others.get(number, 0)
        return self.limit - taken

    async def call(self, latency: float = LATENCY) -> tuple[Limits, bool]:
        """Take one call; what its answer says, and whether it was a 429."""
        self._calls += 1
        there, back = _UNEVEN[self._calls % 5], _UNEVEN[self._calls % 7 % 5]
        await asyncio.sleep(latency * there / 2)
        refused = self.left() <= 0
        if refused:
            self.refused += 1
        else:
            self.used[self.number] = self.used.get(self.number, 0) + 1
        told = self._limits()
        await asyncio.sleep(latency * back / 2)
        return told, refused

    def taken_by_others(self, calls: int) -> None:
        """Let another app take calls of this bucket."""
        number = self.number
        taken = min(calls, self.left())
        self.by_others[number] = self.by_others.get(number, 0) + taken

    def _limits(self) -> Limits:
        resets_at = self.begins + (self.number + 1) * self.window
        epoch = math.ceil(resets_at)
        return Limits(
            limit=self.limit,
            remaining=max(0, self.left()),
            epoch=epoch,
            resets_in=timedelta(seconds=epoch - math.floor(self._now())),
        )

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
