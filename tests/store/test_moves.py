"""A status changes in one place, along the declared moves, with its event."""

from itertools import product

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from bot.core.words import (
    ORIGINS,
    BrokenSeal,
    GrantStatus,
    RequestStatus,
    StaleState,
    Status,
)
from bot.store import claims, evidence
from bot.store.database import Database
from bot.store.moves import Row, advance, create, move, redraw
from bot.store.tables import AccessGrant, AccessRequest, Notice
from tests.hand import let_leases_run_out
from tests.store.rows import (
    HOUR,
    NOW,
    approve,
    ask,
    events,
    grant,
    grant_row,
    notice,
    request_row,
)

EVERY: list[Status] = [*RequestStatus, *GrantStatus]
PAIRS = [*product(RequestStatus, EVERY), *product(GrantStatus, EVERY)]
DECLARED = [(start, to) for start, to in PAIRS if start in ORIGINS[to]]
FORBIDDEN = [(start, to) for start, to in PAIRS if start not in ORIGINS[to]]

WAY: dict[Status, list[Status]] = {
    RequestStatus.PENDING: [],
    RequestStatus.APPROVED: [RequestStatus.APPROVED],
    RequestStatus.DENIED: [RequestStatus.DENIED],
    RequestStatus.CANCELLED: [RequestStatus.CANCELLED],
    RequestStatus.LAPSED: [RequestStatus.LAPSED],
    GrantStatus.GRANTING: [],
    GrantStatus.ACTIVE: [GrantStatus.ACTIVE],
    GrantStatus.REVOKING: [GrantStatus.REVOKING],
    GrantStatus.REVOKED: [GrantStatus.REVOKING, GrantStatus.REVOKED],
    GrantStatus.FAILED: [GrantStatus.FAILED],
}
"""How each status is reached from the first of its machine."""


def _row_in(session: Session, status: Status) -> Row:
    row = grant(session) if isinstance(status, GrantStatus) else ask(session)
    for step in WAY[status]:
        move(session, row, step, by="bot", now=NOW)
    return row


def _stored(session: Session, row: Row) -> Row:
    if isinstance(row, AccessGrant):
        return session.get_one(AccessGrant, row.id)
    return session.get_one(AccessRequest, row.id)


def _kinds(session: Session) -> list[str]:
    return [event.kind for event in events(session)]


@pytest.mark.parametrize(("start", "to"), DECLARED)
def test_a_declared_move_is_made_with_exactly_one_event(
    database: Database, start: Status, to: Status
) -> None:
    row = database.transact(_row_in, start)
    before = database.look(_kinds)
    event = database.transact(move, row, to, by="okta:00u-bob", now=NOW)
    stored = database.look(_stored, row)
    assert (row.status, stored.status) == (to, to)
    assert database.look(_kinds) == [*before, event.kind]
    assert event.kind.endswith(f" {to}")
    assert event.actor == "okta:00u-bob"


@pytest.mark.parametrize(("start", "to"), FORBIDDEN)
def test_a_move_that_is_not_declared_is_refused_and_writes_nothing(
    database: Database, start: Status, to: Status
) -> None:
    row = database.transact(_row_in, start)
    before = database.look(_kinds)
    with pytest.raises(StaleState):
        database.transact(move, row, to, by="bot", now=NOW)
    assert database.look(_stored, row).status == start
    assert database.look(_kinds) == before


@pytest.mark.parametrize("status", [s for s in RequestStatus if None not in ORIGINS[s]])
def test_nothing_is_born_decided(database: Database, status: RequestStatus) -> None:
    with pytest.raises(StaleState, match="born"):
        database.transact(create, request_row(status=status), by="x", now=NOW)
    assert database.look(events) == []


def test_what_is_created_has_its_first_event(database: Database) -> None:
    request = database.transact(ask)
    [event] = database.look(events)
    assert (request.version, event.kind) == (1, "request pending")
    assert (event.request_id, event.grant_id) == (request.id, None)
    assert (event.person_id, event.group_id) == ("00u-ann", "00g-r1")


