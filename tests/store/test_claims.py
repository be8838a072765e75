"""Everything due is due the same way, and is held by one worker at a time."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session, col

from bot.core.words import StaleState
from bot.store import claims
from bot.store.database import Database
from bot.store.tables import AccessGrant, AccessRequest, Notice
from tests.conftest import postgres_alone, sqlite_alone
from tests.hand import by_hand, let_leases_run_out
from tests.store.rows import HOUR, NOW, ask, grant, notice

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)


def _next_due(database: Database) -> datetime | None:
    [due] = database.look(claims.next_due, [(Notice, ())], NOW)
    return due


def _claim(
    session: Session, owner: str = "one", now: timedelta = 0 * SECOND, most: int = 10
) -> list[Notice]:
    return claims.claim(
        session, Notice, owner=owner, now=NOW + now, lease=LEASE, most=most
    )


def _claim_one_of_each(session: Session, owner: str) -> int:
    held: dict[str, Any] = {"owner": owner, "now": NOW, "lease": HOUR, "most": 1}
    return (
        len(claims.claim(session, AccessRequest, **held))
        + len(claims.claim(session, AccessGrant, **held))
        + len(claims.claim(session, Notice, **held))
    )


def _put_back(database: Database, row: Notice, after: timedelta) -> None:
    database.transact(claims.put_back, row, NOW + after)


def _clock(database: Database) -> datetime:
    return database.look(claims.lease_clock, NOW)


def _stored(database: Database, row: Notice) -> Notice:
    return database.look(lambda session: session.get_one(Notice, row.id))


def test_a_claim_takes_a_lease_and_raises_the_fence(database: Database) -> None:
    database.transact(notice)
    before = _clock(database)
    [row] = database.transact(_claim)
    assert (row.lease_owner, row.fence, row.tries) == ("one", 1, 1)
    assert row.lease_until is not None
    assert before <= row.lease_until - LEASE <= _clock(database)


def test_requests_grants_and_notices_are_claimed_alike(database: Database) -> None:
    database.transact(partial(ask, due_at=NOW))
    database.transact(grant)
    database.transact(notice)
    assert database.transact(_claim_one_of_each, "one") == 3


def test_what_is_not_due_is_not_claimed(database: Database) -> None:
    database.transact(partial(notice, key="later", due_at=NOW + SECOND))
    database.transact(partial(notice, key="never", due_at=None))
    assert database.transact(_claim) == []


def test_two_claimers_share_nothing(database: Database) -> None:
    for key in "abc":
        database.transact(notice, key)
    first = database.transact(_claim, "one", most=2)
    second = database.transact(_claim, "two")
    assert (len(first), len(second)) == (2, 1)
    assert {row.key for row in [*first, *second]} == set("abc")
    assert database.transact(_claim, "three") == []


def test_an_expired_lease_is_claimed_again_with_a_higher_fence(
    database: Database,
) -> None:
    database.transact(notice)
    [held] = database.transact(_claim, "one")
    assert database.transact(_claim, "two") == []
    let_leases_run_out(database)
    [taken] = database.transact(_claim, "two")
    assert (held.fence, taken.fence) == (1, 2)
    assert taken.tries == 2


def test_the_longest_due_come_first(database: Database) -> None:
    for key, age in (("young", 1), ("oldest", 3), ("middle", 2)):
        database.transact(partial(notice, key=key, due_at=NOW - age * SECOND))
    assert [row.key for row in database.transact(_claim)] == [
        "oldest",
        "middle",
        "young",
    ]


def test_a_claim_can_be_narrowed(database: Database) -> None:
    database.transact(partial(notice, key="card", due_at=NOW - HOUR))
    database.transact(partial(notice, key="alert", kind="alert"))
    only = (col(Notice.kind) == "alert",)
    assert database.look(claims.next_due, [(Notice, only)], NOW) == [NOW]
    claimed = database.transact(
        claims.claim, Notice, owner="one", now=NOW, lease=LEASE, most=2, only=only
    )
    assert [row.key for row in claimed] == ["alert"]


def test_a_row_met_before_is_shown_as_claimed(database: Database) -> None:
    def claim_what_was_read(session: Session) -> None:
        row = notice(session)
        assert _claim(session) == [row]
        assert (row.lease_owner, row.fence) == ("one", 1)

    database.transact(claim_what_was_read)


def test_a_lease_is_renewed_while_it_is_ones_own(database: Database) -> None:
    database.transact(notice)
    [row] = database.transact(_claim)
    let_leases_run_out(database)
    before = _clock(database)
    database.transact(claims.renew, row, now=NOW, lease=LEASE)
    until = _stored(database, row).lease_until
    assert until is not None
    assert before <= until - LEASE <= _clock(database)


def test_a_lease_taken_over_is_not_renewed(database: Database) -> None:
    database.transact(notice)
    [late] = database.transact(_claim, "one")
    let_leases_run_out(database)
    database.transact(_claim, "two")
    with pytest.raises(StaleState, match="claimed by another"):
        database.transact(claims.renew, late, now=NOW + LEASE, lease=LEASE)


def test_what_is_put_back_is_free_and_due_again(database: Database) -> None:
    database.transact(notice)
    [row] = database.transact(_claim)
    _put_back(database, row, HOUR)
    assert database.transact(_claim, "two") == []
    [again] = database.transact(_claim, "two", HOUR)
    assert again.tries == 2


def test_what_was_made_due_anew_while_held_stays_due_then(database: Database) -> None:
    def make_due_anew(session: Session) -> None:
        session.get_one(Notice, row.id).due_at = NOW + SECOND

    database.transact(notice)
    [row] = database.transact(_claim)
    database.transact(make_due_anew)
    _put_back(database, row, HOUR)
    assert _stored(database, row).due_at == NOW + SECOND
    assert _stored(database, row).lease_owner is None


def test_who_lost_the_lease_puts_nothing_back(database: Database) -> None:
    database.transact(notice)
    [late] = database.transact(_claim, "one")
    let_leases_run_out(database)
    database.transact(_claim, "two")
    _put_back(database, late, HOUR)
    assert _stored(database, late).lease_owner == "two"
    assert _stored(database, late).due_at == NOW


def test_the_leases_of_the_last_boot_are_freed(database: Database) -> None:
    database.transact(partial(ask, due_at=NOW))
    database.transact(grant)
    database.transact(notice)
    assert database.transact(_claim_one_of_each, "dead") == 3
    assert database.transact(_claim_one_of_each, "new") == 0
    database.transact(claims.free_all)
    assert database.transact(_claim_one_of_each, "new") == 3


def test_the_next_due_is_the_earliest_that_is_free_or_will_be(
    database: Database,
) -> None:
    assert _next_due(database) is None
    database.transact(notice)
    [held] = database.transact(_claim)
    until = held.lease_until
    assert until is not None
    left = until - _clock(database)
    free = _next_due(database)
    assert free is not None
    assert until - _clock(database) <= free - NOW <= left
    let_leases_run_out(database)
    assert _next_due(database) == NOW
    database.transact(_claim)
    database.transact(partial(notice, key="late", due_at=NOW + 2 * HOUR))
    database.transact(partial(notice, key="next", due_at=NOW + HOUR))
    database.transact(claims.hand_back, Notice, "one")
    by_hand(database, "update notice set due_at = null where key = 'n1'")
    assert _next_due(database) == NOW + HOUR


def test_each_line_says_its_own_next_and_what_one_is_at_does_not_count(
    database: Database,
) -> None:
    row = database.transact(notice)
    database.transact(partial(notice, key="soon", due_at=NOW + SECOND))
    database.transact(grant)
    lines: list[claims.Line] = [
        (Notice, ()),
        (AccessRequest, ()),
        (AccessGrant, ()),
    ]
    assert database.look(claims.next_due, lines, NOW) == [NOW, None, NOW]
    coming = database.look(claims.next_due, lines, NOW, [row])
    assert coming == [NOW + SECOND, None, NOW]
    assert database.look(claims.next_due, [], NOW) == []


@postgres_alone
def test_a_clock_that_is_ahead_takes_nothing_from_others(database: Database) -> None:
    database.transact(notice)
    database.transact(_claim, "one")
    assert database.transact(_claim, "two", 24 * HOUR) == []


@sqlite_alone
def test_one_process_counts_its_leases_by_its_own_clock(database: Database) -> None:
    database.transact(notice)
    database.transact(_claim, "one")
    assert database.transact(_claim, "two", LEASE - SECOND) == []
    assert len(database.transact(_claim, "two", LEASE)) == 1


def test_a_settled_row_waits_for_nobody(database: Database) -> None:
    assert claims.settled(None) == {
        "due_at": None,
        "lease_owner": None,
        "lease_until": None,
        "tries": 0,
    }
