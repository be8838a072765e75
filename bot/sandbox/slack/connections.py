"""The bot's Socket Mode connections, written to from any thread."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from starlette.websockets import WebSocket

Json = dict[str, Any]
Answered = Callable[[Json], None]

GRACE = 5.0


class Connection:
    """One open socket. Written to from any thread, read on its own loop."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._loop = asyncio.get_running_loop()

    def send(self, frame: Json) -> None:
        """Send a frame soon, after those sent before."""
        self._soon(self._socket.send_text(json.dumps(frame)))

    def close(self, after: float = 0.0) -> None:
        """Close the socket as Slack does, unless the bot has by then."""

        async def close() -> None:
            await asyncio.sleep(after)
            await self._socket.close(1000)

        self._soon(close())

    def cut(self) -> None:
        """Drop the socket without a word."""
        transport = self._socket.scope["state"]["transport"]
        self._loop.call_soon_threadsafe(transport.abort)

    def _soon(self, work: Any) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


class Sockets:
    """The open connections, and the envelopes nobody has acknowledged yet."""

    def __init__(self) -> None:
        self.open: list[Connection] = []
        self.leaving: list[Connection] = []
        self.tickets: set[str] = set()
        self.waiting: dict[str, Answered] = {}

    def send(self, envelope: Json, answered: Answered) -> bool:
        """Send to one connection, the next in turn; False where there is none."""
        if not self.open:
            return False
        connection = self.open.pop(0)
        self.open.append(connection)
        self.waiting[envelope["envelope_id"]] = answered
        connection.send(envelope)
        return True

    def answer(self, sent: str) -> None:
        """Take the bot's acknowledgement; one that comes too late is lost.

        Raises ValueError for what is no acknowledgement.
        """
        frame = json.loads(sent)
        if not isinstance(frame, dict):
            raise ValueError("an acknowledgement is an object")
        answered = self.waiting.pop(str(frame.get("envelope_id")), None)
        if answered is not None:
            answered(frame)

    def retire(self, reason: str) -> None:
        """Tell the bot to connect anew, and send nothing more over these."""
        for connection in self.open:
            connection.send({"type": "disconnect", "reason": reason})
            connection.close(after=GRACE)
        self.leaving += self.open
        self.open.clear()

    def close(self) -> None:
        """Close every connection."""
        for connection in self.open + self.leaving:
            connection.close()
        self._forget()

    def cut(self) -> None:
        """Drop every connection without a word."""
        for connection in self.open + self.leaving:
            connection.cut()
        self._forget()

    def drop(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        for held in (self.open, self.leaving):
            if connection in held:
                held.remove(connection)

    def _forget(self) -> None:
        self.open.clear()
        self.leaving.clear()
        self.waiting.clear()
