"""Serves the sandbox on 127.0.0.1: from a test's thread, or as a program.

One background thread with one event loop serves every part of the sandbox.
Nothing here listens on another address, and nothing outlives `close()`.
"""

import argparse
import asyncio
import json
import signal
import socket
import threading
from collections.abc import Coroutine
from dataclasses import asdict, is_dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

T = TypeVar("T")
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost"})


class Service(Protocol):
    """A part of the sandbox that can be served."""

    url: str

    def app(self) -> Starlette:
        """Its endpoints, `/_control` among them."""
        ...

    def announcement(self) -> dict[str, Any]:
        """What a program needs to know of it besides the address."""
        ...


class CuttableProtocol(H11Protocol):
    """Hands each request its transport as `request.state.transport`.

    ASGI has no word for closing a connection without an answer.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Loopback:
    """A thread that serves apps on 127.0.0.1 until it is closed."""

    def __init__(self) -> None:
        self._servers: list[uvicorn.Server] = []
        self._serving: list[asyncio.Task[None]] = []
        self._started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live()), name="sandbox", daemon=True
        )
        self._thread.start()
        self._started.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def serve(self, app: Starlette, port: int = 0) -> str:
        """Serve `app` and return its address, http://127.0.0.1:PORT.

        Port 0 takes a free one. Raises OSError when the port is taken.
        """
        bound = _bound(port)
        self.run(self._serve(app, bound))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"

    def open(self, service: Service, port: int = 0) -> None:
        """Serve `service`; its `url` then says where."""
        service.url = self.serve(service.app(), port)

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 30.0) -> T:
        """The result of `work`, done on the serving thread.

        Raises TimeoutError after `timeout` seconds, and what `work` raises.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def close(self) -> None:
        """Stop serving; connections still open are cut."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        self._started.set()
        await self._closing.wait()
        for server in self._servers:
            server.should_exit = server.force_exit = True
        await asyncio.gather(*self._serving)

    async def _serve(self, app: Starlette, bound: socket.socket) -> None:
        server = uvicorn.Server(_configuration(app))
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.001)
        self._servers.append(server)
        self._serving.append(serving)


def _bound(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it
    # every answer waits 40 ms for the client's delayed acknowledgement.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _configuration(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="wsproto",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # an org whose clock is off dates its answers itself
    )


def control(service: object, verbs: frozenset[str]) -> Route:
    """`POST /_control {"verb": ..., "args": {...}}` for the listed verbs.

    It answers {"result": ...}, or 400 {"error": ...}.
    """

    async def endpoint(request: Request) -> Response:
        if not _from_a_program_here(request):
            return JSONResponse({"error": "JSON from this machine only"}, 403)
        try:
            asked = await request.json()
            verb, args = asked["verb"], asked.get("args", {})
            if verb not in verbs:
                raise ValueError(f"there is no verb {verb}")
            result = await run_in_threadpool(getattr(service, verb), **args)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(dump({"result": result}), media_type="application/json")

    return Route("/_control", endpoint, methods=["POST"])


def _from_a_program_here(request: Request) -> bool:
    # NB. A page open in somebody's browser can post forms to loopback, and reach
    # it under a name of its own: neither gets past these two headers.
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind == "application/json" and request.url.hostname in LOOPBACK_NAMES


def dump(value: object) -> str:
    """`value` as JSON; dataclasses are objects, sets sorted lists."""
    return json.dumps(value, default=_plain)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def main(service: Service) -> None:
    """Serve `service` as a program until it is told to stop.

    Prints one JSON line with its address, then serves until SIGTERM or SIGINT.
    """
    parser = argparse.ArgumentParser(description=type(service).__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    port = parser.parse_args().port
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Loopback() as loopback:
        loopback.open(service, port)
        line = dump({"url": service.url, **service.announcement()})
        print(line, flush=True)  # noqa: T201 the address is this program's output
        stop.wait()
