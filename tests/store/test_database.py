"""One writer, many readers, nothing lost and nothing half written."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import anyio
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlmodel import Session, text

from bot.core.words import SettingError
from bot.store.database import Database, only_runner, open_database
from bot.store.tables import Answer, Upkeep
from tests.conftest import sqlite_alone
from tests.store.rows import NOW

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.fixture
def lock_held_elsewhere(database: Database) -> Iterator[None]:
    """Another process runs on the database until the test is over."""
    program = (
        "import sys; from bot.store.database import only_runner, open_database\n"
        "with only_runner(open_database(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, f"sqlite:///{database.path}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate()


def _remember(session: Session, name: str = "job", at: datetime = NOW) -> None:
    session.add(Upkeep(name=name, at=at))


def _remembered(session: Session, name: str = "job") -> datetime | None:
    row = session.get(Upkeep, name)
    return row.at if row else None


def _remember_and_fail(session: Session) -> None:
    _remember(session)
    session.flush()
    raise LookupError("after the write")


def _pragma(session: Session, name: str) -> object:
    return session.execute(text(f"PRAGMA {name}")).scalar_one()


@pytest.mark.anyio
async def test_what_ran_is_committed_and_can_be_read(database: Database) -> None:
    await database.run(_remember)
    assert await database.read(_remembered) == NOW


@pytest.mark.anyio
async def test_what_raised_has_written_nothing(database: Database) -> None:
    with pytest.raises(LookupError):
        await database.run(_remember_and_fail)
    assert await database.read(_remembered) is None


@pytest.mark.anyio
async def test_a_reader_cannot_write(database: Database) -> None:
    def write(session: Session) -> None:
        _remember(session)
        session.flush()

    with pytest.raises(DBAPIError, match=r"read-?only"):
        await database.read(write)


@sqlite_alone
@pytest.mark.anyio
async def test_one_thread_does_all_the_writing(database: Database) -> None:
    busy: list[str] = []
    seen: list[tuple[int, str]] = []

    def write(_session: Session) -> None:
        busy.append("writing")
        seen.append((len(busy), threading.current_thread().name))
        busy.pop()

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(database.run, write)
    assert {count for count, _ in seen} == {1}
    assert len({thread for _, thread in seen}) == 1


def test_a_reader_sees_one_picture_throughout(database: Database) -> None:
    def look_twice(session: Session) -> tuple[object, object]:
        before = _remembered(session)
        database.transact(_remember)
        session.expire_all()
        return before, _remembered(session)

    assert database.look(look_twice) == (None, None)


@sqlite_alone
@pytest.mark.parametrize(("pragma", "value"), PRAGMAS.items())
def test_writers_and_readers_are_durable_and_strict(
    database: Database, pragma: str, value: object
) -> None:
    assert database.transact(_pragma, pragma) == value
    assert database.look(_pragma, pragma) == value


def test_a_row_that_names_no_row_is_refused(database: Database) -> None:
    def answer_nothing(session: Session) -> None:
        session.add(
            Answer(request_id="none", person_id="00u", step=1, approves=True, at=NOW)
        )

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        database.transact(answer_nothing)


def test_an_instant_in_any_zone_comes_back_as_the_same_in_utc(
    database: Database,
) -> None:
    paris = timezone(timedelta(hours=2))
    database.transact(_remember, at=datetime(2026, 7, 1, 14, tzinfo=paris))
    at = database.look(_remembered)
    assert at == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert at is not None
    assert at.tzinfo is UTC


def test_a_time_without_its_zone_is_refused(database: Database) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without its zone"):
        database.transact(_remember, at=naive)


def test_a_database_that_is_not_there_says_to_migrate(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="First start: access-bot migrate"):
        open_database(f"sqlite:///{tmp_path}/none.db")
    assert not list(tmp_path.iterdir())


@sqlite_alone
def test_a_database_that_others_can_read_is_refused(database: Database) -> None:
    assert database.path is not None
    database.path.chmod(0o640)
    with pytest.raises(SettingError, match="chmod 600"):
        open_database(f"sqlite:///{database.path}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.touch(mode=0o600)
    path.write_text("not a database, though long enough to be read as one" * 20)
    with pytest.raises(SettingError, match="cannot be opened"):
        open_database(f"sqlite:///{path}")


def test_a_place_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be created: No such file"):
        open_database(f"sqlite:///{tmp_path}/no/such.db", create=True)


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://bot:s3cret@127.0.0.1/access",
        "sqlite://bot:s3cret@host:port/x",
    ],
)
def test_a_url_it_cannot_use_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(SettingError) as refused:
        open_database(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.remedy.startswith("Write it as sqlite:///access-bot.db")


@sqlite_alone
def test_what_sqlite_keeps_beside_the_file_is_its_owners_alone(
    database: Database,
) -> None:
    database.transact(_remember)
    with only_runner(database):
        assert database.path is not None
        beside = sorted(database.path.parent.iterdir())
    assert [path.name.removeprefix("access-bot.db") for path in beside] == [
        "",
        "-shm",
        "-wal",
        ".lock",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in beside} == {0o600}


@sqlite_alone
@pytest.mark.usefixtures("lock_held_elsewhere")
def test_a_second_runner_is_refused(database: Database) -> None:
    with (
        pytest.raises(SettingError, match="Another `access-bot run` already uses"),
        only_runner(database),
    ):
        pass


@sqlite_alone
@pytest.mark.usefixtures("lock_held_elsewhere")
def test_other_commands_write_beside_the_runner(database: Database) -> None:
    database.transact(_remember)
    assert database.look(_remembered) == NOW


@sqlite_alone
@pytest.mark.usefixtures("lock_held_elsewhere")
def test_a_second_name_of_the_file_does_not_let_a_second_runner_in(
    database: Database, tmp_path: Path
) -> None:
    assert database.path is not None
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "other.db"
    link.symlink_to(database.path)
    other = open_database(f"sqlite:///{link}")
    with pytest.raises(SettingError, match="Another"), only_runner(other):
        pass
    other.close()


def test_the_right_to_run_is_given_back(database: Database) -> None:
    for _ in range(2):
        with only_runner(database):
            pass


def test_a_closed_database_holds_no_file_open(
    migrated_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "closing.db"
    path.write_bytes(migrated_file.read_bytes())
    path.chmod(0o600)
    closing = open_database(f"sqlite:///{path}")
    closing.transact(_remember)
    assert closing.look(_remembered) == NOW
    closing.close()
    held = [os.fspath(fd.resolve()) for fd in Path("/proc/self/fd").iterdir()]
    assert not [name for name in held if "closing.db" in name]
