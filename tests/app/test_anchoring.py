"""The head of the audit, published outside the database."""

import os
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from sqlmodel import select

from bot.app import anchoring, replicas
from bot.app.alarms import set_alarms
from bot.app.anchoring import (
    ROLLED_BACK,
    Anchor,
    is_behind,
    is_rolled_back,
    publish_head,
    read_anchor,
    stop_giving,
)
from bot.app.roles import Role
from bot.settings import Settings
from bot.store import audit
from bot.store.database import Database
from bot.store.tables import Notice
from bot.workflow.freezing import frozen
from tests.app.process import process
from tests.conftest import postgres_alone
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


@postgres_alone
@pytest.mark.anyio
async def test_each_process_knows_the_head_that_it_published_whoever_has_the_turn(
    database: Database,
) -> None:
    head = await database.run(audit.record, "frozen", by="cli", now=NOW)
    processes = [process(database, role) for role in Role]
    for parts in processes:
        await replicas.join(parts)
    for parts in processes:
        set_alarms(parts)
        parts.schedule.start()
    with anyio.fail_after(10):
        while any(parts.published is None for parts in processes):
            await anyio.sleep(0.01)
    assert {parts.published for parts in processes} == {(head.seq, head.hash)}
    for parts in processes:
        await parts.schedule.stop()


def test_processes_that_share_a_head_file_never_leave_half_of_a_head(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fsync = tmp_path / "head", os.fsync
    settings = Settings(audit_anchor=path)
    others: list[Anchor | None] = []

    def publish_meanwhile(file: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        database.transact(audit.record, "unfrozen", by="cli", now=NOW)
        others.append(publish_head(settings, database))
        fsync(file)

    database.transact(audit.record, "frozen", by="cli", now=NOW)
    monkeypatch.setattr(anchoring, "_ONE_AT_A_TIME", nullcontext())
    monkeypatch.setattr(os, "fsync", publish_meanwhile)
    ours = publish_head(settings, database)
    assert ours == read_anchor(path.read_text())
    assert others == [None], "it tries again in a minute"
    assert publish_head(settings, database) == read_anchor(path.read_text()) != ours


def test_a_head_that_was_pruned_is_no_rollback(database: Database) -> None:
    older, last = _pruned(database)
    assert not database.look(is_behind, older)
    assert not database.look(is_behind, last)
    assert database.look(is_behind, (last[0], older[1])), "of another history"
    assert database.look(is_behind, (99, last[1]))


@pytest.mark.parametrize(
    "forgery",
    [
        """update event set data = '{"through": 4, "hash": ""}' where seq = 5""",
        "update event set data = 'nothing' where seq = 5",
        "update event set seq = 9 where seq = 5",
        "delete from event where seq = 4",
        "delete from event where seq = 3",
    ],
)
def test_no_checkpoint_hides_a_rollback_unless_all_it_followed_is_there(
    database: Database, forgery: str
) -> None:
    older, _ = _pruned(database)
    by_hand(database, forgery)
    assert database.look(is_behind, older)


def _pruned(database: Database) -> tuple[Anchor, Anchor]:
    """Prune two of four events, and return what their heads were."""
    older, last, *_ = [_recorded(database) for _ in range(4)]
    told = {"through": last[0], "hash": last[1]}
    database.transact(audit.record, audit.PRUNED, by="bot", now=NOW, data=told)
    by_hand(database, f"delete from event where seq <= {last[0]}")  # noqa: S608
    return older, last


def _recorded(database: Database) -> Anchor:
    event = database.transact(audit.record, "frozen", by="cli", now=NOW)
    return event.seq, event.hash
