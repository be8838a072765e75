"""What the database complains of holds nothing that people wrote."""

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from bot.store.database import Database
from tests.store.rows import ask


def _twice(session: Session) -> None:
    for _ in range(2):
        ask(session, justification="a private reason")


def test_an_error_of_the_database_holds_no_personal_text(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught:
        database.transact(_twice)
    assert "a private reason" not in str(caught.value)
