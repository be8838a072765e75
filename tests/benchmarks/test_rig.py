"""What the benchmarks stand on: that they measure what they say."""

from pathlib import Path

import pytest
from sqlmodel import Session, select

from benchmarks import approve_click
from benchmarks.rig import company
from benchmarks.rig.load import Round
from bot.core.words import RequestStatus
from bot.store.database import Database
from bot.store.tables import AccessRequest
from bot.workflow.requests import Reply, answer
from tests.slack.org import Org


def test_the_peer_commits_as_many_rows_as_an_approval_does(tmp_path: Path) -> None:
    waiting = company.found(tmp_path, 1)
    database = company.opened(waiting.path)
    try:
        written = database.transact(_approve, database, waiting.waiting[0])
        status = database.look(lambda s: s.exec(select(AccessRequest.status)).one())
    finally:
        database.close()
    assert status is RequestStatus.APPROVED
    assert written == approve_click.ROWS


def test_a_round_has_a_middle_and_a_rate() -> None:
    measured = Round(each=[0.001, 0.003, 0.002], together=0.5)
    assert measured.p50 == pytest.approx(2)
    assert measured.per_second == pytest.approx(6)


def _approve(session: Session, database: Database, request_id: str) -> int:
    """Let Olga approve; return how many rows that wrote."""
    here = company.office(database, Org(is_down=True))
    olga = Reply(
        request_id=request_id, person_id="00uolga", approves=True, step_shown=1
    )
    connection = session.connection().connection.dbapi_connection
    assert connection is not None
    before = connection.total_changes
    answer(session, here, olga, here.clock())
    session.flush()
    return int(connection.total_changes - before)
