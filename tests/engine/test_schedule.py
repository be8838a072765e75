"""The jobs of upkeep: tried again soon, and never lost to their own length."""

import asyncio
from datetime import timedelta

import pytest

from bot.core.words import AccessBotError
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
