"""The alarm clock: APScheduler wakes the workers and runs the periodic upkeep.

It owns nothing: rows say what is due, and the workers look for themselves
every few seconds. Its store is memory, since a job store loses what it fires.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.core.words import AccessBotError
from bot.engine.worker import Bell

log = structlog.get_logger()

SHORTEST = timedelta(seconds=1)


class Schedule:
    """Alarms by name, and jobs that run again and again."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={
                "misfire_grace_time": None,
                "coalesce": True,
                "max_instances": 1,
            },
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
        """Run `job` now, and then each `wait`; one that fails is tried again then."""

        async def tick() -> None:
            try:
                await job()
            except AccessBotError as error:
                log.warning("upkeep waits", job=name, why=str(error))
            except Exception:
                log.exception("upkeep failed", job=name)
            self._bell.ring()

        self._scheduler.add_job(
            tick,
            "interval",
            seconds=max(wait, SHORTEST).total_seconds(),
            id=name,
            next_run_time=datetime.now(UTC),
        )

    def start(self) -> None:
        """Begin to ring and run, in the running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Ring and run no more. What is under way is not waited for."""
        self._scheduler.shutdown(wait=False)
