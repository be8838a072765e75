"""The loop: it carries out what is due, waits within bounds, and rests quietly."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session

from bot.core.words import DirectoryUnavailable
from bot.engine.worker import AT_ONCE, LONGEST_TOLD, Bell, CarryOut, Line, Worker
from bot.settings import Clock, Timing
from bot.store.database import Database
from bot.store.tables import AccessGrant, AccessRequest, Notice
from tests.conftest import sqlite_alone
from tests.hand import by_hand
from tests.store.rows import NOW, ask, notice

pytestmark = pytest.mark.anyio


SECOND = timedelta(seconds=1)
READ_ONLY = """
create trigger read_only before update on notice
begin select raise(abort, 'read-only'); end
"""
LINES = (AccessGrant, AccessRequest, Notice)


def _worker(database: Database, carry_out: CarryOut) -> Worker:
    return Worker(
        name="test",
        owner="test",
        lines=[Line(table=each, carry_out=carry_out) for each in LINES],
        database=database,
        clock=Clock(),
        timing=Timing(sweep=timedelta(milliseconds=20)),
        bell=Bell(),
    )


@contextmanager
def _transactions(database: Database) -> Iterator[dict[str, int]]:
    """Count the transactions that begin, of the writer and of the readers."""
    begun = dict.fromkeys(("writing", "reading"), 0)

    def note(name: str) -> None:
        begun[name] += 1

    engines = {"writing": database.engine, "reading": database.reading_engine}
    for name, engine in engines.items():
        event.listen(engine, "begin", lambda _, name=name: note(name))
    yield begun


@pytest.mark.parametrize("told", [timedelta(days=3650), timedelta.max])
async def test_a_proxy_that_says_come_back_in_years_is_not_obeyed(
    database: Database, told: timedelta
) -> None:
    await database.run(notice)
    tried = asyncio.Event()

    async def refused(_row: Notice, _held: object) -> None:
        tried.set()
        raise DirectoryUnavailable("later", landed=False, retry_after=told)

    worker = _worker(database, refused)
    running = asyncio.create_task(worker.run())
    await tried.wait()
    running.cancel()
    await worker.stop()
    row = database.look(lambda session: session.get_one(Notice, 1))
    assert row.lease_owner is None
    assert row.due_at is not None
    assert row.due_at <= datetime.now(UTC) + LONGEST_TOLD


async def test_a_loop_with_nothing_to_do_leaves_the_writer_alone(
    database: Database,
) -> None:
    async def never(_row: object, _held: object) -> None:
        raise AssertionError("nothing is due")

    with _transactions(database) as begun:
        running = asyncio.create_task(_worker(database, never).run())
        while begun["reading"] < 5:
            await asyncio.sleep(0.01)
        running.cancel()
    assert begun["writing"] == 0


async def test_an_org_that_hangs_does_not_hold_up_the_others(
    database: Database,
) -> None:
    def ask_all(session: Session) -> None:
        for number in range(2 * AT_ONCE):
            ask(session, f"r{number}", due_at=NOW)
        ask(session, "last", due_at=NOW + SECOND, integration="other")

    await database.run(ask_all)
    hanging: set[str] = set()
    other = asyncio.Event()

    async def carry_out(row: AccessRequest, _held: object) -> None:
        if row.integration == "other":
            other.set()
        hanging.add(row.id)
        await asyncio.Event().wait()

    worker = _worker(database, carry_out)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(other.wait(), 5)
    assert len(hanging) == AT_ONCE + 1
    running.cancel()
    worker.timing = Timing(stop=timedelta())
    await worker.stop()


@sqlite_alone
@pytest.mark.parametrize("column", ["due_at", "lease_until"])
@pytest.mark.parametrize("time", ["", "never", f"{datetime.now(UTC):%Y-%m-%d} 25"])
async def test_a_time_that_cannot_be_read_holds_up_nothing_else(
    database: Database, column: str, time: str
) -> None:
    for key in ("bad", "good"):
        await database.run(notice, key)
    by_hand(database, f"update notice set {column} = '{time}' where key = 'bad'")  # noqa: S608
    carried: asyncio.Queue[str] = asyncio.Queue()

    async def carry_out(row: Notice, _held: object) -> None:
        await carried.put(row.key)

    running = asyncio.create_task(_worker(database, carry_out).run())
    async with asyncio.timeout(5):
        while await carried.get() != "good":
            pass
    running.cancel()


async def test_a_loop_that_cannot_claim_tells_so_until_it_can(
    database: Database,
) -> None:
    await database.run(notice)
    carried = asyncio.Event()

    async def carry_out(_row: Notice, _held: object) -> None:
        carried.set()

    told: list[bool] = []
    worker = _worker(database, carry_out)
    worker.timing = replace(worker.timing, retry_first=timedelta(milliseconds=10))
    worker.tell = told.append
    by_hand(database, READ_ONLY)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(20):
        while not told:
            await asyncio.sleep(0.01)
        assert told[0] is False
        by_hand(database, "drop trigger read_only")
        await carried.wait()
        while not told[-1]:
            await asyncio.sleep(0.01)
    running.cancel()
    await worker.stop()
