"""From no database to this version's, forward only."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.core.words import SettingError
from bot.store import migrations
from bot.store.audit import Chain
from bot.store.database import Database, only_runner, open_database
from bot.store.migrations import Migrated, migrate, require_current
from tests.conftest import sqlite_alone
from tests.store.rows import grant

NEWEST = "0005"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new.db"


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def _value(path: Path, query: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def _indexes(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(
            connection.execute(
                "select name, sql from sqlite_master where type = 'index' and sql <> ''"
            )
        )


def _is_no_text_index(name: str | None, kind: str, _parents: object) -> bool:
    """An index of text is each database's own, which no class describes."""
    texts = ("group_name", "group_description", "groups_by_folded_beginning")
    return kind not in {"table", "index"} or not (name or "").startswith(texts)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_migrations_make_exactly_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # a slow machine compares slowly
            connection.exec_driver_sql("set idle_in_transaction_session_timeout = 0")
        opts = {"compare_type": True, "include_name": _is_no_text_index}
        context = MigrationContext.configure(connection, opts=opts)
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
    assert migrate(_url(path), chain) == Migrated(None, NEWEST, None)
    assert _mode(path) == 0o600


def test_a_current_database_is_left_alone(path: Path, chain: Chain) -> None:
    migrate(_url(path), chain)
    assert migrate(_url(path), chain) == Migrated(NEWEST, NEWEST, None)
    assert not list(path.parent.glob("*.before-*"))


def test_a_current_database_is_accepted(database: Database) -> None:
    require_current(database)


@pytest.fixture
def older(path: Path, chain: Chain) -> Path:
    """A database whose version is known, and not this program's newest."""
    migrate(_url(path), chain)
    _execute(path, "insert into upkeep values ('kept', '2026-01-05 09:00:00', '{}')")
    return path


@pytest.fixture
def next_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A revision 0006 after those of this version; it changes the shape of a table."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrations.HERE, scripts)
    (scripts / "versions" / "0006_next.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\n"
        f"revision, down_revision = '0006', '{NEWEST}'\n"
        "def upgrade() -> None:\n"
        "    with op.batch_alter_table('access_request') as table:\n"
        "        table.add_column(sa.Column('urgent', sa.Boolean()))\n"
        "        table.alter_column('step', nullable=True)\n"
    )
    monkeypatch.setattr(migrations, "HERE", scripts)


@pytest.mark.usefixtures("next_revision")
def test_an_older_database_says_to_migrate(database: Database) -> None:
    with pytest.raises(SettingError) as refused:
        require_current(database)
    assert f"is at version {NEWEST}, this program needs 0006." in refused.value.problem
    assert refused.value.remedy == "Run: access-bot migrate"


def test_an_older_database_is_brought_here_with_its_rows_and_a_copy_kept(
    older: Path, chain: Chain, request: pytest.FixtureRequest
) -> None:
    database = open_database(_url(older), chain=chain)
    database.transact(grant)
    database.close()
    request.getfixturevalue("next_revision")
    copy = older.with_name("new.db.before-0006")
    assert migrate(_url(older), chain) == Migrated(NEWEST, "0006", copy)
    assert _value(older, "select count(urgent is null) from access_request") == 1
    assert _value(copy, "select version_num from alembic_version") == NEWEST
    assert _value(copy, "select name from upkeep") == "kept"
    assert _mode(copy) == 0o600
    assert "one_pending_request" in _indexes(older)


def test_a_migration_that_would_break_a_reference_changes_nothing(
    older: Path, chain: Chain, request: pytest.FixtureRequest
) -> None:
    _execute(older, "insert into event_text values (7, 'salt', '{}')")
    request.getfixturevalue("next_revision")
    with pytest.raises(SettingError, match="name rows that are not there"):
        migrate(_url(older), chain)
    assert _value(older, "select version_num from alembic_version") == NEWEST
    assert "urgent" not in _value(
        older, "select sql from sqlite_master where name = 'access_request'"
    )


def test_the_database_of_another_program_is_left_alone(
    path: Path, chain: Chain
) -> None:
    path.touch(mode=0o600)
    _execute(path, "create table music (title)")
    with pytest.raises(SettingError, match="belongs to another program"):
        migrate(_url(path), chain)
    assert not _indexes(path)


def test_a_newer_database_is_left_alone(older: Path, chain: Chain) -> None:
    _execute(older, "update alembic_version set version_num = '0999'")
    with pytest.raises(SettingError, match="version 0999, newer than this"):
        migrate(_url(older), chain)
    database = open_database(_url(older))
    with pytest.raises(SettingError, match="newer than this"):
        require_current(database)
    database.close()


@sqlite_alone
def test_a_database_in_use_is_not_migrated(database: Database, chain: Chain) -> None:
    with (
        only_runner(database),
        pytest.raises(SettingError, match="Another `access-bot run`"),
    ):
        migrate(f"sqlite:///{database.path}", chain)


def test_a_place_that_is_not_there_is_refused(tmp_path: Path, chain: Chain) -> None:
    with pytest.raises(SettingError, match="cannot be created"):
        migrate(_url(tmp_path / "no" / "such.db"), chain)


def test_a_file_without_tables_says_to_migrate(path: Path) -> None:
    path.touch(mode=0o600)
    database = open_database(_url(path))
    with pytest.raises(SettingError, match="First start: access-bot migrate"):
        require_current(database)
    database.close()
