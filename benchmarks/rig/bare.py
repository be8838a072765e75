"""The peer: Bolt on Starlette, with next to nothing behind it.

`/access` is acknowledged at once. A click commits as many rows as an approval
of ours writes, by raw sqlite3 with `synchronous=FULL` in one writer thread, and
is then acknowledged: what is left of the difference is what ours is for. It
authorizes nobody, decides nothing and keeps no audit.
"""

import asyncio
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor

from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.routing import Route

from benchmarks.rig.serving import serve
from bot.slack.http import PATH

BYTES_PER_ROW = 300
"""About what a row of ours holds, an event being the largest."""


class Rows:
    """A file that so many rows are committed to at a time."""

    def __init__(self, path: str, count: int) -> None:
        self._path = path
        self._rows = [("x" * BYTES_PER_ROW,)] * count
        self._writer = ThreadPoolExecutor(1, initializer=self._open)

    async def commit(self) -> None:
        """Write the rows; they are on disk afterwards."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._transact)

    def _open(self) -> None:
        self._file = sqlite3.connect(self._path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=FULL")
        self._file.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)")

    def _transact(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")
        for row in self._rows:
            self._file.execute("INSERT INTO row (text) VALUES (?)", row)
        self._file.execute("COMMIT")


def bolt(
    slack: str, token: str, secret: str, *, early: bool, rows: Rows | None
) -> AsyncApp:
    """Return the app; `early` is Bolt as it ships, else it answers last."""
    app = AsyncApp(
        client=AsyncWebClient(token, base_url=f"{slack}/api/"),
        signing_secret=secret,
        process_before_response=not early,
    )

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    async def commit(ack: AsyncAck) -> None:
        if rows is not None:
            await rows.commit()
        await ack()

    app.command("/access")(acknowledge)
    app.action("approve")(commit)
    return app


def main(asked: str) -> None:
    """Serve what is `asked`, as JSON, until told to stop."""
    given = json.loads(asked)
    rows = Rows(given["database"], given["rows"]) if "database" in given else None
    app = bolt(
        given["slack"],
        given["token"],
        given["secret"],
        early=given["early"],
        rows=rows,
    )
    receive = AsyncSlackRequestHandler(app).handle
    serve(Starlette(routes=[Route(PATH, receive, methods=["POST"])]))


if __name__ == "__main__":
    main(sys.argv[1])
