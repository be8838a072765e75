"""The audit verifies, or says what does not fit."""

import json

import pytest

from tests.cli.conftest import Shell
from tests.cli.seeded import seed


@pytest.fixture
def seeded(ready: Shell) -> Shell:
    seed(ready)
    return ready


def test_an_audit_that_fits_is_told_with_its_head(seeded: Shell) -> None:
    result = seeded.type("audit", "verify")
    assert result.exit_code == 0
    assert result.stdout.startswith("The audit verifies: ")
    assert " events, head " in result.stdout


def test_programs_get_the_head(seeded: Shell) -> None:
    told = json.loads(seeded.type("audit", "verify", "--json").stdout)
    assert told["verifies"] is True
    assert told["findings"] == []
    assert told["head"]["seq"] > 1
    assert len(told["head"]["hash"]) == 64


def test_an_empty_audit_verifies(ready: Shell) -> None:
    result = ready.type("audit", "verify")
    assert (result.exit_code, result.stdout) == (
        0,
        "The audit verifies: no events yet.\n",
    )


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("update event set actor = 'nobody' where seq = 2", "event 2 was changed."),
        ("update access_grant set expires_at = '2036-01-01'", "grant held is not as"),
        ("update event set at = 'never' where seq = 2", "cannot be read."),
    ],
)
def test_what_a_hand_in_the_database_changed_is_found(
    seeded: Shell, statement: str, finding: str
) -> None:
    seeded.by_hand(statement)
    result = seeded.type("audit", "verify")
    assert result.exit_code == 1
    assert finding in result.stdout
    assert "The audit does not verify: " in result.stdout
    told = seeded.type("audit", "verify", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["verifies"] is False
    assert json.loads(told.stdout)["findings"]


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("audit", "verify"),
        ("grants",),
        ("freeze", "all"),
        ("people", "relink", "rita@example.com"),
    ],
)
def test_under_another_key_nothing_is_done(
    seeded: Shell, words: tuple[str, ...]
) -> None:
    result = seeded.type(*words, AUDIT_KEY="some other key altogether")
    assert result.exit_code == 2
    assert "AUDIT_KEY is not the key that this database began with." in result.stderr
    assert seeded.type("audit", "verify").exit_code == 0
