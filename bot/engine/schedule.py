"""The alarm clock: APScheduler wakes the workers; upkeep runs again and again.

It owns nothing: rows say what is due, and the workers look for themselves
every few seconds. Its store is memory, since a job store loses what it fires.

APScheduler goes by the wall clock, which may be set back: an alarm is then late by
as much, and the workers' own look makes up for it. Nothing would make up for upkeep,
so that waits on the loop's clock, which never goes back.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import OperationalError

from bot.core.words import AccessBotError
from bot.engine.worker import Bell
from bot.settings import Timing

log = structlog.get_logger()

SHORTEST = timedelta(seconds=1)


class Schedule:
    """Alarms by name, and jobs that run again and again."""

    def __init__(self, bell: Bell, timing: Timing) -> None:
        self._bell = bell
        self._timing = timing
        self._due: dict[str, asyncio.Event] = {}
        self._one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._repeating: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None}
        )

    def arm(
        self, name: str, instant: datetime | None, ring: Callable[[], None]
    ) -> None:
        """Ring once at `instant`, instead of any time armed under `name` before."""
        if instant is None:
            return

        async def alarm() -> None:
            ring()

        self._scheduler.add_job(
            alarm,
            "date",
            run_date=instant,
            id=f"alarm {name}",
            replace_existing=True,
            max_instances=100,
        )

    def every(
        self, wait: timedelta, name: str, job: Callable[[], Awaitable[object]]
    ) -> None:
        """Run `job` now, and then each `wait`, instead of any called `name` before.

        One that fails is tried again soon, later with each time, and each `wait`
        at the latest: what the bot does not know yet cannot wait an hour.
        """
        self.forget(name)
        due = self._due[name] = asyncio.Event()
        task = asyncio.create_task(self._repeat(wait, name, job, due))
        self._repeating.add(task)
        task.add_done_callback(self._repeating.discard)

    def now(self, name: str) -> None:
        """Run the job called `name` at once, or once more as soon as it has run."""
        self._due[name].set()

    def forget(self, name: str) -> None:
        """Run the job called `name` no more; what runs goes on to its end."""
        if due := self._due.pop(name, None):
            due.set()

    async def _repeat(
        self,
        wait: timedelta,
        name: str,
        job: Callable[[], Awaitable[object]],
        due: asyncio.Event,
    ) -> None:
        """Run `job` whenever it is due, until it is forgotten."""
        loop, wait = asyncio.get_running_loop(), max(wait, SHORTEST)
        first = retry = self._timing.retry_first
        while True:
            due.clear()
            began = loop.time()
            async with self._one_at_a_time[name]:
                if self._due.get(name) is not due:
                    return
                succeeds = await self._succeeds(name, job)
            self._bell.ring()
            if succeeds:
                took = timedelta(seconds=loop.time() - began)
                rest, retry = max(wait - took, first), first
            else:
                rest, retry = min(retry, wait), min(2 * retry, self._timing.retry_most)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest.total_seconds()):
                    await due.wait()

    async def _succeeds(self, name: str, job: Callable[[], Awaitable[object]]) -> bool:
        """Run `job`; what it fails with is logged."""
        try:
            await job()
        except asyncio.CancelledError:  # we are being stopped: it runs after the start
            log.info("upkeep stopped", job=name)
            raise
        except AccessBotError as error:
            log.warning("upkeep waits", job=name, why=str(error))
        except OperationalError as error:  # locked, or not there
            log.warning("upkeep waits", job=name, why=str(error.orig))
        except Exception:
            log.exception("upkeep failed", job=name)
        else:
            return True
        return False

    def start(self) -> None:
        """Begin to ring, in the running event loop."""
        self._scheduler.start()

    async def stop(self) -> None:
        """Ring and run no more; what is under way is cancelled, and ended by then."""
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # it is the loop that shuts it down
        for task in self._repeating:
            task.cancel()
        if self._repeating:
            within = self._timing.stop.total_seconds()
            await asyncio.wait(self._repeating, timeout=within)
