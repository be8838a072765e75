"""Health is told to whoever asks, and never in the way of the work."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.ops.health import Health
from bot.settings import Clock
from bot.store.database import Database


@pytest.mark.anyio
async def test_however_many_ask_for_figures_one_reader_looks_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, looking, most = database.read, 0, 0

    async def counted(*args: Any) -> Any:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        try:
            return await read(*args)
        finally:
            looking -= 1

    monkeypatch.setattr(database, "read", counted)
    app = Starlette(routes=Health(database=database, clock=Clock()).routes())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as web:
        answers = await asyncio.gather(*(web.get("/metrics") for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert most == 1
