"""What keeps going: claim what is due, carry it out, until told to stop.

There is one worker for Okta (requests and grants) and one for Slack (notices),
so that Slack's outage never delays a revocation. The worker's own look, at
least every `Timing.sweep`, is what makes a lost wake-up or alarm harmless.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from bot.core.words import AccessBotError, StaleState
from bot.settings import Clock, Timing
from bot.store import claims
from bot.store.claims import AnyDue
from bot.store.database import Database

log = structlog.get_logger()

AT_ONCE = 8
"""Rows of one integration that a loop works on at a time: Okta carries no more."""

LONGEST_TOLD = timedelta(minutes=10)
"""Who tells us to wait is believed for no longer: it may be a broken proxy."""

A_MOMENT = timedelta(milliseconds=20)

StillHeld = Callable[[], None]
CarryOut = Callable[[Any, StillHeld], Awaitable[None]]
Only = Sequence[ColumnElement[bool]]


_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux: the monotonic clock stops while a machine sleeps, and leases do not."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One kind of due rows: which, and who carries them out.

    Earlier lines of a loop go first. `at_once` leaves room for those before; it is
    for each integration, so that one whose org hangs does not hold up the others.
    """

    table: type[Any]
    carry_out: CarryOut
    only: Only = ()
    at_once: int = AT_ONCE


def elapsed() -> float:
    """Return seconds that are never set, and counted also through a suspension."""
    return time.clock_gettime(_BOOT_TIME)


class Hold:
    """A claim as its worker sees it: renewed while the work waits."""

    def __init__(self, row: AnyDue, lease: timedelta, claimed: float) -> None:
        self.row = row
        self._lease = lease.total_seconds()
        self._until = claimed + self._lease

    def still(self) -> None:
        """Raise StaleState when the lease may have run out.

        NB. By this process's own time, counted from before the claim and on while
        the machine is suspended: a worker that slept finds out before it sends.
        """
        if elapsed() >= self._until:
            raise StaleState("the lease has run out")

    async def keep(self, database: Database, clock: Clock) -> None:
        """Renew the lease, again and again, until cancelled or lost."""
        lease = timedelta(seconds=self._lease)
        with suppress(StaleState):
            while True:
                await asyncio.sleep(self._lease / 3)
                before = elapsed()
                await database.run(claims.renew, self.row, now=clock(), lease=lease)
                self._until = before + self._lease


class Bell:
    """What wakes every loop: something was written that may be due."""

    def __init__(self) -> None:
        self._woken: list[asyncio.Event] = []

    def hear(self) -> asyncio.Event:
        """Return an event that each ring sets."""
        woken = asyncio.Event()
        self._woken.append(woken)
        return woken

    def ring(self) -> None:
        """Let every loop look at once for what is due."""
        for woken in self._woken:
            woken.set()


