"""A hand in the database: nothing is given on it, and the admins are told."""

import secrets
from typing import Any

import pytest

from bot.store.tables import AccessRequest, Event
from tests.flows.world import GROUP, HAS, World, login

CHANGED = "was changed outside this program"
LONG_AGO, FAR_OFF = "2020-01-01 00:00:00.000000", "2099-01-01 00:00:00.000000"


@pytest.mark.parametrize("when", ["running", "stopped"])
def test_an_end_moved_by_hand_ends_the_access(world: World, when: str) -> None:
    move = ("update access_grant set expires_at = ?, due_at = ?", FAR_OFF, FAR_OFF)
    with world.bot():
        world.given()
        if when == "running":
            world.by_hand(*move)
            _ended(world)
    if when == "stopped":
        world.by_hand(*move)
        with world.bot():
            _ended(world)
    assert world.grants() == ["revoked"]


@pytest.mark.parametrize("column", ["grantee_id", "group_id", "duration_seconds"])
def test_terms_changed_by_hand_end_the_access(world: World, column: str) -> None:
    with world.bot():
        world.given()
        value: dict[str, Any] = {
            "grantee_id": world.okta.state.directory.user(login("mallory")).id,
            "group_id": world.okta.add_group("prod-root", members=[login("mallory")]),
            "duration_seconds": 10**8,
        }
        world.by_hand(f"update access_grant set {column} = ?", value[column])  # noqa: S608
        world.told("ada", CHANGED)
        world.slack.wait_for(lambda: world.grants() == ["revoked"])
    assert world.okta.is_member("prod-root", login("mallory"))
    assert world.findings() != []


def test_a_due_time_lost_by_hand_is_found_again(world: World) -> None:
    with world.bot():
        world.given(f"{GROUP} 2s OPS-1")
        world.by_hand("update access_grant set due_at = null")
        world.members()
        world.told("rita", "has ended: its time was up")
    assert world.findings() == []


def test_a_grant_written_by_hand_is_not_given(world: World) -> None:
    """With all that an approval leaves, but for the key of its seal."""
    with world.bot():
        world.press("olga", "approve", world.asked())
        world.told("rita", HAS)
        _insert_grant(world, grantee=login("mallory"))
        world.told("ada", CHANGED)
        world.slack.wait_for(lambda: sorted(world.grants()) == ["active", "failed"])
        world.members("rita")
    assert len(world.changes("add")) == 1


def test_an_approval_written_by_hand_gives_nothing(world: World) -> None:
    with world.bot():
        world.asked()
        world.by_hand("update access_request set status = 'approved', version = 9")
        _insert_grant(world, grantee=login("rita"))
        world.told("ada", CHANGED)
        world.slack.wait_for(lambda: world.grants() == ["failed"])
    assert world.never_added()


def test_a_revoked_grant_set_back_by_hand_gives_nothing(world: World) -> None:
    with world.bot():
        world.press("rita", "end", world.given())
        world.comes_to("revoked")
        world.by_hand(
            "update access_grant set status = 'granting', added_at = null, "
            "unsure_until = null, due_at = ?",
            LONG_AGO,
        )
        world.told("ada", CHANGED)
        world.comes_to("revoked")
        world.members()
    assert len(world.changes("add")) == 1


def test_a_standing_membership_is_not_removed_by_a_grant_written_by_hand(
    world: World,
) -> None:
    world.okta.add_member(GROUP, login("mallory"))
    with world.bot():
        world.press("olga", "approve", world.asked())
        world.told("rita", HAS)
        _insert_grant(world, grantee=login("mallory"), status="revoking")
        world.slack.wait_for(lambda: sorted(world.grants()) == ["active", "revoked"])
        world.members("mallory", "rita")
    assert world.changes("remove") == []


def _ended(world: World) -> None:
    world.told("ada", CHANGED)
    world.members()
    world.slack.wait_for(lambda: world.grants() == ["revoked"])


def _insert_grant(world: World, *, grantee: str, status: str = "granting") -> None:
    """Insert a grant that is due, copied from what the database holds."""
    person = world.okta.state.directory.user(grantee).id
    group = world.okta.state.directory
    [group_id] = [g.id for g in group.groups.values() if g.name == GROUP]
    [request_id, event] = _newest(world)
    world.by_hand(
        "insert into access_grant (id, request_id, integration, grantee_id, group_id, "
        "duration_seconds, status, version, expires_at, approved_event, seal, "
        "deliver_by, due_at, fence, tries, was_member, added_at) "
        "values (?, ?, 'corp-okta', ?, ?, 3600, ?, 1, ?, ?, ?, ?, ?, 0, 0, 0, ?)",
        *(secrets.token_hex(8), request_id, person, group_id, status),
        *(FAR_OFF, event, secrets.token_hex(32), FAR_OFF, LONG_AGO),
        None if status == "granting" else LONG_AGO,
    )


def _newest(world: World) -> tuple[str, int]:
    request_id = world.all_of(AccessRequest)[-1].id
    return request_id, max(event.seq for event in world.all_of(Event))
