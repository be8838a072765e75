"""Whether the bot is alive and ready, for those who run it: no names, no secrets."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.settings import Clock
from bot.store import audit, queries
from bot.store.database import Database
from bot.workflow.grants import finish_of

log = structlog.get_logger()

WITHIN = 3.0
"""Seconds in which the database is read, or it is told that it does not answer."""

Look = Callable[[], Awaitable[str]]
"""Tells in a sentence what is wrong at this moment; nothing where nothing is."""


@dataclass(kw_only=True)
class Health:
    """What stands between the bot and being ready, by part, a sentence each."""

    database: Database
    clock: Clock
    problems: dict[str, str] = field(default_factory=dict)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _looks: dict[str, Look] = field(default_factory=dict, init=False)
    _look: asyncio.Task[dict[str, str]] | None = field(default=None, init=False)

    def wrong(self, part: str, problem: str) -> None:
        """Say what is wrong with `part`, until it is `right` again."""
        self.problems[part] = problem

    def right(self, part: str) -> None:
        """Say that nothing is wrong with `part`."""
        self.problems.pop(part, None)

    def watch(self, part: str, look: Look) -> None:
        """Look at `part` whenever somebody asks whether the bot is ready."""
        self._looks[part] = look

    async def now(self) -> dict[str, str]:
        """Return what is wrong at this moment: what was told, and what is seen.

        NB. Anyone who reaches the port may ask: all who do wait for one look, and it
        goes on when they are gone, or a database that hangs would hold every reader.
        """
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._look_around())
        try:
            async with asyncio.timeout(WITHIN):
                seen = await asyncio.shield(self._look)
        except TimeoutError:
            seen = {"database": "It does not answer."}
        return {**self.problems, **seen}

    async def _look_around(self) -> dict[str, str]:
        try:
            await self.database.read(audit.head)
            seen = {part: await look() for part, look in self._looks.items()}
        except SQLAlchemyError as error:
            log.warning("database not read", why=type(error).__name__)
            return {"database": "It cannot be read: the log says why."}
        return {part: problem for part, problem in seen.items() if problem}

    def routes(self) -> list[Route]:
        """Return `/healthz`, `/readyz` and `/metrics`."""
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _request: Request) -> Response:
        problems = await self.now()
        status = 503 if problems else 200
        return JSONResponse({"ready": not problems, "problems": problems}, status)

    async def _metrics(self, _request: Request) -> Response:
        # NB. Anyone who reaches the port may ask: one look at a time, or the
        # workers would wait for a reader behind all who do.
        async with self._looking:
            ready = not await self.now()
            figures = await self.database.read(_figures, self.clock(), ready)
        return Response(_exposed(figures), media_type=CONTENT_TYPE_LATEST)


def _figures(
    session: Session, now: datetime, ready: bool
) -> dict[str, tuple[str, float]]:
    """Return each figure with what it means; the one to be woken for is the first."""
    backlog = queries.count_overdue(session, now)
    overdue = queries.oldest_overdue(session, now)
    return {
        "access_bot_oldest_overdue_revocation_seconds": (
            "How late the oldest membership is that should have ended",
            (now - overdue).total_seconds() if overdue else 0.0,
        ),
        "access_bot_revocations_due": (
            "Memberships that are to be removed now",
            float(backlog),
        ),
        "access_bot_revocations_finish_seconds": (
            "How long these take at Okta's usual limits",
            finish_of(backlog).total_seconds(),
        ),
        "access_bot_ready": (
            "Whether nothing stands between the bot and its work",
            float(ready),
        ),
        "access_bot_live_grants": (
            "Grants being given, held or removed",
            float(queries.count_live(session)),
        ),
        "access_bot_pending_requests": (
            "Requests that wait for an answer",
            float(queries.count_pending(session)),
        ),
    }


def _exposed(figures: dict[str, tuple[str, float]]) -> bytes:
    registry = CollectorRegistry()
    for name, (meaning, value) in figures.items():
        Gauge(name, meaning, registry=registry).set(value)
    return generate_latest(registry)
