"""What a hand in the database changes is found, and nothing is given on it."""

import json
from datetime import timedelta, timezone
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session, delete

from bot.core.words import GrantStatus, StaleState
from bot.store import audit, evidence
from bot.store.audit import Chain, Head
from bot.store.database import Database, open_database
from bot.store.moves import advance, move
from bot.store.tables import AccessGrant, EventText
from bot.store.verification import Finding, verify
from tests.conftest import sqlite_alone
from tests.hand import by_hand
from tests.store.rows import HOUR, NOW, events, grant


@pytest.fixture
def story(database: Database) -> Database:
    """A grant with its request, and a person met: events 1 to 4."""
    database.transact(grant)
    database.transact(
        partial(
            audit.record,
            kind="person linked",
            by="bot",
            now=NOW,
            person_id="00u-ann",
            text={"login": "ann@example.com"},
        )
    )
    return database


def _findings(database: Database) -> list[Finding]:
    return database.look(lambda session: list(verify(session)))


def _what(database: Database) -> list[str]:
    return [finding.what for finding in _findings(database)]


def _grant(session: Session) -> AccessGrant:
    return session.get_one(AccessGrant, "g1")


def _is_sealed(session: Session) -> bool:
    return evidence.is_sealed(session, _grant(session))


def test_what_was_written_verifies(story: Database) -> None:
    assert _findings(story) == []
    kinds = [event.kind for event in story.look(events)]
    assert kinds == [
        "request pending",
        "request approved",
        "grant granting",
        "person linked",
    ]


def test_an_empty_audit_verifies_and_has_no_head(database: Database) -> None:
    assert _findings(database) == []
    assert database.look(audit.head) is None


def test_the_head_is_the_newest_event(story: Database) -> None:
    newest = story.look(events)[-1]
    assert story.look(audit.head) == Head(4, newest.hash, NOW)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'okta:00u-eve'",
        "kind = 'request denied'",
        "at = '2026-01-05 09:00:00.000001'",
        "person_id = '00u-eve'",
        "group_id = '00g-root'",
        "integration = 'other'",
        "request_id = null",
        "grant_id = 'g1'",
        "cause = 'expired'",
        "data = '{}'",
        "text_digest = 'abc'",
    ],
)
def test_a_changed_field_is_found(story: Database, change: str) -> None:
    by_hand(story, f"update event set {change} where seq = 2")  # noqa: S608
    assert "event 2 was changed" in _what(story)


def test_a_changed_hash_is_found_there_and_where_it_is_built_on(
    story: Database,
) -> None:
    by_hand(story, "update event set hash = 'abc' where seq = 2")
    assert _what(story) == [
        "event 2 was changed",
        "event 3 does not follow the one before",
        "grant g1 does not fit its seal",
    ]


def test_a_cut_event_is_found(story: Database) -> None:
    by_hand(story, "delete from event where seq = 3")
    assert Finding(3, "event 3 is missing") in _findings(story)


def test_a_cut_beginning_is_found(story: Database) -> None:
    by_hand(story, "delete from event where seq = 1")
    assert Finding(1, "event 1 is missing") in _findings(story)


def test_a_gap_closed_by_hand_is_found(story: Database) -> None:
    by_hand(
        story,
        "delete from event_text",
        "delete from event where seq = 3",
        "update event set seq = 3, previous = "
        "(select hash from event where seq = 2) where seq = 4",
    )
    assert "event 3 was changed" in _what(story)


def test_a_cut_end_is_found_by_the_rows_it_told_of(story: Database) -> None:
    by_hand(story, "delete from event_text", "delete from event where seq > 2")
    assert _what(story) == ["grant g1 has no event"]


def test_reordered_events_are_found(story: Database) -> None:
    by_hand(
        story,
        "update event set seq = 99 where seq = 1",
        "update event set seq = 1 where seq = 2",
        "update event set seq = 2 where seq = 99",
    )
    assert {"event 1 was changed", "event 2 was changed"} <= set(_what(story))


@pytest.mark.parametrize("change", ["salt = 'abc'", """text = '{"login": "eve"}'"""])
def test_a_changed_text_is_found(story: Database, change: str) -> None:
    by_hand(story, f"update event_text set {change}")  # noqa: S608
    assert _what(story) == ["the text of event 4 was changed"]


def test_a_text_put_beside_an_event_that_had_none_is_found(story: Database) -> None:
    by_hand(story, "insert into event_text values (2, 'salt', '{}')")
    assert _what(story) == ["the text of event 2 was changed"]


def test_an_erased_text_still_verifies(story: Database) -> None:
    story.transact(lambda session: session.execute(delete(EventText)))
    assert _findings(story) == []


def test_equal_texts_cannot_be_told_from_their_digests(story: Database) -> None:
    again = partial(
        audit.record, kind="x", by="bot", now=NOW, text={"login": "ann@example.com"}
    )
    story.transact(again)
    first, second = story.look(events)[-2:]
    assert first.text_digest != second.text_digest


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("access_grant", "expires_at = '2027-01-01 00:00:00.000000'"),
        ("access_grant", "status = 'active'"),
        ("access_grant", "version = 9"),
        ("access_grant", "group_id = '00g-root'"),
        ("access_request", "grantee_id = '00u-eve'"),
        ("access_request", "status = 'denied'"),
        ("access_request", "duration_seconds = 1"),
    ],
)
def test_a_row_edited_by_hand_is_found(
    story: Database, table: str, change: str
) -> None:
    by_hand(story, f"update {table} set {change}")  # noqa: S608
    [found] = _what(story)
    assert " is not as event " in found


