"""SQLite: one file, one process that runs on it, one thread that writes.

Its busy handler is not fair to several writers (p99 20 ms against 234 ms), and
commits are on disk before they count (`synchronous=FULL`).
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from bot.core.words import SettingError
from bot.store.engines import Engines

READERS = 4

FIRST_START = (
    "First start: access-bot migrate. Else check DATABASE_URL, and the folder that "
    "you are in."
)


def sqlite_engines(url: URL, *, create: bool) -> Engines:
    """Return the engines of the file that `url` names, which must exist or `create`.

    Raises SettingError when it names none, or others may read it.
    """
    if url.database in {None, "", ":memory:"}:
        raise SettingError(
            "DATABASE_URL names no file.", "Write it as sqlite:///access-bot.db."
        )
    path = Path(str(url.database))
    _check_file(path, create=create)
    writing = create_engine(url, connect_args={"timeout": 5}, hide_parameters=True)
    _set_pragmas(writing, "IMMEDIATE")
    reading = create_engine(url, pool_size=READERS, hide_parameters=True)
    _set_pragmas(reading, "DEFERRED", "query_only=ON")
    return Engines(
        writing=writing,
        reading=reading,
        writers=1,
        readers=READERS,
        name=str(path),
        remedy="Check DATABASE_URL, and that this user may write there.",
        path=path,
    )


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the right to run on the SQLite file `path`; SettingError if another does.

    The lock is on a file beside the database, never on the database itself,
    where SQLite's own locks would be let go with it.
    """
    descriptor = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SettingError(
            f"Another `access-bot run` already uses {path}.",
            "Stop it first; several processes need PostgreSQL.",
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def is_run_on(path: Path) -> bool:
    """Tell whether somebody holds the right to run on the SQLite file `path`."""
    try:
        descriptor = os.open(_lock_of(path), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock_of(path: Path) -> Path:
    return Path(f"{path.resolve()}.lock")


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
        raise SettingError(f"There is no database at {path}.", FIRST_START)
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
