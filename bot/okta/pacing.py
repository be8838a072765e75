"""Whose turn it is: one gate per rate-limit bucket, led by Okta's own headers.

At most `MOST_IN_FLIGHT` calls are under way, the urgent ones first. A gate is
wide open while much is left of its limit; once it gets scarce, reads are spread
over what is left of the window, and a part is kept for grants and, beyond them,
for revocations. A 429 closes the gate for all who wait at it. Where several
processes call one org, each takes its share of what is left. Nothing is sent
here, and no wall clock is read: all instants are the loop's.
"""

import asyncio
import math
import re
from bisect import insort
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum

from bot.core.words import DirectoryUnavailable
from bot.okta.answers import Limits
from bot.okta.timing import OktaTiming

MOST_IN_FLIGHT = 8
"""Okta's own ceiling is 35 to 75 for the whole org; more of ours gains nothing."""

SCARCE = 0.2
"""Reads are paced once less than this share of the limit is left."""

Share = Callable[[], float]
"""How much of what is left of a limit is ours to use: 1 where nobody else is."""

_COLLECTION = re.compile(r"/(groups|users|apps|clients)/(?!rules(?:/|$))[^/]+")


class Lane(IntEnum):
    """How urgent a call is. Lower goes first."""

    REVOKE = 0
    GRANT = 1
    READ = 2

    @property
    def places(self) -> int:
        """How many calls may be in flight when one of this lane joins them."""
        return MOST_IN_FLIGHT - self

    @property
    def reserve(self) -> float:
        """The share of a limit that this lane leaves to the more urgent ones."""
        return (0.0, 0.05, 0.1)[self]


class TooLate(DirectoryUnavailable):
    """The call could not be sent before its deadline, and never was."""


def bucket_of(method: str, path: str) -> str:
    """Return the name of the rate-limit bucket of a call.

    Okta counts by path, ids apart; reads and writes of users are counted
    apart. Two buckets of ours may be one of Okta's: its headers lead both.
    """
    template = _COLLECTION.sub(r"/\1/{}", path)
    if template.startswith("/api/v1/users") and method != "GET":
        return f"{template} write"
    return template


class Gate:
    """One bucket: what is left in its window, and when the next call may go."""

    def __init__(self, timing: OktaTiming, share: Share = lambda: 1.0) -> None:
        self._timing = timing
        self._share = share
        self._window = timing.window.total_seconds()
        self._heard = False
        self._limit: int | None = None
        self._remaining = 0
        self._epoch = -1
        self._resets_at = math.inf
        self._closed_until = 0.0
        self._refusals = 0
        self._sent_at = -math.inf
        self._in_flight = 0

    def opens_at(self, lane: Lane, now: float) -> float:
        """Return when a call of `lane` may go: `now` or earlier means at once.

        Infinity means after the next answer, which is under way.
        """
        if now < self._closed_until:
            return self._closed_until
        if not self._heard:
            return math.inf if self._in_flight else now
        if self._limit is None:
            return now
        self._roll(now)
        return self._room_at(lane, now)

    def leave(self, now: float) -> None:
        """A call goes."""
        self._in_flight += 1
        self._sent_at = now

    def hear(self, limits: Limits, now: float) -> None:
        """A call came back with what it says of the limit."""
        self._in_flight -= 1
        self._heard = True
        self._refusals = 0
        self._learn(limits, now)

    def miss(self) -> None:
        """A call came back without an answer: Okta may have counted it."""
        self._in_flight -= 1
        self._remaining = max(0, self._remaining - 1)

    def refuse(self, limits: Limits, now: float) -> None:
        """A call was answered 429: nobody goes before the reset."""
        self._in_flight -= 1
        if now >= self._closed_until:
            self._refusals += 1
        wait = self._until_reset(limits)
        if wait is None:
            wait = _doubled(self._timing, self._refusals)
        after = self._timing.after_reset
        self._close(now + (max(wait, after) + after).total_seconds())

    def _close(self, until: float) -> None:
        """Close until then; what was known of the window no longer counts."""
        self._closed_until = max(self._closed_until, until)
        self._resets_at = self._closed_until
        self._remaining = 0
        self._epoch = -1

    def _room_at(self, lane: Lane, now: float) -> float:
        if self._remaining == self._limit and not self._in_flight:
            # A share of a small limit may be less than a call, and none would ever go.
            return now
        share = self._share()
        limit = (self._limit or 0) * share
        left = self._remaining * share - self._in_flight
        until_reset = self._resets_at - now
        reserve = limit * lane.reserve
        free = left - reserve * min(1.0, until_reset / self._window)
        if left < 1:
            return self._resets_at
        if free < 1:
            # The reserve fades towards the reset: this is when it is small enough.
            return self._resets_at - (left - 1) * self._window / reserve
        if lane is not Lane.READ or left > limit * SCARCE:
            return now
        return self._sent_at + until_reset / free

    def _roll(self, now: float) -> None:
        """Begin the next window if this one has ended: it is taken as full."""
        if now >= self._resets_at:
            self._remaining = self._limit or 0
            self._resets_at = now + self._window

    def _learn(self, limits: Limits, now: float) -> None:
        if not limits.limit or limits.remaining is None or limits.epoch is None:
            return
        wait = self._until_reset(limits)
        if wait is None or limits.epoch < self._epoch:
            return
        if limits.epoch > self._epoch:
            self._epoch = limits.epoch
            self._remaining = limits.remaining
            self._resets_at = now + wait.total_seconds()
        elif now < self._resets_at:
            # Answers overtake one another: the smallest figure is the latest.
            self._remaining = min(self._remaining, limits.remaining)
        self._limit = limits.limit

    def _until_reset(self, limits: Limits) -> timedelta | None:
        if limits.resets_in is None:
            return None
        return min(limits.resets_in, self._timing.window_most)


