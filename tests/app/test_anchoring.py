"""The head of the audit, published outside the database."""

from datetime import UTC, datetime
from pathlib import Path

from bot.app.anchoring import publish_head
from bot.settings import Settings
from bot.store import audit
from bot.store.database import Database

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
