"""The head of the audit, published outside the database."""

from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import select

from bot.app.anchoring import (
    ROLLED_BACK,
    is_rolled_back,
    publish_head,
    stop_giving,
)
from bot.settings import Settings
from bot.store import audit
from bot.store.database import Database
from bot.store.tables import Notice
from bot.workflow.freezing import frozen
from tests.hand import by_hand

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_head_that_could_not_be_written_counts_as_published_only_once_it_is(
    database: Database, tmp_path: Path
) -> None:
    database.transact(audit.record, "frozen", by="cli", now=NOW)
    path = tmp_path / "head"
    settings = Settings(audit_anchor=path)
    beside = tmp_path / "head.new"  # where it is written first
    beside.mkdir()
    assert publish_head(settings, database) is None
    beside.rmdir()
    head = publish_head(settings, database)
    assert head is not None
    assert path.exists()
    path.unlink()
    assert publish_head(settings, database, head) == head
    assert not path.exists(), "what is published is not written again"


def test_a_head_that_is_gone_from_the_database_is_noticed_while_the_bot_runs(
    database: Database, tmp_path: Path
) -> None:
    settings = Settings(audit_anchor=tmp_path / "head")
    database.transact(audit.record, "frozen", by="cli", now=NOW)
    older = publish_head(settings, database)
    database.transact(audit.record, "unfrozen", by="cli", now=NOW)
    newest = publish_head(settings, database)
    assert not is_rolled_back(settings, database, newest)
    by_hand(database, "delete from event where seq = 2")
    assert is_rolled_back(settings, database, None), "the file tells"
    assert is_rolled_back(Settings(), database, newest), "who published it knows"
    assert not is_rolled_back(Settings(), database, older)


def test_nothing_is_given_on_a_database_that_went_back(database: Database) -> None:
    for _ in range(2):
        database.transact(stop_giving, ["corp"], NOW)
    assert len(database.look(frozen)) == 1
    notices = database.look(lambda s: s.exec(select(Notice)).all())
    assert [n.facts["text"] for n in notices] == [ROLLED_BACK]
