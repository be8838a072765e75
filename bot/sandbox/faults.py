"""Faults on demand: what a server does wrong when it is told to.

A fault says which calls it meets and what becomes of them. The server asks
`Faults.answer` for every call, so that each kind means the same to Okta and to
Slack. Whether the call had its effect is part of the kind: that is what a
client has to find out.
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, get_args

from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

Kind = Literal[
    "401",  # clean answers, without the effect
    "403",
    "404",
    "429",
    "500",
    "502",
    "503",
    "504",
    "timeout_before",  # no answer, no effect
    "timeout_after",  # no answer, but the effect
    "late",  # nothing for `delay` seconds, then effect and answer
    "cut_before",  # connection closed, no effect
    "cut_after",  # connection closed after the effect
    "html",  # 200 and a page for people, no effect
    "drip",  # effect, and the answer a byte every `delay` seconds
    "slow",  # effect, and the answer after `delay` seconds
]
KINDS: frozenset[str] = frozenset(get_args(Kind))
PAGE = "<!doctype html><title>Maintenance</title><p>We will be back shortly."


@dataclass
class Fault:
    """What happens to calls whose label fits `match` (a regular expression).

    The first `skip` of them pass, the next `times` (None: all) meet it. `delay`
    and `retry_after` are seconds; `retry_after` is what a 429 asks to wait.
    """

    match: str
    kind: Kind
    times: int | None = 1
    skip: int = 0
    delay: float = 0.2
    retry_after: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no fault {self.kind}")
        re.compile(self.match)

    @property
    def answers(self) -> bool:
        """Whether the client is answered, if only in the end."""
        return not self.kind.startswith(("cut", "timeout"))

    def meets(self, label: str) -> bool:
        """Whether this call meets it; counts the call."""
        if self.times == 0 or not re.search(self.match, label):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


Apply = Callable[[], Awaitable[Response]]
Refuse = Callable[[Fault], Response]
Watcher = Callable[[str], Fault | None]


class Faults:
    """The faults in force. Callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._down = False
        self._watcher: Watcher | None = None
        self._held: set[asyncio.Future[None]] = set()

    def add(
        self,
        match: str,
        kind: Kind,
        *,
        times: int | None = 1,
        skip: int = 0,
        delay: float = 0.2,
        retry_after: int = 1,
    ) -> None:
        """Let the next calls that fit meet this fault; earlier faults go first."""
        fault = Fault(match, kind, times, skip, delay, retry_after)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Drop every fault; answers still held are given up."""
        with self._lock:
            self._faults.clear()
            held, self._held = self._held, set()
        for future in held:
            future.get_loop().call_soon_threadsafe(_release, future)

    @property
    def holding(self) -> int:
        """How many answers are being held back now."""
        return len(self._held)

    def down(self) -> None:
        """Cut every call from now on."""
        self._down = True

    def up(self) -> None:
        """End what `down` began."""
        self._down = False

    def watch(self, watcher: Watcher | None) -> None:
        """Show every call to `watcher` first, by its label, as it arrives.

        The fault it returns, if any, is the one that the call meets.
        """
        self._watcher = watcher

    def take(self, label: str) -> Fault | None:
        """The fault this call meets, or None. Each call asks once."""
        planned = self._watcher(label) if self._watcher else None
        if planned is not None:
            return planned
        with self._lock:
            if self._down:
                return Fault(match="", kind="cut_before")
            return next((f for f in self._faults if f.meets(label)), None)

    async def answer(self, label: str, apply: Apply, refuse: Refuse) -> Response:
        """What the call `label` is answered, its fault taken into account.

        `apply` carries the call out, `refuse` words a clean error.
        """
        fault = self.take(label)
        return await apply() if fault is None else await self.play(fault, apply, refuse)

    async def play(self, fault: Fault, apply: Apply, refuse: Refuse) -> Response:
        """The same for a call whose fault is known."""
        if fault.kind.isdigit():
            return refuse(fault)
        if fault.kind == "html":
            return HTMLResponse(PAGE)
        if fault.kind in ("timeout_before", "cut_before"):
            return self._silence(fault)
        return await self._after_effect(fault, apply)

    async def _after_effect(self, fault: Fault, apply: Apply) -> Response:
        if fault.kind == "late" and await self._hold(fault.delay):
            return Cut()
        response = await apply()
        if fault.kind in ("timeout_after", "cut_after"):
            return self._silence(fault)
        if fault.kind == "slow" and await self._hold(fault.delay):
            return Cut()
        return self._dripping(fault, response) if fault.kind == "drip" else response

    def _silence(self, fault: Fault) -> Response:
        return Cut() if fault.kind.startswith("cut") else Cut(self._hold)

    def _dripping(self, fault: Fault, response: Response) -> Response:
        async def bytes_one_by_one() -> AsyncIterator[bytes]:
            for byte in bytes(response.body):
                yield bytes([byte])
                if await self._hold(fault.delay):
                    return

        dripping = StreamingResponse(bytes_one_by_one(), response.status_code)
        dripping.raw_headers = response.raw_headers
        return dripping

    async def _hold(self, seconds: float | None = None) -> bool:
        """Wait; True when the faults were cleared meanwhile."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._held.add(future)
        try:
            done, _ = await asyncio.wait({future}, timeout=seconds)
            return bool(done)
        finally:
            with self._lock:
                self._held.discard(future)


class Cut(Response):
    """No answer: the connection is closed, after `hold` or when the client goes."""

    def __init__(self, hold: Callable[[], Awaitable[bool]] | None = None) -> None:
        super().__init__()
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hold is not None:
            await _first(_gone(receive), self._hold())
        scope["state"]["transport"].abort()
        # The server answers 500 for an app that returns before it has noticed.
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
