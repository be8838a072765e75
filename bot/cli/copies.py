"""backup and restore: a consistent copy of the database, and putting one back."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.setting import begin, opened_store
from bot.core.words import SettingError
from bot.store import audit

SUFFIXES = ("", "-wal", "-shm", "-journal")
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
PG_DUMP = "Use its own program: pg_dump --format=custom --file=COPY DATABASE_URL"


def backup(
    copy: Annotated[Path, typer.Argument(help="The file to write; it must be new.")],
) -> None:
    """Write a consistent copy of the database, beside a bot that may be running."""
    with opened_store() as database:
        if database.path is None:
            raise SettingError("This database is PostgreSQL.", PG_DUMP)
        _copy(database.path, copy)
        head = database.look(audit.head)
    typer.echo(f"{copy} is a copy: no secrets, but names, and who holds what.")
    if head is not None:
        typer.echo(f"Its audit goes to about event {head.seq}, {head.hash}.")
    typer.echo("Keep access.yaml with it, and the audit key somewhere else.")


def restore(
    copy: Annotated[Path, typer.Argument(help="The copy to put back.")],
) -> None:
    """Put a copy back in the place of the database; the bot must not be running.

    The database as it was is kept beside it.
    """
    settings = begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.opening import database_path
    from bot.store.sqlite import only_one

    path = Path(database_path(settings))
    _require_copy(copy)
    if path.exists() and copy.samefile(path):
        raise SettingError(
            f"{copy} is the database itself.", "Name a file of access-bot backup."
        )
    with only_one(path):
        was_there = path.exists()
        kept = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
        # Whole before anything is moved: a full disk must not cost what is there.
        whole = path.with_name(f"{path.name}.restoring")
        _remove(whole)
        _copy_or_stop(copy, whole)
        try:
            if was_there:
                _set_aside(path, kept)
        except SettingError:
            _remove(whole)
            raise
        _remove(path)
        whole.replace(path)
    before = f"; what was there is {kept.name}" if was_there else ""
    typer.echo(f"{path} is the copy now{before}.")
    typer.echo(
        "What was given since then is in Okta and not in it. Find it before you start "
        "the bot: access-bot recover"
    )


def _set_aside(path: Path, kept: Path) -> None:
    """Keep what is there as a copy, or as it is where it is too damaged for that."""
    try:
        _copy_or_stop(path, kept)
    except sqlite3.DatabaseError:
        for suffix in SUFFIXES:
            part = Path(f"{path}{suffix}")
            if part.exists():
                part.replace(f"{kept}{suffix}")


def _copy_or_stop(source: Path, target: Path) -> None:
    """Copy a database; nothing is left of a copy that is not whole.

    Raises SettingError where it cannot be written, and sqlite3.DatabaseError where
    `source` is no database any more.
    """
    try:
        _copy(source, target)
    except sqlite3.Error as error:
        _remove(target)
        if error.sqlite_errorcode & 0xFF in DAMAGED:
            raise
        raise SettingError(
            f"{target.name} cannot be written, so nothing was changed: {error}.",
            f"Make room in {target.parent.absolute()}, and try again.",
        ) from error


def _remove(path: Path) -> None:
    """Remove a SQLite file with what stands beside it."""
    for suffix in SUFFIXES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a SQLite file as one moment of it, readable for us alone."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise SettingError(
            f"{target} cannot be written: {error.strerror}.", "Name a new file."
        ) from error
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def _require_copy(copy: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as database:
            whole = database.execute("pragma integrity_check").fetchone()
            database.execute("select 1 from event limit 1")
    except sqlite3.Error as error:
        raise SettingError(
            f"{copy} is no copy of this database.", "Name a file of access-bot backup."
        ) from error
    if whole != ("ok",):
        raise SettingError(f"{copy} is damaged.", "Name another copy.")