@dataclass
class Turn:
    """A call that may go now. Exactly one of its answers is to be told."""

    limits: Limits | None = None
    refused: bool = False

    def answered(self, limits: Limits, *, refused: bool) -> None:
        """Okta answered with `limits`; `refused` when it was a 429."""
        self.limits = limits
        self.refused = refused


@dataclass(order=True)
class _Waiter:
    lane: Lane
    number: int
    gate: Gate = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Pacer:
    """Gives turns to calls: the urgent first, none that a limit would refuse."""

    def __init__(self, timing: OktaTiming, share: Share = lambda: 1.0) -> None:
        self._timing = timing
        self._share = share
        self._gates: dict[str, Gate] = {}
        self._waiting: list[_Waiter] = []
        self._numbered = 0
        self._in_flight = 0
        self._crowded_until = 0.0
        self._crowds = 0
        self._alarm: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(
        self, bucket: str, lane: Lane, deadline: float
    ) -> AsyncIterator[Turn]:
        """Hold a turn from the moment the call may go until it came back.

        `deadline` is an instant of the running loop's clock. Raises TooLate
        when the turn does not come before it.
        """
        gate = self._gates.setdefault(bucket, Gate(self._timing, self._share))
        await self._wait(gate, lane, deadline)
        turn = Turn()
        try:
            yield turn
        finally:
            self._come_back(gate, turn)

    async def _wait(self, gate: Gate, lane: Lane, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        opens_at = max(self._crowded_until, gate.opens_at(lane, loop.time()))
        if loop.time() >= deadline or (deadline < opens_at < math.inf):
            raise _too_late(opens_at - loop.time())
        waiter = self._join(gate, lane)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.turn
        except BaseException as stopped:
            self._give_up(waiter)
            if isinstance(stopped, TimeoutError):
                raise _too_late(
                    gate.opens_at(lane, loop.time()) - loop.time()
                ) from None
            raise

    def _join(self, gate: Gate, lane: Lane) -> _Waiter:
        self._numbered += 1
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(lane, self._numbered, gate, turn)
        insort(self._waiting, waiter)
        self._pump()
        return waiter

    def _give_up(self, waiter: _Waiter) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        else:
            self._come_back(waiter.gate, Turn())

    def _come_back(self, gate: Gate, turn: Turn) -> None:
        now = asyncio.get_running_loop().time()
        self._in_flight -= 1
        if turn.limits is None:
            gate.miss()
        elif not turn.refused:
            self._crowds = 0
            gate.hear(turn.limits, now)
        elif turn.limits.concurrent:
            self._crowd(now)
            gate.miss()
        else:
            gate.refuse(turn.limits, now)
        self._pump()

    def _crowd(self, now: float) -> None:
        """Too many at once in the whole org: all wait a little, then longer."""
        # One that went well may have come between two of the same crowd.
        if now >= self._crowded_until or not self._crowds:
            self._crowds += 1
        wait = _doubled(self._timing, self._crowds)
        self._crowded_until = now + wait.total_seconds()

    def _pump(self) -> None:
        """Give every turn that can be given, and wake for the next one."""
        now = asyncio.get_running_loop().time()
        wake = math.inf
        for waiter in list(self._waiting):
            if self._in_flight >= waiter.lane.places:
                break
            opens_at = max(self._crowded_until, waiter.gate.opens_at(waiter.lane, now))
            if opens_at <= now:
                self._give(waiter, now)
            else:
                wake = min(wake, opens_at)
        self._wake_at(wake)

    def _give(self, waiter: _Waiter, now: float) -> None:
        self._waiting.remove(waiter)
        self._in_flight += 1
        waiter.gate.leave(now)
        if not waiter.turn.done():
            waiter.turn.set_result(None)

    def _wake_at(self, instant: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if instant < math.inf:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_at(instant, self._pump)


def _doubled(timing: OktaTiming, times: int) -> timedelta:
    return min(timing.crowded * (1 << min(times - 1, 10)), timing.crowded_most)


def _too_late(wait: float) -> TooLate:
    known = 0 < wait < math.inf
    return TooLate(
        "Okta's rate limit leaves no room for this call before its deadline.",
        landed=False,
        retry_after=timedelta(seconds=wait) if known else None,
    )
