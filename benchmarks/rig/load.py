"""Signed requests, sent by some clients at once and timed.

A client sends its next request when the last is answered, over a connection
that stays open. What is sent is signed before the clock starts.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from benchmarks.figures import milliseconds, percentile
from bot.slack.http import PATH

FORM = "application/x-www-form-urlencoded"
GIVE_UP_AFTER = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class Signed:
    """One request as Slack would send it."""

    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Round:
    """How long each request took, and all of them together, in seconds."""

    each: Sequence[float]
    together: float

    @property
    def p50(self) -> float:
        """Half of the requests took at most this long, in milliseconds."""
        return milliseconds(percentile(self.each, 50))

    @property
    def per_second(self) -> float:
        return len(self.each) / self.together


@dataclass(frozen=True)
class Target:
    """A server under load, and what its requests are signed with."""

    url: str
    secret: str

    async def load(
        self, forms: Sequence[Mapping[str, str]], clients: int, pause: float = 0.0
    ) -> Round:
        """Send each of `forms` once, from `clients` at a time.

        Each client waits `pause` seconds after an answer, as who types does.
        Raises RuntimeError for an answer that is not 200.
        """
        waiting = iter([self._sign(form) for form in forms])
        connections = aiohttp.TCPConnector(limit=clients)
        async with aiohttp.ClientSession(
            connector=connections, timeout=GIVE_UP_AFTER
        ) as session:
            began = time.perf_counter()
            each = await asyncio.gather(
                *(self._send_all(session, waiting, pause) for _ in range(clients))
            )
            together = time.perf_counter() - began
        return Round([one for client in each for one in client], together)

    async def _send_all(
        self, session: aiohttp.ClientSession, waiting: Iterator[Signed], pause: float
    ) -> list[float]:
        took = []
        await asyncio.sleep(pause * random.random())  # noqa: S311 -- nobody's secret
        for signed in waiting:
            began = time.perf_counter()
            await self._send(session, signed)
            took.append(time.perf_counter() - began)
            await asyncio.sleep(pause)
        return took

    async def _send(self, session: aiohttp.ClientSession, signed: Signed) -> None:
        url = f"{self.url}{PATH}"
        async with session.post(
            url, data=signed.body, headers=signed.headers
        ) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status}: {text[:200]}")

    def _sign(self, form: Mapping[str, str]) -> Signed:
        body, now = urlencode(form), str(int(time.time()))
        signature = SignatureVerifier(self.secret).generate_signature(
            timestamp=now, body=body
        )
        headers = {
            "Content-Type": FORM,
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": signature or "",
        }
        return Signed(body, headers)