@dataclass(kw_only=True)
class Worker:
    """One loop over some lines of due rows; it tells of each round whether it went."""

    name: str
    owner: str
    lines: Sequence[Line]
    database: Database
    clock: Clock
    timing: Timing
    bell: Bell
    arm: Callable[[datetime | None], None] = lambda instant: None
    tell: Callable[[bool], None] = lambda is_well: None
    _working: dict[asyncio.Task[None], AnyDue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._woken = self.bell.hear()

    def wake(self) -> None:
        """Look at once for what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Carry out what is due until cancelled, so many of each line at a time."""
        while True:
            self._woken.clear()
            try:
                now = self.clock()
                coming = await self._look(now)
                due = [line for line, due_at in coming if due_at <= now]
                started = await self._start(due)
                self.tell(True)
                if not started:
                    # What is due but could not be claimed is another's.
                    least = A_MOMENT if due else timedelta()
                    await self._rest([due_at for _, due_at in coming], least)
            except Exception:
                log.exception("loop failed", loop=self.name)
                self.tell(False)
                await asyncio.sleep(self.timing.retry_first.total_seconds())

    async def stop(self) -> None:
        """Wait for what is under way, at most `Timing.stop`; hand back the rest."""
        if self._working:
            _, late = await asyncio.wait(
                self._working, timeout=self.timing.stop.total_seconds()
            )
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        # What was claimed as `run` was cancelled was never started on.
        for line in self.lines:
            try:
                await self.database.run(claims.hand_back, line.table, self.owner)
            except DBAPIError as error:  # the leases run out by themselves
                log.warning("not handed back", why=type(error.orig).__name__)

    async def _look(self, now: datetime) -> list[tuple[Line, datetime]]:
        """Return when the next row of each line that has room for it is due."""
        lines = [line for line in self.lines if self._room(line) > 0]
        coming = await self.database.read(
            claims.next_due,
            [(line.table, (*line.only, *self._with_room(line))) for line in lines],
            now,
            [*self._working.values()],
        )
        each = zip(lines, coming, strict=True)
        return [(line, due_at) for line, due_at in each if due_at]

    async def _start(self, lines: Sequence[Line]) -> bool:
        """Claim what is due, line by line, and start on it; tell if there was any."""
        started = False
        for line in lines:
            if self._room(line) <= 0:
                continue
            claimed = elapsed()
            for row in await self._claim(line):
                started = True
                hold = Hold(row, self.timing.lease, claimed)
                task = asyncio.create_task(self._carry_out(line, hold))
                self._working[task] = row
                task.add_done_callback(self._done)
        return started

    def _room(self, line: Line) -> int:
        """Return how many rows may be claimed, whichever integration they are of."""
        busy = self._busy().values()
        if not hasattr(line.table, "integration"):
            return line.at_once - sum(busy)
        return line.at_once - max((n for n in busy if n < line.at_once), default=0)

    def _with_room(self, line: Line) -> Only:
        """Narrow a line to the integrations of which more may be worked on."""
        full = [name for name, n in self._busy().items() if n >= line.at_once]
        return [col(line.table.integration).not_in(full)] if any(full) else []

    def _busy(self) -> Counter[str]:
        """Count what is worked on, of each integration."""
        return Counter(
            getattr(row, "integration", "") for row in self._working.values()
        )

    async def _claim(self, line: Line) -> list[Any]:
        rows: list[Any] = await self.database.run(
            claims.claim,
            line.table,
            owner=self.owner,
            now=self.clock(),
            lease=self.timing.lease,
            most=self._room(line),
            only=self._only(line),
        )
        return rows

    def _only(self, line: Line) -> Only:
        """Narrow a line to what this loop has room for and is not at already.

        A wall clock set forward ends the leases of rows that are being worked on.
        """
        rows = self._working.values()
        at = [row.id for row in rows if isinstance(row, line.table)]
        others = [col(line.table.id).not_in(at)] if at else []
        return [*line.only, *self._with_room(line), *others]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.pop(task, None)
        self.bell.ring()
        if not task.cancelled() and task.exception() is not None:
            log.error("row not let go", loop=self.name, exc_info=task.exception())

    async def _rest(self, coming: Sequence[datetime], least: timedelta) -> None:
        """Wait to be woken, or for the next row to be due, or for the sweep."""
        now = self.clock()
        until = min(coming, default=now + self.timing.sweep)
        wait = min(self.timing.sweep, max(until - now, least))
        self.arm(now + wait)
        # Not wait_for(): in Python 3.11 it loses a cancellation that comes together
        # with the wake-up, and the loop would never stop.
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                await self._woken.wait()

    async def _carry_out(self, line: Line, hold: Hold) -> None:
        """Carry out one claimed row; whatever happens, it is let go of."""
        row = hold.row
        keeping = asyncio.create_task(hold.keep(self.database, self.clock))
        try:
            await line.carry_out(row, hold.still)
        except StaleState as state:
            log.info("row moved on", row=_name(row), why=str(state))
            await self.database.run(claims.let_go, row)
        except AccessBotError as error:
            log.warning("row waits", row=_name(row), why=str(error), tries=row.tries)
            await self._put_back(row, getattr(error, "retry_after", None))
        except asyncio.CancelledError:
            await self.database.run(claims.let_go, row)
            raise
        except Exception:
            log.exception("row failed", row=_name(row), tries=row.tries)
            await self._put_back(row, None)
        finally:
            keeping.cancel()

    async def _put_back(self, row: AnyDue, wait: timedelta | None) -> None:
        told = min(wait or timedelta(), LONGEST_TOLD)
        due_at = self.clock() + max(told, self._back_off(row.tries))
        await self.database.run(claims.put_back, row, due_at)

    def _back_off(self, tries: int) -> timedelta:
        doubled: timedelta = self.timing.retry_first * 2 ** min(tries - 1, 16)
        return min(doubled, self.timing.retry_most)


def _name(row: AnyDue) -> str:
    return f"{type(row).__tablename__} {row.id}"
