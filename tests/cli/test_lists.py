"""What is held and what was asked for, for people and for programs."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.seeded import seed


@pytest.fixture
def seeded(ready: Shell) -> Shell:
    seed(ready)
    return ready


def listed(shell: Shell, *words: str) -> list[dict[str, Any]]:
    result = shell.type(*words, "--json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def ids(shell: Shell, *words: str) -> list[str]:
    return [row["id"] for row in listed(shell, *words)]


def line_of(shell: Shell, *words: str, showing: str) -> str:
    lines = shell.type(*words).stdout.splitlines()
    return next(line for line in lines if showing in line)


def test_a_grant_is_listed_with_who_what_and_how_long_is_left(seeded: Shell) -> None:
    line = line_of(seeded, "grants", showing="held")
    for fragment in ("ann@example.com", "prod-db-read", "corp", "active", "UTC, 2 h "):
        assert fragment in line
    assert "min left" in line


def test_a_grant_that_a_hand_wrote_is_said_to_be_altered(seeded: Shell) -> None:
    assert not listed(seeded, "grants")[0]["altered"]
    with closing(sqlite3.connect(seeded.database_file)) as file, file:
        file.execute("update access_grant set expires_at = '2036-01-05 09:00:00'")
    assert listed(seeded, "grants")[0]["altered"]
    assert "Not as the audit tells it: held." in seeded.type("grants").stderr


def test_only_what_lives_is_listed_unless_all_is_asked_for(seeded: Shell) -> None:
    assert ids(seeded, "grants") == ["held"]
    assert ids(seeded, "grants", "--all") == ["held", "was"]
    assert ids(seeded, "requests") == ["asked"]
    assert set(ids(seeded, "requests", "--all")) == {
        "asked",
        "denied",
        "r-held",
        "r-was",
    }


def test_a_grant_that_ended_says_when_and_why(seeded: Shell) -> None:
    line = line_of(seeded, "grants", "--all", showing="revoked")
    assert "Mon 05 Jan 2026 10:00 UTC, given back" in line


def test_a_request_is_listed_with_why_and_when_it_lapses(seeded: Shell) -> None:
    line = line_of(seeded, "requests", showing="asked")
    for fragment in ("ann@example.com", "00g-root", "1 h", "OPS-12", "pending"):
        assert fragment in line
    assert "lapses" in line
    assert "23 h 5" in line  # a slow machine takes a minute of it


def test_an_answered_request_says_by_whom_and_why(seeded: Shell) -> None:
    line = line_of(seeded, "requests", "--all", showing="denied")
    said = "Mon 05 Jan 2026 10:00 UTC, by bob@example.com, Ask for the replica"
    assert said in line


def test_text_from_outside_is_neither_markup_nor_obeyed_by_a_terminal(
    seeded: Shell,
) -> None:
    output = seeded.type("requests").stdout + seeded.type("grants", "--all").stdout
    assert "\x1b" not in output
    assert "\\x1b[31mred" in output
    assert "[bold]" in output
    assert "prod-[red]logs" in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["grants", "--status", "revoked"], ["was"]),
        (["grants", "--status", "revoked", "--status", "active"], ["held", "was"]),
        (["grants", "--person", "ANN@example.com"], ["held"]),
        (["grants", "--person", "00u-ann@mail.example"], ["held"]),
        (["grants", "--person", "00u-ann", "--all"], ["held", "was"]),
        (["grants", "--person", "bob@example.com", "--all"], []),
        (["grants", "--integration", "corp"], ["held"]),
        (["requests", "--status", "denied"], ["denied"]),
        (["requests", "--person", "ann@example.com"], ["asked"]),
    ],
)
def test_lists_are_filtered(
    seeded: Shell, words: list[str], expected: list[str]
) -> None:
    assert ids(seeded, *words) == expected


def test_a_person_nobody_knows_is_refused_rather_than_an_empty_list(
    seeded: Shell,
) -> None:
    said = seeded.refuses("grants", "--person", "nan@example.com")
    assert "Nobody called nan@example.com is known here." in said


@pytest.mark.parametrize("what", ["grants", "requests"])
def test_an_integration_that_is_not_here_is_refused_rather_than_an_empty_list(
    seeded: Shell, what: str
) -> None:
    said = seeded.refuses(what, "--integration", "nope", "--all")
    assert "No integration is called nope." in said
    assert "Known here: corp." in said


def test_a_forgotten_person_is_listed_by_id(seeded: Shell) -> None:
    seeded.by_hand("delete from okta_person where id = '00u-ann'")
    assert ids(seeded, "grants", "--person", "00u-ann") == ["held"]
    assert "00u-ann" in line_of(seeded, "grants", showing="held")
    grantee = listed(seeded, "grants")[0]["grantee"]
    assert grantee == {"id": "00u-ann", "login": None, "name": None}


def test_programs_get_ids_names_seconds_and_iso_times(seeded: Shell) -> None:
    (grant,) = listed(seeded, "grants")
    assert grant["group"] == {"id": "00g-r-held", "name": "prod-db-read"}
    assert grant["grantee"] == {
        "id": "00u-ann",
        "login": "ann@example.com",
        "name": "Ann",
    }
    assert grant["duration_seconds"] == 3600
    assert datetime.fromisoformat(grant["expires_at"]).utcoffset() is not None
    assert grant["cause"] is None
    (request,) = listed(seeded, "requests")
    assert request["justification"] == "OPS-12 \x1b[31mred\x1b[0m [bold]"
    assert request["requester"]["login"] == "ann@example.com"
    assert request["decided_at"] is None


def test_nothing_to_list_is_said_in_words_and_as_an_empty_array(ready: Shell) -> None:
    assert ready.type("grants").stdout.startswith("No grants fit")
    assert ready.type("requests").stdout.startswith("No requests fit")
    assert listed(ready, "grants") == []


def test_a_person_is_named_with_an_at_sign_or_without(seeded: Shell) -> None:
    for named in ("@ann@example.com", "ann@example.com"):
        assert seeded.type("grants", "--person", named).exit_code == 0
        assert ids(seeded, "grants", "--person", named) == ["held"]
    assert seeded.type("people", "relink", "@ann@example.com").exit_code == 1
    said = seeded.refuses("revoke", "@eve@example.com", "all")
    assert "Nobody called eve@example.com is known here" in said
