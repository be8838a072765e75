"""The jobs of upkeep: tried again soon, and never lost to their own length, or to a
wall clock that is set back."""

import asyncio
from datetime import UTC, datetime, timedelta, tzinfo

import apscheduler.schedulers.base
import pytest

from bot.core.words import AccessBotError
from bot.engine import schedule as scheduling
from bot.engine.schedule import Schedule
from bot.engine.worker import Bell
from bot.settings import Timing

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


@pytest.fixture
async def schedule() -> Schedule:
    schedule = Schedule(Bell(), Timing().scaled(1 / 1000))
    schedule.start()
    return schedule


async def test_a_job_that_fails_is_tried_again_before_its_wait_is_over(
    schedule: Schedule,
) -> None:
    tries, done = 0, asyncio.Event()

    async def job() -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise AccessBotError("not yet")
        done.set()

    schedule.every(DAY, "job", job)
    await asyncio.wait_for(done.wait(), 10)
    await schedule.stop()


async def test_a_job_asked_for_while_it_runs_runs_once_more(
    schedule: Schedule,
) -> None:
    runs, begun, go_on, again = 0, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def job() -> None:
        nonlocal runs
        runs += 1
        begun.set()
        await go_on.wait()
        if runs == 2:
            again.set()

    schedule.every(DAY, "job", job)
    await begun.wait()
    schedule.now("job")
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, go_on.set)
    await asyncio.wait_for(again.wait(), 10)
    await schedule.stop()


async def test_a_job_runs_on_while_the_wall_clock_is_set_back(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, again = 0, asyncio.Event()

    async def job() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            for module in (scheduling, apscheduler.schedulers.base):
                monkeypatch.setattr(module, "datetime", _AnHourAgo)
        if runs == 3:
            again.set()

    schedule.every(timedelta(seconds=1), "job", job)
    await asyncio.wait_for(again.wait(), 10)
    await schedule.stop()


async def test_a_job_that_is_set_anew_while_it_runs_never_runs_twice_at_once(
    schedule: Schedule,
) -> None:
    running, most, anew = 0, 0, asyncio.Event()

    async def job() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    async def job_anew() -> None:
        await job()
        anew.set()

    schedule.every(DAY, "job", job)
    await asyncio.sleep(0.01)
    schedule.every(DAY, "job", job_anew)
    await asyncio.wait_for(anew.wait(), 10)
    assert most == 1
    await schedule.stop()


async def test_a_job_that_is_forgotten_runs_no_more(schedule: Schedule) -> None:
    runs = 0

    async def job() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.01)
        schedule.forget("job")

    schedule.every(timedelta(seconds=1), "job", job)
    await asyncio.sleep(1.5)
    assert runs == 1
    await schedule.stop()


async def test_stopping_ends_what_runs_and_what_waits(schedule: Schedule) -> None:
    ended, begun = [], asyncio.Event()

    async def job() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("job")

    async def short() -> None:
        pass

    schedule.every(DAY, "job", job)
    schedule.every(DAY, "short", short)
    await begun.wait()
    await schedule.stop()
    assert ended == ["job"]


class _AnHourAgo(datetime):
    """A wall clock that was set back."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz or UTC) - timedelta(hours=1)
