"""Running: everything started together, and stopped together."""

import asyncio
import signal
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette

from bot.app import replicas
from bot.app.alarms import set_alarms
from bot.app.anchoring import publish_head
from bot.app.face import face
from bot.app.listening import listen
from bot.app.okta_loop import okta_worker
from bot.app.opening import open_store
from bot.app.parts import Parts, build
from bot.app.publishing import jwks_route
from bot.app.reloading import reload
from bot.app.roles import Role
from bot.core.words import SettingError
from bot.engine.worker import Worker
from bot.settings import Clock, Settings, Timing
from bot.store.database import Database, only_runner

STOP_SERVING_WITHIN = 5
"""Seconds that a request under way has when the bot is told to stop."""


async def run(
    settings: Settings,
    timing: Timing | None = None,
    stopped: asyncio.Event | None = None,
    clock: Clock | None = None,
    role: Role = Role.ALL,
) -> None:
    """Serve until `stopped` is set; then finish or hand back what is under way.

    Without `stopped`, SIGTERM and SIGINT stop it. With another `role` it is one of
    several processes. Raises SettingError when the set-up does not let it start.
    """
    stopped = stopped or _told_to_stop()
    async with AsyncExitStack() as stack:
        database = stack.enter_context(open_store(settings))
        _require_shared(database, role)
        stack.enter_context(only_runner(database))
        listening = stack.enter_context(listen(settings)) if role.listens else None
        parts = await build(
            stack, settings, timing or Timing(), database, clock or Clock(), role
        )
        stack.callback(publish_head, settings, database)
        await replicas.join(parts)
        okta = okta_worker(parts) if role.works else None
        set_alarms(parts)
        _watch_policy(parts)
        parts.schedule.start()
        stack.push_async_callback(parts.schedule.stop)
        await _until_one_ends(stopped.wait(), *_work(parts, okta, listening))
        if okta:
            await okta.stop()
        await replicas.leave(parts)


def _watch_policy(parts: Parts) -> None:
    """Look every few seconds whether access.yaml changed, and at once on SIGHUP."""
    look = "access.yaml"
    parts.schedule.every(parts.timing.sweep, look, partial(reload, parts))
    if threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, parts.schedule.now, look)


def _require_shared(database: Database, role: Role) -> None:
    if role is not Role.ALL and not database.is_shared:
        raise SettingError(
            f"--role {role} needs PostgreSQL, and DATABASE_URL names SQLite.",
            "Leave --role out: one process does everything.",
        )


def _work(
    parts: Parts, okta: Worker | None, listening: socket.socket | None
) -> Iterator[Coroutine[Any, Any, Any]]:
    """Give what this process does until it is stopped."""
    web = Starlette(routes=[*parts.health.routes(), jwks_route(parts.database)])
    if listening:
        yield _serve(web, listening)
    if okta:
        yield okta.run()
    yield face(parts, web)
    yield from replicas.togetherness(parts)


async def _serve(web: Starlette, listening: socket.socket) -> None:
    """Answer what comes in until cancelled."""
    server = _Server(
        uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=STOP_SERVING_WITHIN,
        )
    )
    serving = asyncio.ensure_future(server.serve([listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would raise what they caught."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _told_to_stop() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told


async def _until_one_ends(*work: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of `work` ends, end the others, raise what it raised."""
    tasks = [asyncio.create_task(each) for each in work]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()
