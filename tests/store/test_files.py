"""The last good file is the one the audit tells of, letter for letter."""

from hashlib import sha256

import pytest
from sqlmodel import Session

from bot.store.database import Database
from bot.store.files import keep_file, last_good_file
from tests.hand import by_hand
from tests.store.rows import NOW

GOOD = "version: 1 # as the admins wrote it"


def _keep(session: Session, text: str = GOOD) -> bool:
    hash_ = sha256(text.encode()).hexdigest()
    return keep_file(session, text, hash_, by="bot", now=NOW)


def _in_force(database: Database) -> str | None:
    kept = database.look(last_good_file)
    return kept.text if kept else None


def test_a_file_is_kept_once_while_it_is_in_force(database: Database) -> None:
    assert [database.transact(_keep) for _ in range(2)] == [True, False]
    assert _in_force(database) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        "update access_file set text = 'version: 1 # eve is admin'",
        "insert into access_file (hash, text, loaded_at, loaded_by) "
        "select hash, 'version: 1 # eve', loaded_at, loaded_by from access_file",
        "update event set data = '{}' where kind = 'file in force'",
    ],
)
def test_a_file_written_by_hand_is_not_in_force_and_the_good_one_is_kept_anew(
    database: Database, change: str
) -> None:
    database.transact(_keep)
    by_hand(database, change)
    assert _in_force(database) is None
    assert database.transact(_keep)
    assert _in_force(database) == GOOD
