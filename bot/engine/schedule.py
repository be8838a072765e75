"""The alarm clock: APScheduler wakes the workers and runs the periodic upkeep.

It owns nothing: rows say what is due, and the workers look for themselves
every few seconds. Its store is memory, since a job store loses what it fires.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import OperationalError

from bot.core.words import AccessBotError
from bot.engine.worker import Bell
from bot.settings import Timing

log = structlog.get_logger()

SHORTEST = timedelta(seconds=1)


class _Stopped(logging.Filter):
    """Keeps out what is no failure: a job that was cancelled as we were stopped."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return not (kind and issubclass(kind, asyncio.CancelledError))


logging.getLogger("apscheduler.executors.default").addFilter(_Stopped())
# That a job was still running is said by nobody: it runs again after.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


class Schedule:
    """Alarms by name, and jobs that run again and again."""

    def __init__(self, bell: Bell, timing: Timing) -> None:
        self._bell = bell
        self._timing = timing
        self._running: set[asyncio.Task[object]] = set()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={
                "misfire_grace_time": None,
                "coalesce": True,
                "max_instances": 1,
            },
        )
        self._scheduler.add_listener(self._run_again, EVENT_JOB_MAX_INSTANCES)

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
        """Run `job` now, and then each `wait`.

        One that fails is tried again soon, later with each time, and each `wait`
        at the latest: what the bot does not know yet cannot wait an hour.
        """
        retry = self._timing.retry_first

        async def tick() -> None:
            nonlocal retry
            self._note_running()
            if await self._succeeds(name, job):
                retry = self._timing.retry_first
            else:
                again = datetime.now(UTC) + min(retry, wait)
                if self._scheduler.get_job(name):
                    self._scheduler.modify_job(name, next_run_time=again)
                retry = min(2 * retry, self._timing.retry_most)
            self._bell.ring()

        self._scheduler.add_job(
            tick,
            "interval",
            seconds=max(wait, SHORTEST).total_seconds(),
            id=name,
            next_run_time=datetime.now(UTC),
            replace_existing=True,
        )

    def now(self, name: str) -> None:
        """Run the job called `name` at once, beside when it is due."""
        self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def forget(self, name: str) -> None:
        """Run the job called `name` no more."""
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)

    def _note_running(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _run_again(self, skipped: JobSubmissionEvent) -> None:
        """Run a job soon that came due while it was running: it may have missed it."""
        if self._scheduler.get_job(skipped.job_id):
            soon = datetime.now(UTC) + self._timing.retry_first
            self._scheduler.modify_job(skipped.job_id, next_run_time=soon)

    async def _succeeds(self, name: str, job: Callable[[], Awaitable[object]]) -> bool:
        """Run `job`; what it fails with is logged."""
        try:
            await job()
        except asyncio.CancelledError:  # we are being stopped: it runs after the start
            log.info("upkeep stopped", job=name)
            return True
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
        """Begin to ring and run, in the running event loop."""
        self._scheduler.start()

    async def stop(self) -> None:
        """Ring and run no more; what is under way is cancelled, and ended by then."""
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # it is the loop that shuts it down
        if self._running:
            await asyncio.wait(self._running, timeout=self._timing.stop.total_seconds())
