"""Several processes: who is alive, and whose turn a periodic job is."""

from datetime import timedelta

from sqlmodel import Session

from bot.store import replicas
from bot.store.database import Database
from bot.store.tables import Replica, Upkeep
from tests.store.rows import HOUR, NOW

SILENT = timedelta(seconds=10)
JOB = "discover corp"


def _beat(database: Database, owner: str) -> int:
    return database.transact(replicas.beat, owner, SILENT, NOW)


def _take(database: Database, owner: str, about: str = "") -> bool:
    turn = replicas.Turn(JOB, owner, about)
    return database.transact(replicas.take_turn, turn, HOUR, NOW)


def _end(database: Database, owner: str, *, done: bool) -> None:
    database.transact(replicas.end_turn, replicas.Turn(JOB, owner), done=done)


def _fall_silent(session: Session, owner: str) -> None:
    session.get_one(Replica, owner).heard_at = NOW - 24 * HOUR


def _let_it_be_due(session: Session) -> None:
    session.get_one(Upkeep, replicas.TURN.format(JOB)).at = NOW - 24 * HOUR


def test_each_that_is_heard_of_counts_once(database: Database) -> None:
    assert _beat(database, "one") == 1
    assert _beat(database, "two") == 2
    assert _beat(database, "one") == 2


def test_who_falls_silent_or_leaves_counts_no_more(database: Database) -> None:
    for owner in ("one", "two", "three"):
        _beat(database, owner)
    database.transact(_fall_silent, "two")
    assert _beat(database, "one") == 2
    database.transact(replicas.leave, "three")
    assert _beat(database, "one") == 1


def test_a_job_is_one_process_s_turn(database: Database) -> None:
    _beat(database, "one")
    assert _take(database, "one")
    assert not _take(database, "two")
    _end(database, "one", done=True)
    assert not _take(database, "two")
    assert not _take(database, "one")


def test_a_job_that_is_due_again_is_anybodys(database: Database) -> None:
    _beat(database, "one")
    _beat(database, "two")
    assert _take(database, "one")
    _end(database, "one", done=True)
    database.transact(_let_it_be_due)
    assert _take(database, "two")
    assert not _take(database, "one")


def test_a_job_that_failed_is_anybodys_at_once(database: Database) -> None:
    _beat(database, "one")
    assert _take(database, "one")
    _end(database, "one", done=False)
    assert _take(database, "two")


def test_the_turn_of_the_dead_is_anybodys_at_once(database: Database) -> None:
    _beat(database, "one")
    assert _take(database, "one")
    database.transact(_fall_silent, "one")
    _beat(database, "two")
    assert _take(database, "two")


def test_what_was_done_about_another_file_does_not_count(database: Database) -> None:
    for owner in ("one", "two"):
        _beat(database, owner)
    assert _take(database, "one", "the file before")
    _end(database, "one", done=True)
    assert _take(database, "two", "the new file")
    _end(database, "two", done=True)
    assert not _take(database, "one", "the new file")


def test_a_turn_that_was_taken_over_is_not_ended_by_who_lost_it(
    database: Database,
) -> None:
    _beat(database, "two")
    assert _take(database, "one")
    assert _take(database, "two")
    _end(database, "one", done=False)
    assert not _take(database, "three")