def test_two_clicks_have_one_winner(database: Database) -> None:
    first = database.transact(ask)
    second = database.look(lambda session: session.get_one(AccessRequest, "r1"))
    database.transact(approve, first)
    with pytest.raises(StaleState, match="has moved on"):
        database.transact(move, second, RequestStatus.DENIED, by="x", now=NOW)
    assert database.look(_stored, first).status is RequestStatus.APPROVED
    assert database.look(_kinds) == ["request pending", "request approved"]


def test_a_row_that_advanced_meanwhile_is_not_moved(database: Database) -> None:
    late = database.transact(ask)
    fresh = database.look(lambda session: session.get_one(AccessRequest, "r1"))
    database.transact(advance, fresh, "routed", by="bot", now=NOW, step=1)
    with pytest.raises(StaleState):
        database.transact(move, late, RequestStatus.LAPSED, by="bot", now=NOW)


def test_a_worker_paused_past_its_lease_writes_nothing(database: Database) -> None:
    def claim(session: Session, owner: str) -> AccessGrant:
        [row] = claims.claim(
            session, AccessGrant, owner=owner, now=NOW, lease=HOUR, most=1
        )
        return row

    database.transact(grant)
    paused = database.transact(claim, "one")
    let_leases_run_out(database)
    database.transact(claim, "two")
    before = database.look(_kinds)
    with pytest.raises(StaleState):
        database.transact(
            move, paused, GrantStatus.ACTIVE, by="bot", now=NOW, fence=paused.fence
        )
    with pytest.raises(StaleState):
        database.transact(
            advance, paused, "intended", by="bot", now=NOW, fence=paused.fence
        )
    assert database.look(_kinds) == before


def test_what_is_rolled_back_leaves_neither_row_nor_event(database: Database) -> None:
    def approve_and_fail(session: Session) -> None:
        approve(session, session.get_one(AccessRequest, "r1"))
        raise LookupError("after the move")

    request = database.transact(ask)
    with pytest.raises(LookupError):
        database.transact(approve_and_fail)
    assert database.look(_stored, request).status is RequestStatus.PENDING
    assert database.look(_kinds) == ["request pending"]


def test_a_picture_of_what_was_rolled_back_can_write_nothing(
    database: Database,
) -> None:
    def approve_and_fail(session: Session, picture: AccessRequest) -> None:
        approve(session, picture)
        raise LookupError("after the move")

    picture = database.transact(ask)
    with pytest.raises(LookupError):
        database.transact(approve_and_fail, picture)
    with pytest.raises(StaleState):
        database.transact(advance, picture, "routed", by="bot", now=NOW, step=1)


def test_a_row_shows_what_was_written(database: Database) -> None:
    def decide(session: Session, row: AccessRequest) -> None:
        move(
            session, row, RequestStatus.DENIED, by="x", now=NOW, reason="no", due_at=NOW
        )
        assert (row.status, row.reason, row.version) == ("denied", "no", 2)
        assert not session.dirty

    detached = database.transact(ask)
    database.transact(decide, detached)
    assert detached.due_at == NOW
    database.transact(ask, "r2")
    database.transact(lambda s: decide(s, s.get_one(AccessRequest, "r2")))


def test_an_advance_keeps_the_status_and_raises_the_version(
    database: Database,
) -> None:
    request = database.transact(ask)
    event = database.transact(advance, request, "routed", by="bot", now=NOW, step=1)
    stored = database.look(_stored, request)
    assert (stored.status, stored.version) == (RequestStatus.PENDING, 2)
    assert event.kind == "request routed"


def test_an_advance_changes_no_status(database: Database) -> None:
    request = database.transact(ask)
    approved = RequestStatus.APPROVED
    with pytest.raises(ValueError, match="written by move"):
        database.transact(advance, request, "routed", by="x", now=NOW, status=approved)
    assert database.look(_stored, request).status is RequestStatus.PENDING


def test_a_move_goes_where_it_says(database: Database) -> None:
    request = database.transact(ask)
    approved = RequestStatus.APPROVED
    database.transact(
        move, request, RequestStatus.DENIED, by="x", now=NOW, status=approved
    )
    assert database.look(_stored, request).status is RequestStatus.DENIED


