"""The words: statuses, the moves between them, and who may receive and hold."""

from typing import get_args

import pytest

from bot.core.words import (
    CAN_RECEIVE,
    LIVE,
    ORIGINS,
    STILL_HOLDS,
    AccessBotError,
    BrokenSeal,
    DirectoryError,
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    GrantStatus,
    Person,
    RequestStatus,
    SettingError,
    StaleState,
    Status,
)

EVERY = [*RequestStatus, *GrantStatus]
DONE = {
    RequestStatus.APPROVED,
    RequestStatus.DENIED,
    RequestStatus.CANCELLED,
    RequestStatus.LAPSED,
    GrantStatus.REVOKED,
    GrantStatus.FAILED,
}


def test_every_status_says_where_it_may_be_reached_from() -> None:
    assert set(ORIGINS) == set(EVERY)
    assert set(get_args(Status)) == {RequestStatus, GrantStatus}


def test_each_machine_begins_in_one_status() -> None:
    born = [status for status, origins in ORIGINS.items() if None in origins]
    assert born == [RequestStatus.PENDING, GrantStatus.GRANTING]


@pytest.mark.parametrize("status", EVERY)
def test_what_is_done_moves_no_more_and_all_else_does(
    status: RequestStatus | GrantStatus,
) -> None:
    leads_on = any(status in origins for origins in ORIGINS.values())
    assert leads_on == (status not in DONE)


@pytest.mark.parametrize("status", EVERY)
def test_a_request_never_becomes_a_grant(status: RequestStatus | GrantStatus) -> None:
    for origin in ORIGINS[status] - {None}:
        assert type(origin) is type(status)


def test_nothing_is_active_that_was_not_granting_first() -> None:
    assert ORIGINS[GrantStatus.ACTIVE] == {GrantStatus.GRANTING}
    assert ORIGINS[GrantStatus.FAILED] == {GrantStatus.GRANTING}


def test_a_grant_lives_until_it_is_done() -> None:
    assert set(GrantStatus) - LIVE == DONE & set(GrantStatus)


@pytest.mark.parametrize(
    ("status", "receives", "holds"),
    [
        ("ACTIVE", True, True),
        ("PASSWORD_EXPIRED", False, True),
        ("RECOVERY", False, True),
        ("LOCKED_OUT", False, True),
        ("SUSPENDED", False, False),
        ("DEPROVISIONED", False, False),
        ("STAGED", False, False),
        ("PROVISIONED", False, False),
        ("active", False, False),
        ("", False, False),
    ],
)
def test_only_the_active_receive_and_the_locked_out_still_hold(
    status: str, receives: bool, holds: bool
) -> None:
    ann = Person(id="00u", login="ann", email="", name="Ann", status=status)
    assert ann.may_receive is receives
    assert (status in STILL_HOLDS) is holds
    assert CAN_RECEIVE <= STILL_HOLDS


@pytest.mark.parametrize(
    "error", [DirectoryGone, DirectoryRefused, DirectoryUnavailable]
)
def test_an_error_of_okta_keeps_what_to_quote(error: type[DirectoryError]) -> None:
    raised = error("No.", status=403, code="E0000006", request_id="abc")
    assert (raised.status, raised.code, raised.request_id) == (403, "E0000006", "abc")
    assert str(raised) == "No."


@pytest.mark.parametrize(
    "error", [SettingError, StaleState, BrokenSeal, DirectoryError]
)
def test_every_error_of_ours_is_one_of_the_bots(error: type[Exception]) -> None:
    assert issubclass(error, AccessBotError)


def test_an_unanswered_call_may_have_landed_unless_it_is_known_not_to() -> None:
    assert DirectoryUnavailable("Slow.").landed
    assert not DirectoryUnavailable("Not sent.", landed=False).landed


def test_a_setting_error_is_what_is_wrong_and_then_what_to_do() -> None:
    error = SettingError("X is not set.", "Set it.")
    assert str(error) == "X is not set. Set it."
