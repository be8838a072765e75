"""A row that cannot be read keeps nothing else from being done."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.store import claims
from bot.store.database import Database
from bot.store.tables import Notice
from tests.conftest import sqlite_alone
from tests.hand import by_hand
from tests.store.rows import NOW, notice

LEASE = timedelta(seconds=30)


def _claim(session: Session, most: int = 10) -> list[str]:
    rows = claims.claim(session, Notice, owner="one", now=NOW, lease=LEASE, most=most)
    return [row.key for row in rows]


@sqlite_alone
@pytest.mark.parametrize("column", ["facts", "made_at", "due_at"])
@pytest.mark.parametrize("most", [1, 10])
def test_the_others_are_claimed(database: Database, column: str, most: int) -> None:
    for key in ("bad", "good"):
        database.transact(notice, key)
    by_hand(database, f"update notice set {column} = '' where key = 'bad'")  # noqa: S608
    claimed = [database.transact(_claim, most) for _ in range(3)]
    assert ["good"] in claimed
    assert [key for keys in claimed for key in keys] == ["good"]
