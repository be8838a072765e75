"""Health is told to whoever asks, and never in the way of the work."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlmodel import Session
from starlette.applications import Starlette

from bot.core.words import Cause, GrantStatus
from bot.ops import health as health_room
from bot.ops.health import Health
from bot.settings import Clock
from bot.store import queries
from bot.store.database import Database
from bot.store.moves import move
from tests.hand import by_hand
from tests.store import rows

ROOT = Path(__file__).parents[2]


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


async def readiness(health: Health, count: int = 1) -> list[httpx.Response]:
    """Return what so many are answered who ask at once whether the bot is ready."""
    transport = httpx.ASGITransport(Starlette(routes=health.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as web:
        asking = [web.get("/readyz") for _ in range(count)]
        return await asyncio.gather(*asking)


@pytest.mark.anyio
async def test_a_bot_whose_database_cannot_be_read_is_not_ready(
    database: Database,
) -> None:
    health = Health(database=database, clock=Clock())
    by_hand(database, "alter table event rename to away")
    [answer] = await readiness(health)
    assert answer.status_code == 503
    assert set(answer.json()["problems"]) == {"database"}
    by_hand(database, "alter table away rename to event")
    [answer] = await readiness(health)
    assert answer.status_code == 200


@pytest.mark.anyio
async def test_a_database_that_hangs_is_told_and_asked_once_however_many_ask(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, asked = asyncio.Event(), 0

    async def hang(*_about: Any) -> None:
        nonlocal asked
        asked += 1
        await hangs.wait()

    monkeypatch.setattr(database, "read", hang)
    monkeypatch.setattr(health_room, "WITHIN", 0.05)
    health = Health(database=database, clock=Clock())
    for _ in range(2):
        answers = await readiness(health, 20)
        assert {answer.status_code for answer in answers} == {503}
        assert "does not answer" in answers[0].text
    assert asked == 1
    hangs.set()
    [answer] = await readiness(health)
    assert answer.status_code == 200


@pytest.mark.anyio
async def test_what_is_watched_is_looked_at_when_somebody_asks(
    database: Database,
) -> None:
    health, seen = Health(database=database, clock=Clock()), ["It is away.", ""]

    async def look() -> str:
        return seen.pop(0)

    health.watch("slack socket", look)
    away, back = [await readiness(health) for _ in range(2)]
    assert away[0].json()["problems"] == {"slack socket": "It is away."}
    assert back[0].json() == {"ready": True, "problems": {}}


@pytest.mark.anyio
async def test_the_oldest_overdue_revocation_is_the_first_figure(
    database: Database,
) -> None:
    health = Health(database=database, clock=Clock())
    transport = httpx.ASGITransport(Starlette(routes=health.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as web:
        ready = (await web.get("/metrics")).text
        health.wrong("slack", "Not connected yet.")
        waiting = (await web.get("/metrics")).text
    names = [line.split()[0] for line in ready.splitlines() if line[0] != "#"]
    assert names[0] == "access_bot_oldest_overdue_revocation_seconds"
    assert "access_bot_ready 1.0" in ready
    assert "access_bot_ready 0.0" in waiting


def test_what_is_revoked_before_its_end_is_overdue_from_then_on(
    database: Database,
) -> None:
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    database.transact(_revoked, now)
    later = now + timedelta(minutes=10)
    assert database.look(queries.oldest_overdue, later) == now


def _revoked(session: Session, now: datetime) -> None:
    grant = rows.grant(session, "g", expires_at=now + timedelta(days=7))
    by = "bot"
    move(session, grant, GrantStatus.ACTIVE, by=by, now=now, active_at=now)
    ends: dict[str, Any] = {"cause": Cause.REVOKED, "revoking_at": now}
    move(session, grant, GrantStatus.REVOKING, by=by, now=now, **ends)


def test_every_alert_is_about_a_figure_that_is_there() -> None:
    rules = yaml.safe_load((ROOT / "examples" / "alerts.yml").read_text("utf-8"))
    health = (ROOT / "bot" / "ops" / "health.py").read_text("utf-8")
    [group] = rules["groups"]
    for rule in group["rules"]:
        for name in re.findall(r"access_bot_\w+", rule["expr"]):
            assert f'"{name}"' in health
        assert set(rule["annotations"]) == {"summary", "what_to_do"}
