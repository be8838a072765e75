"""The bot's own loop of Okta's work, over an org of the caller's choice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.app.okta_loop import okta_worker
from bot.app.parts import Parts
from bot.engine.schedule import Schedule
from bot.engine.worker import Bell
from bot.ops.health import Health
from bot.settings import Settings
from bot.workflow.reading import Office


@asynccontextmanager
async def working(office: Office) -> AsyncIterator[None]:
    """Carry out what is due in `office` until the block ends."""
    bell = Bell()
    parts = Parts(
        settings=Settings(),
        timing=office.timing,
        clock=office.clock,
        database=office.database,
        catalogue=office.catalogue,
        health=Health(database=office.database, clock=office.clock),
        bell=bell,
        schedule=Schedule(bell, office.timing),
        owner="bench",
        offices={office.name: office},
        urgent={office.name: office},
    )
    worker = okta_worker(parts)
    parts.schedule.start()
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await worker.stop()
        await parts.schedule.stop()