def test_a_deleted_row_is_found(story: Database) -> None:
    by_hand(story, "delete from access_grant")
    assert _what(story) == ["grant g1 is gone from the database"]


def test_a_row_that_cannot_even_be_read_is_found(story: Database) -> None:
    by_hand(story, "update access_grant set status = 'no status'")
    assert any("cannot be read" in what for what in _what(story))


@sqlite_alone
@pytest.mark.parametrize(
    "statement",
    [
        "update event set data = 'no json' where seq = 2",
        "update event set at = 'no time' where seq = 2",
        "update access_request set terms = 'no json'",
    ],
)
def test_what_sqlite_lets_a_hand_write_is_found(
    story: Database, statement: str
) -> None:
    by_hand(story, statement)
    assert any("cannot be read" in what for what in _what(story))


def test_another_key_verifies_nothing(story: Database, database_url: str) -> None:
    other = open_database(database_url, chain=Chain(b"another"))
    assert len(_findings(other)) == 5
    assert not other.look(_is_sealed)
    other.close()


def test_a_long_audit_verifies_to_its_end(database: Database) -> None:
    def record_many(session: Session) -> None:
        for number in range(2100):
            audit.record(session, "tick", by="bot", now=NOW, data={"n": number})

    database.transact(record_many)
    assert _findings(database) == []
    by_hand(database, "update event set actor = 'eve' where seq = 2099")
    assert _what(database) == ["event 2099 was changed"]


def test_an_event_reads_back_as_it_was_chained(database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    data: dict[str, Any] = {"pair": (1, 2), "by_number": {10: "é", 9: None}}
    database.transact(
        partial(audit.record, kind="x", by="bot", now=NOW.astimezone(tokyo), data=data)
    )
    [event] = database.look(events)
    assert event.data == json.loads(json.dumps(data))
    assert _findings(database) == []


def test_a_number_json_does_not_know_is_refused(database: Database) -> None:
    broken = partial(audit.record, kind="x", by="b", now=NOW, data={"n": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        database.transact(broken)
    assert database.look(events) == []


def test_a_grant_as_it_was_written_is_sealed(story: Database) -> None:
    assert story.look(_is_sealed)


def test_an_end_in_any_zone_is_sealed(database: Database) -> None:
    tokyo = timezone(timedelta(hours=9))
    database.transact(partial(grant, expires_at=(NOW + HOUR).astimezone(tokyo)))
    assert database.look(_is_sealed)


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = '2027-01-01 00:00:00.000000'",
        "group_id = '00g-root'",
        "grantee_id = '00u-eve'",
        "integration = 'other'",
        "duration_seconds = 360000",
        "was_member = false",
        "seal = 'abc'",
        "status = 'active'",
    ],
)
def test_a_grant_edited_by_hand_is_not_sealed(story: Database, change: str) -> None:
    by_hand(story, f"update access_grant set {change}")  # noqa: S608
    assert not story.look(_is_sealed)


def test_a_request_edited_by_hand_seals_nothing(story: Database) -> None:
    by_hand(story, "update access_request set status = 'denied'")
    assert not story.look(_is_sealed)


def test_an_approval_edited_by_hand_seals_nothing(story: Database) -> None:
    by_hand(story, "update event set actor = 'okta:00u-boss' where seq = 2")
    assert not story.look(_is_sealed)


def test_an_approval_of_another_request_seals_nothing(story: Database) -> None:
    story.transact(grant, "g2")
    by_hand(
        story,
        "update access_grant set (approved_event, request_id) = "
        "(select approved_event, request_id from access_grant where id = 'g2') "
        "where id = 'g1'",
    )
    assert not story.look(_is_sealed)


def test_an_inserted_approval_seals_nothing(story: Database) -> None:
    by_hand(
        story,
        "insert into event select 5, at, 'request approved', actor, integration, "
        "person_id, group_id, request_id, grant_id, cause, data, text_digest, "
        "hash, 'forged' from event where seq = 2",
        "update access_grant set approved_event = 5",
    )
    assert not story.look(_is_sealed)


def test_a_pending_event_approves_nothing(story: Database) -> None:
    by_hand(story, "update access_grant set approved_event = 1")
    assert not story.look(_is_sealed)


def test_a_grant_without_its_approval_is_not_sealed(story: Database) -> None:
    by_hand(story, "update access_grant set approved_event = 77")
    assert not story.look(_is_sealed)


def test_a_revoked_grant_set_back_to_granting_is_not_sealed(story: Database) -> None:
    old = story.look(_grant)
    row = story.look(_grant)
    story.transact(move, row, GrantStatus.REVOKING, by="okta:00u-ann", now=NOW)
    assert row.seal == old.seal
    by_hand(
        story, "update access_grant set status = 'granting', version = 1, cause = null"
    )
    assert not story.look(_is_sealed)


def test_a_grant_read_before_it_changed_is_stale_not_broken(story: Database) -> None:
    late = story.look(_grant)
    advancing = story.look(_grant)
    story.transact(advance, advancing, "intended", by="bot", now=NOW, was_member=False)
    with pytest.raises(StaleState):
        story.look(evidence.is_sealed, late)


def test_an_approval_for_less_time_seals_no_more(database: Database) -> None:
    database.transact(partial(grant, duration_seconds=7200))
    assert not database.look(_is_sealed)


def test_the_key_shows_nowhere(chain: Chain) -> None:
    key = b"the audit key of the tests"
    assert repr(chain) == str(chain) == "Chain(...)"
    assert key not in repr(vars(chain)).encode()
