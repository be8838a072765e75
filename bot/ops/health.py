"""Whether the bot is alive and ready, for those who run it: no names, no secrets."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.settings import Clock
from bot.store import queries
from bot.store.database import Database
from bot.workflow.grants import finish_of


@dataclass(kw_only=True)
class Health:
    """What stands between the bot and being ready, by part, a sentence each."""

    database: Database
    clock: Clock
    problems: dict[str, str] = field(default_factory=dict)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def wrong(self, part: str, problem: str) -> None:
        """Say what is wrong with `part`, until it is `right` again."""
        self.problems[part] = problem

    def right(self, part: str) -> None:
        """Say that nothing is wrong with `part`."""
        self.problems.pop(part, None)

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
        status = 503 if self.problems else 200
        return JSONResponse(
            {"ready": not self.problems, "problems": self.problems}, status
        )

    async def _metrics(self, _request: Request) -> Response:
        # NB. Anyone who reaches the port may ask: one look at a time, or the
        # workers would wait for a reader behind all who do.
        async with self._looking:
            figures = await self.database.read(
                _figures, self.clock(), not self.problems
            )
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