def test_one_request_of_a_pair_is_pending(database: Database) -> None:
    database.transact(ask)
    with pytest.raises(IntegrityError):
        database.transact(ask, "r2", group_id="00g-r1")
    assert len(database.look(events)) == 1


def test_a_decided_request_lets_the_next_one_in(database: Database) -> None:
    request = database.transact(ask)
    database.transact(move, request, RequestStatus.DENIED, by="x", now=NOW)
    database.transact(ask, "r2", group_id="00g-r1")


@pytest.mark.parametrize("status", EVERY[5:])
def test_one_grant_of_a_pair_lives(database: Database, status: Status) -> None:
    def grant_again(session: Session) -> None:
        request = ask(session, "r2", group_id="00g-r-g1")
        row = grant_row(request, approve(session, request), "g2")
        create(session, row, by="bot", now=NOW)

    database.transact(_row_in, status)
    if status in {GrantStatus.REVOKED, GrantStatus.FAILED}:
        database.transact(grant_again)
    else:
        with pytest.raises(IntegrityError):
            database.transact(grant_again)


def test_a_move_makes_the_living_pictures_of_its_row_due(database: Database) -> None:
    def draw(session: Session) -> None:
        for key, kind in (("card", "card"), ("sent", "sent"), ("said", "denied")):
            notice(session, key, kind=kind, request_id="r1", due_at=None)
        notice(session, "dropped", request_id="r1", due_at=None, dropped="gone")
        notice(session, "other", request_id="r2", due_at=None)

    def due(session: Session) -> dict[str, int]:
        rows = claims.claim(session, Notice, owner="x", now=NOW, lease=HOUR, most=10)
        return {row.key: row.wanted_version for row in rows}

    request = database.transact(ask)
    database.transact(ask, "r2")
    database.transact(draw)
    database.transact(move, request, RequestStatus.CANCELLED, by="x", now=NOW)
    assert database.transact(due) == {"card": 2, "sent": 2}


def test_a_grants_pictures_are_its_own(database: Database) -> None:
    def draw(session: Session) -> None:
        notice(session, "of grant", kind="granted", grant_id="g1", due_at=None)
        notice(session, "of request", request_id="r-g1", due_at=None)

    row = database.transact(grant)
    database.transact(draw)
    database.transact(redraw, row, NOW)
    assert database.look(claims.next_due, [(Notice, ())], NOW) == [NOW]


def test_new_terms_are_sealed_again(database: Database) -> None:
    row = database.transact(grant)
    before = row.seal
    database.transact(
        advance,
        row,
        "intended",
        by="bot",
        now=NOW,
        was_member=False,
        expires_at=NOW + 2 * HOUR,
    )
    assert row.seal != before
    stored = database.look(_stored, row)
    assert isinstance(stored, AccessGrant)
    assert database.look(evidence.is_sealed, stored)


def test_a_write_that_changes_no_term_keeps_the_seal(database: Database) -> None:
    row = database.transact(grant)
    before = row.seal
    database.transact(move, row, GrantStatus.ACTIVE, by="bot", now=NOW, active_at=NOW)
    assert row.seal == before


def test_the_hand_of_another_is_not_sealed_as_ours(database: Database) -> None:
    def meddle(session: Session) -> AccessGrant:
        row = session.get_one(AccessGrant, "g1")
        row.expires_at = NOW + 1000 * HOUR
        return row

    database.transact(grant)
    row = database.transact(meddle)
    before = database.look(_kinds)
    with pytest.raises(BrokenSeal):
        database.transact(advance, row, "intended", by="bot", now=NOW, was_member=False)
    assert database.look(_kinds) == before


def test_a_stale_row_is_stale_before_its_seal_is_broken(database: Database) -> None:
    late = database.transact(grant)
    fresh = database.look(lambda session: session.get_one(AccessGrant, "g1"))
    database.transact(advance, fresh, "intended", by="bot", now=NOW, was_member=False)
    with pytest.raises(StaleState):
        database.transact(advance, late, "intended", by="bot", now=NOW, was_member=True)
