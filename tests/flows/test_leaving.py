"""After a restore, and when the bot is to go: nothing it gave is left unaccounted."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.core.words import GrantStatus
from bot.sandbox.okta.org import DEFAULT_SCOPES
from bot.store.tables import AccessGrant, Event
from tests.flows.test_rollback import _copy, _put_back
from tests.flows.world import GROUP, QUICK, WHY, World, login


def _type(world: World, *words: str) -> Result:
    return CliRunner().invoke(app, words, env=world.environment() | {"PORT": "0"})


@pytest.fixture
def watched(world: World) -> World:
    """The world, whose app may read Okta's log."""
    client_id = json.loads(world.credentials.read_text())["client_id"]
    world.okta.set_scopes(client_id, [*DEFAULT_SCOPES, "okta.logs.read"])
    world.okta.set_role(client_id, "ORG_ADMIN")
    return world


def _forgets_a_grant(world: World) -> None:
    """Put a copy back that does not know what Rita was given since."""
    with world.bot():
        pass
    _copy(world)
    with world.bot():
        world.given()
    _put_back(world)


def test_what_a_restored_copy_does_not_know_is_found_and_taken_back(
    watched: World,
) -> None:
    _forgets_a_grant(watched)
    assert _type(watched, "run").exit_code == 2
    found = _type(watched, "recover")
    assert found.exit_code == 1
    assert f"LEFT corp-okta: {login('rita')} in {GROUP}" in found.stdout
    assert watched.okta.is_member(GROUP, login("rita"))
    found = _type(watched, "recover", "--remove", "--reason", "restored")
    assert found.exit_code == 0, found.output
    assert found.stderr.endswith("Accepted. Start every bot anew.\n")
    assert not watched.okta.is_member(GROUP, login("rita"))
    with watched.bot():
        assert "You asked for" in watched.ask()
    assert "recovered" in [event.kind for event in watched.all_of(Event)]


def test_what_somebody_else_gave_since_is_not_taken_back(watched: World) -> None:
    _forgets_a_grant(watched)
    watched.okta.remove_member(GROUP, login("rita"))
    watched.okta.add_member(GROUP, login("rita"))
    found = _type(watched, "recover", "--remove", "--reason", "restored")
    assert found.exit_code == 0, found.output
    assert login("rita") not in found.stdout
    assert watched.okta.is_member(GROUP, login("rita"))


def test_a_stray_membership_is_given_an_end_and_ends_then(watched: World) -> None:
    _forgets_a_grant(watched)
    both = _type(watched, "recover", "--remove", "--end-in", "4s")
    assert "exclude each other" in both.output
    assert "Write it as 8h" in _type(watched, "recover", "--end-in", "soon").output
    found = _type(watched, "recover", "--end-in", "4s", "--reason", "restored")
    assert found.exit_code == 0, found.output
    assert f"{login('rita')} in {GROUP}" in found.stdout
    assert "ends 20" in found.stdout
    assert watched.okta.is_member(GROUP, login("rita"))
    with watched.bot(replace(QUICK, reconcile=timedelta(seconds=1))):
        assert "You asked for" in watched.ask(text=f"prod-logs 1h {WHY}")
        watched.members()
    assert "stray membership: gone" in [e.kind for e in watched.all_of(Event)]


def test_an_end_that_the_log_would_not_live_to_see_is_refused(watched: World) -> None:
    _forgets_a_grant(watched)
    late = _type(watched, "recover", "--end-in", "90d", "--reason", "restored")
    assert late.exit_code == 2, late.output
    assert f"{login('rita')} in {GROUP} would end when Okta's log" in late.output
    assert "with a shorter --end-in" in late.output
    assert "LEFT" in _type(watched, "recover").stdout
    given = _type(watched, "recover", "--end-in", "88d", "--reason", "restored")
    assert given.exit_code == 0, given.output


def test_what_okta_shows_too_long_is_gone_all_the_same_by_its_log(
    watched: World,
) -> None:
    _forgets_a_grant(watched)
    given = _type(watched, "recover", "--end-in", "1s", "--reason", "restored")
    assert given.exit_code == 0, given.output
    watched.okta.set_read_lag(2)
    quick = replace(QUICK, reconcile=timedelta(seconds=1), read_back=timedelta(0))
    with watched.bot(quick):
        watched.slack.wait_for(lambda: "stray membership: gone" in _kinds(watched))
    assert "stray membership: changed by others" not in _kinds(watched)
    assert _kinds(watched).count("stray membership: taken back") == 1
    assert not watched.was_told("ivan", "could not be taken back")


def test_what_is_taken_back_by_hand_is_read_for_as_long_as_okta_lags(
    watched: World,
) -> None:
    _forgets_a_grant(watched)
    watched.okta.set_read_lag(4)
    found = _type(watched, "recover", "--remove", "--reason", "restored")
    assert (found.exit_code, found.stdout[:7]) == (0, "removed")


def _kinds(world: World) -> list[str]:
    return [event.kind for event in world.all_of(Event)]


