"""What others tell the worker to wait is believed within bounds."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.words import DirectoryUnavailable
from bot.engine.worker import LONGEST_TOLD, Bell, Line, Worker
from bot.settings import Clock, Timing
from bot.store.database import Database
from bot.store.tables import Notice
from tests.store.rows import notice


@pytest.mark.anyio
@pytest.mark.parametrize("told", [timedelta(days=3650), timedelta.max])
async def test_a_proxy_that_says_come_back_in_years_is_not_obeyed(
    database: Database, told: timedelta
) -> None:
    await database.run(notice)
    tried = asyncio.Event()

    async def refused(_row: Notice, _held: object) -> None:
        tried.set()
        raise DirectoryUnavailable("later", landed=False, retry_after=told)

    worker = Worker(
        name="test",
        owner="test",
        lines=[Line(table=Notice, carry_out=refused)],
        database=database,
        clock=Clock(),
        timing=Timing(),
        bell=Bell(),
    )
    running = asyncio.create_task(worker.run())
    await tried.wait()
    running.cancel()
    await worker.stop()
    row = database.look(lambda session: session.get_one(Notice, 1))
    assert row.lease_owner is None
    assert row.due_at is not None
    assert row.due_at <= datetime.now(UTC) + LONGEST_TOLD
