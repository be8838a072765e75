"""From no database to this version's, forward only.

A migration is one transaction, with a copy kept of what it changes, and never
runs beside `access-bot run`. A revision is written by hand in `versions/`; a
test holds that all of them together make the tables of `bot.store.tables`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlmodel import Session

from bot.core.words import SettingError
from bot.store.audit import Chain
from bot.store.database import Database, only_migrator, open_database
from bot.store.sqlite import FIRST_START
from bot.store.tables import AccessGrant

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Migrated:
    """What a migration did.

    `before` is None where there was no database. `copy` is the file as it was,
    None where nothing was there or nothing had to change.
    """

    before: str | None
    after: str
    copy: Path | None


def migrate(url: str, chain: Chain) -> Migrated:
    """Create the database at `url`, or bring it to this version; a copy is kept.

    Afterwards `require_current` holds. Raises SettingError, with nothing
    changed, when the file is not ours, is newer, or is held by a running bot.
    """
    database = open_database(url, create=True, chain=chain)
    try:
        with only_migrator(database):
            return _to_newest(database)
    finally:
        database.close()


def require_current(database: Database) -> None:
    """Raise SettingError unless `database` is at exactly this program's version."""
    before, after = _version_of(database), _newest()
    if before is None:
        raise SettingError(
            f"The database {database.name} is empty.",
            FIRST_START,
        )
    if before != after:
        raise SettingError(
            f"The database {database.name} is at version {before}, "
            f"this program needs {after}.",
            "Run: access-bot migrate",
        )


def _to_newest(database: Database) -> Migrated:
    before, after = _version_of(database), _newest()
    if before == after:
        return Migrated(before, after, None)
    copy = _keep_copy(database, after) if before else None
    with _rebuilding(database.engine) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return Migrated(before, after, copy)


def _version_of(database: Database) -> str | None:
    """Return the revision `database` is at; None while it has no tables.

    Raises SettingError when its tables are not ours, or newer than we know.
    """
    tables, revision = database.look(_tables_and_revision)
    if not tables:
        return None
    if revision is None or AccessGrant.__tablename__ not in tables:
        raise SettingError(
            f"The database {database.name} belongs to another program.",
            "Let DATABASE_URL name one of this bot's own.",
        )
    if revision not in _known():
        raise SettingError(
            f"The database {database.name} is at version {revision}, "
            f"newer than this program's {_newest()}.",
            "Install the version that made it, or put back the copy it kept.",
        )
    return revision


def _tables_and_revision(session: Session) -> tuple[list[str], str | None]:
    connection = session.connection()
    revision = MigrationContext.configure(connection).get_current_revision()
    return inspect(connection).get_table_names(), revision


def _keep_copy(database: Database, after: str) -> Path | None:
    """Return where the file is kept as it was before `after`, for its owner alone."""
    if database.path is None:
        return None
    copy = Path(f"{database.path}.before-{after}")
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    with (
        closing(sqlite3.connect(database.path)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy


@contextmanager
def _rebuilding(engine: Engine) -> Iterator[Connection]:
    """Give a transaction in which SQLite lets a table be replaced by its new shape.

    Foreign keys are off meanwhile, since dropping the old table would count
    as breaking them, and are checked before it commits.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            # A migration may think for longer than a transaction of ours ever does.
            connection.exec_driver_sql(
                "set local idle_in_transaction_session_timeout = 0"
            )
            yield connection
        return
    with engine.connect() as connection:
        raw = connection.connection
        raw.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                _check_keys(connection)
        finally:
            raw.cursor().execute("PRAGMA foreign_keys=ON")


def _check_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise SettingError(
            f"{len(broken)} rows of the database name rows that are not there.",
            "Nothing was changed; put back a backup from before they were lost.",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _newest() -> str:
    return str(_scripts().get_current_head())
