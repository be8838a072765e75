"""One database, its writers and its readers.

A transaction is a plain function `f(session, ...)`, run whole by `run` and
therefore unable to await: it cannot span the network. Write transactions follow
one another, on SQLite and on PostgreSQL alike; what else differs between the two
is in `bot.store.sqlite` and `bot.store.postgres`.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

from sqlalchemy import DateTime, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session

from bot.core.words import SettingError
from bot.store import postgres
from bot.store.engines import Engines
from bot.store.postgres import postgres_engines
from bot.store.sqlite import only_one, sqlite_engines

P = ParamSpec("P")
T = TypeVar("T")

FORMS = "Write it as sqlite:///access-bot.db or postgresql://USER@HOST/NAME."


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
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Database:
    """Where the rows live. Open it with `open_database`."""

    def __init__(self, engines: Engines, **info: object) -> None:
        self.engine = engines.writing
        self.name = engines.name
        self.path = engines.path
        self.info = info
        self.rehearses = False
        self.reading_engine = engines.reading
        self._writers = ThreadPoolExecutor(engines.writers, "writer")
        self._readers = ThreadPoolExecutor(engines.readers, "reader")

    @property
    def is_shared(self) -> bool:
        """Whether several processes may run on it at once."""
        return self.path is None

    def transact(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)`, committed; or raise, with nothing written."""
        with self._session(self.engine) as session, session.begin() as transaction:
            result = f(session, *args, **kwargs)
            if self.rehearses:
                transaction.rollback()
            return result

    def rehearsal(self) -> "Database":
        """Return this database as one on which nothing is ever kept.

        What a transaction wrote is taken back when it ends.
        """
        same = copy(self)
        same.rehearses = True
        return same

    async def run(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)` from a writer thread, committed."""
        work = partial(self.transact, f, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writers, work)

    def look(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)` of one consistent picture; it cannot write."""
        with self._session(self.reading_engine) as session:
            return f(session, *args, **kwargs)

    async def read(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `f(session, ...)` from a reader thread; it cannot write."""
        work = partial(self.look, f, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def close(self) -> None:
        """Finish what is being written and let go of every connection."""
        self._writers.shutdown()
        self._readers.shutdown()
        self.engine.dispose()
        self.reading_engine.dispose()

    async def hear(self, ring: Callable[[], None], again: timedelta) -> NoReturn:
        """Ring when another process made something due, until cancelled.

        Only a shared database tells; `again` is how soon a lost one is asked anew.
        """
        await postgres.hear(self.engine, ring, again)

    def _session(self, engine: Engine) -> Session:
        return Session(engine, expire_on_commit=False, info=dict(self.info))


def open_database(url: str, *, create: bool = False, **info: object) -> Database:
    """Return the database at `url`; the file of SQLite must exist unless `create`.

    Every session carries `info`; `chain=` there is what the audit is keyed with.
    Raises SettingError when it is not there, not a database, or not ours.
    """
    engines = _engines(url, create=create)
    database = Database(engines, **info)
    try:
        engines.writing.connect().close()
    except DatabaseError as error:
        database.close()
        raise SettingError(
            f"The database {engines.name} cannot be opened.", engines.remedy
        ) from error
    return database


@contextmanager
def only_runner(database: Database) -> Iterator[None]:
    """Hold the right to run on a SQLite file; SettingError if another does.

    On a shared database there is nothing to hold: rows are leased.
    """
    if database.path is None:
        yield
        return
    with only_one(database.path):
        yield


@contextmanager
def only_migrator(database: Database) -> Iterator[None]:
    """Hold the right to change the tables.

    On SQLite nobody may run meanwhile, else SettingError; on a shared database
    another migrator is waited for.
    """
    if database.path is None:
        with postgres.only_migrator(database.reading_engine):
            yield
    else:
        with only_one(database.path):
            yield


def _engines(url: str, *, create: bool) -> Engines:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Its text repeats the URL, which may hold a password.
        raise SettingError("DATABASE_URL is not a database URL.", FORMS) from None
    kind = parsed.get_backend_name()
    if kind in postgres.NAMES:
        return postgres_engines(parsed)
    if kind != "sqlite":
        raise SettingError(
            f"DATABASE_URL names {kind}, which this version does not run on.", FORMS
        )
    return sqlite_engines(parsed, create=create)
