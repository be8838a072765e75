"""Several processes on one database: each hears of the others, none does it twice.

Rows are leased, so any number may work on them. Here is what rows do not carry:
that something was made due elsewhere, how many share Okta's limits, and whose
turn a periodic job is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from bot.app.parts import NOT_READ, Parts
from bot.store import claims, directory, replicas
from bot.workflow.upkeep.discovery import DISCOVERED

log = structlog.get_logger()

NOBODY_WORKS = "No worker is alive: nothing is given, ended or told until one is."


def togetherness(parts: Parts) -> list[Coroutine[Any, Any, Any]]:
    """Return what keeps a process in touch with the others; nothing when alone."""
    if not parts.database.is_shared:
        return []
    keeping = [
        parts.database.hear(parts.bell.ring, parts.timing.sweep),
        _learn_what_is_read(parts),
        _keep_time(parts),
    ]
    return [*keeping, _stay_known(parts)] if parts.role.works else keeping


def every(
    parts: Parts,
    wait: timedelta,
    name: str,
    job: Callable[[], Awaitable[object]],
    *,
    about: str = "",
) -> None:
    """Run `job` each `wait`; of the processes of a shared database, in one.

    What was done `about` something else does not count.
    """
    if parts.database.is_shared:
        job = partial(_in_turn, parts, wait, name, job, about)
    parts.schedule.every(wait, name, job)


async def join(parts: Parts) -> None:
    """Say that this process works, before it takes a turn at anything.

    One that does not is ready only while another does.
    """
    if parts.database.is_shared and parts.role.works:
        await _beat(parts)
    elif parts.database.is_shared:
        parts.health.watch("workers", partial(_miss_workers, parts))


async def _miss_workers(parts: Parts) -> str:
    silent = parts.timing.beat * replicas.SILENT
    alive = await parts.database.read(replicas.is_any_alive, silent, parts.clock())
    return "" if alive else NOBODY_WORKS


async def leave(parts: Parts) -> None:
    """Say that this process works no more."""
    if parts.database.is_shared and parts.role.works:
        await parts.database.run(replicas.leave, parts.owner)


async def _stay_known(parts: Parts) -> None:
    """Be heard of, and count the others, until cancelled."""
    while True:
        await asyncio.sleep(parts.timing.beat.total_seconds())
        try:
            await _beat(parts)
        except DBAPIError as error:
            log.warning("not heard of", why=type(error.orig).__name__)


async def _beat(parts: Parts) -> None:
    silent = parts.timing.beat * replicas.SILENT
    parts.fleet.size = await parts.database.run(
        replicas.beat, parts.owner, silent, parts.clock()
    )


async def _keep_time(parts: Parts) -> None:
    """Go by the database's clock, as every process on it does, until cancelled."""
    while True:
        await asyncio.sleep(parts.timing.beat.total_seconds())
        try:
            await parts.database.read(claims.set_clock, parts.clock)
        except DBAPIError as error:
            log.warning("time not told", why=type(error.orig).__name__)


async def _learn_what_is_read(parts: Parts) -> None:
    """See which orgs another process has discovered, until cancelled."""
    while True:
        try:
            for name in list(parts.offices):
                await _learn_if_read(parts, name)
        except DBAPIError as error:
            log.warning("not known what is read", why=type(error.orig).__name__)
        await asyncio.sleep(parts.timing.beat.total_seconds())


async def _learn_if_read(parts: Parts, name: str) -> None:
    if parts.health.problems.get(name) != NOT_READ:
        return
    key = DISCOVERED.format(name)
    if await parts.database.read(directory.remembered, key) is not None:
        parts.health.right(name)


async def _in_turn(
    parts: Parts,
    wait: timedelta,
    name: str,
    job: Callable[[], Awaitable[object]],
    about: str,
) -> None:
    """Do `job` if it is our turn; a failed one is anybody's again."""
    run, done = parts.database.run, False
    turn = replicas.Turn(name, parts.owner, about)
    mine = await run(replicas.take_turn, turn, wait, parts.clock())
    if not mine:
        return
    try:
        await job()
        done = True
    finally:
        await run(replicas.end_turn, turn, done=done)
