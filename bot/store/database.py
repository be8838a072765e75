"""One database, its writer and its readers.

A transaction is a plain function `f(session, ...)`, run whole by `run` and
therefore unable to await: it cannot span the network. SQLite has one writer
thread, since its busy handler is not fair to several (p99 20 ms against
234 ms), and commits are on disk before they count (`synchronous=FULL`).
"""

import asyncio
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import DateTime, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from bot.core.words import SettingError

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant. SQLite keeps no time zone, so UTC is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without its zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value


class Database:
    """Where the rows live. Open it with `open_database`."""

    def __init__(self, engine: Engine, path: Path | None, **info: object) -> None:
        self.engine = engine
        self.info = info
        self.path = path
        self._readers_engine = _reading(engine, path)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    def transact(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)`, committed; or raise, with nothing written."""
        with self._session(self.engine) as session, session.begin():
            return f(session, *args, **kwargs)

    async def run(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)` from the writer thread, committed."""
        work = partial(self.transact, f, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    def look(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)` of one consistent picture; it cannot write."""
        with self._session(self._readers_engine) as session:
            return f(session, *args, **kwargs)

    async def read(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)` from a reader thread; it cannot write."""
        work = partial(self.look, f, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def close(self) -> None:
        """Finish what is being written and let go of every connection."""
        self._writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()
        self._readers_engine.dispose()

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False, info=dict(self.info))


def open_database(url: str, *, create: bool = False, **info: object) -> Database:
    """Return the database at `url`, which must exist unless `create`.

    Every session carries `info`; `chain=` there is what the audit is keyed with.
    Raises SettingError when it is not there, not a database, or not ours.
    """
    engine, path = _engine(url)
    if path is not None:
        _check_file(path, create=create)
    database = Database(engine, path, **info)
    try:
        engine.connect().close()
    except DatabaseError as error:
        database.close()
        raise SettingError(
            f"The database {path or engine.url.host} cannot be opened.",
            "Check DATABASE_URL, and that this user may write there.",
        ) from error
    return database


@contextmanager
def only_runner(database: Database) -> Iterator[None]:
    """Hold the right to run on this SQLite file; SettingError if another does.

    The lock is on a file beside the database, never on the database itself,
    where SQLite's own locks would be let go with it.
    """
    if database.path is None:
        yield
        return
    lock = Path(f"{database.path.resolve()}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SettingError(
            f"Another `access-bot run` already uses {database.path}.",
            "Stop it first; several processes need PostgreSQL.",
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def _engine(url: str) -> tuple[Engine, Path | None]:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Its text repeats the URL, which may hold a password.
        raise SettingError(
            "DATABASE_URL is not a database URL.",
            "Write it as sqlite:///access-bot.db.",
        ) from None
    if parsed.get_backend_name() != "sqlite":
        raise SettingError(
            f"DATABASE_URL names {parsed.get_backend_name()}, "
            "which this version does not run on.",
            "Write it as sqlite:///access-bot.db.",
        )
    if parsed.database in {None, "", ":memory:"}:
        raise SettingError(
            "DATABASE_URL names no file.", "Write it as sqlite:///access-bot.db."
        )
    engine = create_engine(parsed, connect_args={"timeout": 5})
    _set_pragmas(engine, "IMMEDIATE")
    return engine, Path(str(parsed.database))


def _reading(engine: Engine, path: Path | None) -> Engine:
    readers = create_engine(engine.url, pool_size=READERS)
    if path is not None:
        _set_pragmas(readers, "DEFERRED", "query_only=ON")
    return readers


def _set_pragmas(engine: Engine, begin: str, *more: str) -> None:
    """Make SQLite durable and strict, and let a transaction say how it begins."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            *more,
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")


def _check_file(path: Path, *, create: bool) -> None:
    """See that the file is there and ours alone; make it so when `create`."""
    if create:
        _create_file(path)
    if not path.is_file():
        raise SettingError(
            f"There is no database at {path}.", "First start: access-bot migrate."
        )
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingError(
            f"The database {path} can be read by others on this machine.",
            f"Run: chmod 600 {path}",
        )


def _create_file(path: Path) -> None:
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise SettingError(
            f"The database {path} cannot be created: {error.strerror}.",
            "Check DATABASE_URL, and that this user may write there.",
        ) from error
