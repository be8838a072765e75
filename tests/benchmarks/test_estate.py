"""What the benchmarks hold, that the bot believes it."""

from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session, func, select

from benchmarks.rig.company import CHAIN, opened
from benchmarks.rig.estate import Held, fill, hold
from bot.store import evidence, queries
from bot.store.database import Database
from bot.store.migrations import migrate
from bot.store.tables import AccessGrant
from bot.store.verification import Finding, verify

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_what_is_held_is_sealed_and_told_as_the_bot_would_have(tmp_path: Path) -> None:
    database = _held(tmp_path)
    try:
        assert database.look(_beliefs) == [(True, ("00uann", "00gdb"))]
        assert database.look(_findings) == []
    finally:
        database.close()


def test_the_filler_only_adds_to_the_tables(tmp_path: Path) -> None:
    database = _held(tmp_path)
    try:
        fill(database, 9)
        assert database.look(_count) == 10
    finally:
        database.close()


def _held(folder: Path) -> Database:
    path = folder / "access-bot.db"
    migrate(f"sqlite:///{path}", CHAIN)
    database = opened(path)
    hold(database, "corp-okta", [Held("00uann", "00gdb", NOW, NOW)])
    return database


def _beliefs(session: Session) -> list[tuple[bool, tuple[str, str] | None]]:
    return [
        (evidence.is_sealed(session, grant), evidence.added_pair(session, grant))
        for grant in queries.live_grants(session, "corp-okta")
    ]


def _findings(session: Session) -> list[Finding]:
    return list(verify(session))


def _count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(AccessGrant)).one()
