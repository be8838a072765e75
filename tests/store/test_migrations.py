"""From no database to this version's, forward only."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.core.words import SettingError
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import Migrated, migrate, require_current


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new.db"


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def _indexes(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(
            connection.execute(
                "select name, sql from sqlite_master where type = 'index' and sql <> ''"
            )
        )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_migrations_make_exactly_the_indexes(
    migrated_file: Path, path: Path
) -> None:
    database = open_database(_url(path), create=True)
    SQLModel.metadata.create_all(database.engine)
    database.close()
    assert _indexes(migrated_file) == _indexes(path)
    assert "WHERE status = 'pending'" in _indexes(path)["one_pending_request"]
    assert "WHERE status in ('granting'" in _indexes(path)["one_live_grant"]


def test_a_new_database_is_its_owners_alone(path: Path, chain: Chain) -> None:
    assert migrate(_url(path), chain) == Migrated(None, "0001", None)
    assert _mode(path) == 0o600


def test_a_current_database_is_left_alone(path: Path, chain: Chain) -> None:
    migrate(_url(path), chain)
    assert migrate(_url(path), chain) == Migrated("0001", "0001", None)
    assert not list(path.parent.glob("*.before-*"))


def test_a_current_database_is_accepted(database: Database) -> None:
    require_current(database)


def test_a_file_without_tables_says_to_migrate(path: Path) -> None:
    path.touch(mode=0o600)
    database = open_database(_url(path))
    with pytest.raises(SettingError, match="First start: access-bot migrate"):
        require_current(database)
    database.close()