def test_a_log_that_is_out_of_sight_is_no_sign_that_it_is_somebody_elses(
    watched: World,
) -> None:
    _forgets_a_grant(watched)
    given = _type(watched, "recover", "--end-in", "1s", "--reason", "restored")
    assert given.exit_code == 0, given.output
    client_id = json.loads(watched.credentials.read_text())["client_id"]
    watched.okta.set_role(client_id, "GROUP_MEMBERSHIP_ADMIN")
    with watched.bot(replace(QUICK, reconcile=timedelta(seconds=1))):
        watched.told("ivan", "could not be taken back")
    kinds = [event.kind for event in watched.all_of(Event)]
    assert "stray membership: changed by others" not in kinds
    assert watched.okta.is_member(GROUP, login("rita"))


def test_what_was_given_an_end_is_listed_and_can_be_revoked(watched: World) -> None:
    _forgets_a_grant(watched)
    given = _type(watched, "recover", "--end-in", "4h", "--reason", "restored")
    assert given.exit_code == 0, given.output
    assert f"{login('rita')} in {GROUP} until" in _type(watched, "grants").stderr
    left = _type(watched, "retire", "--check")
    assert (left.exit_code, "given an end" in left.stdout) == (1, True)
    assert (login("rita") in left.stdout, GROUP in left.stdout) == (True, True)
    assert "No bot is running, so none of them ends: start it first." in left.stderr
    with watched.bot(replace(QUICK, reconcile=timedelta(seconds=1))):
        revoked = _type(watched, "revoke", login("rita"), "all")
        assert "1 ended or denied" in revoked.stdout
        assert "Within minutes for 1 of them" in revoked.stdout
        watched.members()
    assert _type(watched, "retire", "--check").exit_code == 0


def test_what_was_in_a_group_that_was_deleted_is_forgotten_when_an_operator_says_so(
    watched: World,
) -> None:
    _forgets_a_grant(watched)
    given = _type(watched, "recover", "--end-in", "1s", "--reason", "restored")
    assert given.exit_code == 0, given.output
    watched.okta.fail("^DELETE", "403", times=1000)
    with watched.bot(replace(QUICK, reconcile=timedelta(seconds=1))):
        watched.told("ivan", "access-bot recover --forget")
        assert "--reason WHY" in _type(watched, "recover", "--forget").output
        left = _type(watched, "recover", "--forget", "--reason", "no group")
        assert (left.exit_code, left.stdout[:5]) == (1, "LEFT ")
    watched.okta.delete_group(GROUP)
    assert _type(watched, "retire", "--check").exit_code == 1
    gone = _type(watched, "recover", "--forget", "--reason", "the group is gone")
    assert gone.exit_code == 0, gone.output
    assert f"forgotten corp-okta: {login('rita')} in {GROUP}" in gone.stdout
    assert _type(watched, "retire", "--check").exit_code == 0


def test_an_admin_ends_it_in_slack_too(watched: World) -> None:
    _forgets_a_grant(watched)
    given = _type(watched, "recover", "--end-in", "4h", "--reason", "restored")
    assert given.exit_code == 0, given.output
    with watched.bot(replace(QUICK, reconcile=timedelta(seconds=1))):
        rita = f"<@{watched.slack_ids['rita']}|rita>"
        ada = watched.slack_ids["ada"]
        said = watched.slack.command(ada, f"revoke {rita} all").text
        assert "Done: 1 ended or denied." in said
        assert "for 1 without a grant in minutes" in said
        watched.members()


def test_what_the_rows_explain_is_no_stray(watched: World) -> None:
    with watched.bot():
        watched.given()
        found = _type(watched, "recover", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == []


def test_without_the_scope_recover_says_what_is_missing(world: World) -> None:
    with world.bot():
        pass
    refused = _type(world, "recover")
    assert refused.exit_code == 2
    assert "okta.logs.read" in refused.output


def test_a_log_that_shows_nothing_at_all_proves_nothing(watched: World) -> None:
    client_id = json.loads(watched.credentials.read_text())["client_id"]
    watched.okta.set_role(client_id, "GROUP_MEMBERSHIP_ADMIN")
    with watched.bot():
        watched.given()
        refused = _type(watched, "recover")
    assert refused.exit_code == 2
    assert "shows the app nothing at all" in refused.output


def test_retire_waits_for_what_lives_and_then_says_how_to_leave(world: World) -> None:
    with world.bot():
        world.given()
        left = _type(world, "retire", "--check")
        assert left.exit_code == 1
        assert "active" in left.stdout
        assert (login("rita") in left.stdout, GROUP in left.stdout) == (True, True)
        assert "No bot is running" not in left.stderr
        assert _type(world, "retire", "--now").exit_code == 1
        assert "frozen" in world.ask()
        world.members()
        world.slack.wait_for(lambda: not world.okta.members(GROUP))
        world.slack.wait_for(
            lambda: world.all_of(AccessGrant)[0].status is GrantStatus.REVOKED
        )
        out = world.folder / "audit.jsonl"
        done = _type(world, "retire", "--out", str(out))
        assert done.exit_code == 0, done.output
        assert "Remove App" in done.stdout
    kinds = [json.loads(line)["kind"] for line in out.read_text().splitlines()]
    assert "grant revoked" in kinds
