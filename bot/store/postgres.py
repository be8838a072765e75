"""PostgreSQL: any number of processes on one database.

Every write transaction begins by taking one advisory lock, so they follow one
another: the audit is one chain, and row locks taken in any order cannot
deadlock. What Okta allows is far below what one writer at a time carries. A
process that stops in the middle of a transaction loses it, and with it the lock,
after `IDLE_MS`. Reads are of one picture, in transactions that cannot write.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

import structlog
from sqlalchemy import URL, Engine, create_engine, event

from bot.core.words import SettingError
from bot.store.engines import Engines

log = structlog.get_logger()

NAMES = frozenset({"postgres", "postgresql"})
"""What a URL of PostgreSQL may begin with."""

CHANNEL = "access_bot_due"
"""Where it is told, as it commits, that something was made due."""

WRITE_LOCK = 0x0ACC_E550
MIGRATE_LOCK = 0x0ACC_E551

WRITERS = 4
READERS = 4

IDLE_MS = 2_000
LOCK_MS = 15_000
"""A writer waits longer for its turn than a stopped one may keep it, which is less
than Slack waits for an answer: our transactions take milliseconds."""

THINKING_MS = 60_000
"""Who only reads keeps nobody waiting but a migration: a long report may think."""

USUAL = f"-c timezone=UTC -c lock_timeout={LOCK_MS}"
WRITING = f"{USUAL} -c idle_in_transaction_session_timeout={IDLE_MS}"
READING = f"{USUAL} -c idle_in_transaction_session_timeout={THINKING_MS}"

PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""How long a server that is gone is waited for, in seconds; the last in milliseconds.

Keepalives find out who is silent while nothing is sent: what was sent and is not
acknowledged would be sent again for a quarter of an hour.
"""


def postgres_engines(url: URL) -> Engines:
    """Return the engines of the database that `url` names; nothing is opened yet.

    Raises SettingError when its driver is not installed.
    """
    url = url.set(drivername="postgresql+psycopg")
    try:
        writing = _engine(url, WRITERS, WRITING, isolation_level="READ COMMITTED")
        reading = _engine(
            url,
            READERS,
            READING,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
    except ModuleNotFoundError as error:
        raise SettingError(
            "DATABASE_URL names PostgreSQL, whose driver is not installed.",
            "Run: pip install 'okta-access-bot[postgres]'",
        ) from error
    event.listen(writing, "begin", _wait_for_turn)
    return Engines(
        writing=writing,
        reading=reading,
        writers=WRITERS,
        readers=READERS,
        name=f"{url.database or url.username} on {url.host or 'this machine'}",
        remedy="Check DATABASE_URL, that PostgreSQL runs there, and that the "
        "database was made (createdb).",
    )


async def hear(engine: Engine, ring: Callable[[], None], again: timedelta) -> NoReturn:
    """Ring whenever a process made something due, until cancelled.

    A lost connection is made again after `again`, and rings: what was told
    meanwhile is lost.
    """
    while True:
        try:
            await _hear_until_lost(engine, ring)
        except _driver().Error as error:
            log.warning("not told of what is due", why=type(error).__name__)
        await asyncio.sleep(again.total_seconds())


async def _hear_until_lost(engine: Engine, ring: Callable[[], None]) -> None:
    _, named = engine.dialect.create_connect_args(engine.url)
    settings = {**named, **_connect_args(engine.url, READING)}
    connecting = _driver().AsyncConnection.connect(**settings, autocommit=True)
    async with await connecting as connection:
        await connection.execute(f"listen {CHANNEL}")
        ring()
        async for _ in connection.notifies():
            ring()


@contextmanager
def only_migrator(engine: Engine) -> Iterator[None]:
    """Hold the right to migrate; waits for another migrator, as long as it takes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("set lock_timeout = 0")
        connection.exec_driver_sql(f"select pg_advisory_lock({MIGRATE_LOCK})")
        try:
            yield
        finally:
            # The lock and the setting are the session's: neither goes to another.
            connection.invalidate()


def _engine(url: URL, size: int, settings: str, **options: Any) -> Engine:
    engine = create_engine(
        url,
        connect_args=_connect_args(url, settings),
        pool_size=size,
        pool_pre_ping=True,
        hide_parameters=True,
        **options,
    )
    event.listen(engine, "connect", _take_any_text)
    return engine


def _connect_args(url: URL, settings: str) -> dict[str, Any]:
    """Return our settings of a connection, where the URL does not say otherwise."""
    patience = {name: n for name, n in PATIENCE.items() if name not in url.query}
    options = f"{settings} {url.query.get('options', '')}".strip()
    # A statement that was prepared before a migration would fail after it.
    return {**patience, "options": options, "prepare_threshold": None}


def _wait_for_turn(connection: Any) -> None:
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({WRITE_LOCK})")


def _take_any_text(connection: Any, _record: Any) -> None:
    """Let no text be refused: PostgreSQL keeps none with a NUL, which others send."""
    from psycopg.types.string import StrDumper

    class WholeText(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, WholeText)


def _driver() -> Any:
    """Return psycopg, which only this database needs installed."""
    import psycopg

    return psycopg
