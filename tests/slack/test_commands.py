"""What people type after /access: mine, waiting, why, who, revoke, freeze, activity."""

from datetime import timedelta

import pytest

from bot.core.words import Cause, GrantStatus, RequestStatus
from bot.store.tables import AccessGrant, AccessRequest, Event
from tests.slack.conftest import Cast
from tests.slack.stage import Stage


def _said(stage: Stage, user: str, text: str) -> str:
    """Return all that a command answers, shown and read aloud."""
    ack = stage.slack.command(user, text)
    assert ack.ok
    return f"{ack.text} {ack.body}"


def _held(stage: Stage, cast: Cast) -> AccessGrant:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.ACTIVE
    return grant


def test_mine_shows_what_is_held_and_what_waits(stage: Stage, cast: Cast) -> None:
    assert "You hold nothing" in _said(stage, cast.alice, "mine")
    _held(stage, cast)
    stage.ask(cast.alice, "“on call” 1h OPS-13")
    said = _said(stage, cast.alice, "mine")
    assert "prod-db until" in said
    assert "On Call for 1 h waits for an answer" in said
    assert "'action_id': 'end'" in said
    assert "'action_id': 'nudge'" in said
    assert "You hold nothing" in _said(stage, cast.bob, "mine")


def test_waiting_shows_approvers_what_waits_for_them(stage: Stage, cast: Cast) -> None:
    assert "Nothing waits" in _said(stage, cast.olga, "waiting")
    stage.ask(cast.alice)
    said = _said(stage, cast.olga, "waiting")
    assert "Alice Example" in said
    assert "'action_id': 'approve'" in said
    assert "Nothing waits" in _said(stage, cast.alice, "waiting")


def test_why_says_which_flow_decides_and_who_would_answer(
    stage: Stage, cast: Cast
) -> None:
    said = _said(stage, cast.alice, "why prod-db")
    assert "everyone to production" in said
    assert "I would ask Olga Example (olga@example.com) and Otto" in said


def test_why_of_a_group_one_may_not_see_is_why_of_one_that_is_not_there(
    stage: Stage, cast: Cast
) -> None:
    hidden = _said(stage, cast.alice, "why hr-secrets").replace("hr-secrets", "X")
    assert hidden == _said(stage, cast.alice, "why nothing-such").replace(
        "nothing-such", "X"
    )


def test_why_says_what_would_be_refused(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    assert "You already have" in _said(stage, cast.alice, "why prod-db")


def test_who_holds_a_group_one_may_not_see_is_who_holds_one_that_is_not_there(
    stage: Stage, cast: Cast
) -> None:
    hidden = _said(stage, cast.alice, "who hr-secrets").replace("hr-secrets", "X")
    assert hidden == _said(stage, cast.alice, "who nothing-such").replace(
        "nothing-such", "X"
    )


def test_who_is_for_owners_and_admins(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    assert "Alice Example" in _said(stage, cast.olga, "who prod-db")
    assert "Alice Example" in _said(stage, cast.ada, "who #prod-db")
    refused = _said(stage, cast.bob, "who prod-db")
    assert "Alice" not in refused
    assert "Only those who own" in refused


@pytest.mark.parametrize("group", ["prod-db", "hr-secrets", "nothing-such"])
@pytest.mark.parametrize("who", ["bob", "alice"])
def test_who_owns_a_group_is_not_known_to_anybody_while_okta_is_silent(
    stage: Stage, cast: Cast, who: str, group: str
) -> None:
    reader = getattr(cast, who)
    _said(stage, reader, "mine")
    stage.org.is_down = True
    assert "I could not reach Okta in time" in _said(stage, reader, f"who {group}")


def test_an_admin_sees_who_holds_a_group_while_okta_is_silent(
    stage: Stage, cast: Cast
) -> None:
    _held(stage, cast)
    _said(stage, cast.ada, "mine")
    stage.org.is_down = True
    assert "Alice Example" in _said(stage, cast.ada, "who prod-db")


@pytest.mark.parametrize("how", ["<@{}>", "<@{}|alice>", "alice@example.com"])
def test_an_admin_revokes(stage: Stage, cast: Cast, how: str) -> None:
    _held(stage, cast)
    said = _said(stage, cast.ada, f"revoke {how.format(cast.alice)} prod-db")
    assert "Done: 1 ended or denied" in said
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert (grant.status, grant.cause) == (GrantStatus.REVOKED, Cause.REVOKED)
    assert stage.slack.wait_for_message(cast.alice, "it was revoked by Ada Example")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("alice@example.com prod-bd", "I know no group called “prod-bd”."),
        ("alicia@example.com prod-db", "I know nobody called alicia@example.com"),
        ("alice@example.com On Call", "They hold and await nothing of that here."),
    ],
)
def test_what_an_admin_misspells_is_not_said_to_be_over(
    stage: Stage, cast: Cast, typed: str, says: str
) -> None:
    _held(stage, cast)
    assert says in _said(stage, cast.ada, f"revoke {typed}")


def test_what_is_being_removed_is_said_to_be(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    _said(stage, cast.ada, "revoke alice@example.com prod-db")
    again = _said(stage, cast.ada, "revoke alice@example.com prod-db")
    assert again.startswith("It is being removed in Okta already.")


def test_revoking_all_denies_what_waits_too(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    stage.ask(cast.alice, "“on call” 1h OPS-13")
    assert "Done: 2" in _said(stage, cast.ada, f"revoke <@{cast.alice}> all")
    stage.work()
    statuses = {request.status for request in stage.rows(AccessRequest)}
    assert statuses == {RequestStatus.APPROVED, RequestStatus.DENIED}


@pytest.mark.parametrize(
    "typed", ["revoke <@U1> all", "freeze all", "unfreeze all", "activity"]
)
def test_what_is_for_admins_is_refused_to_others(
    stage: Stage, cast: Cast, typed: str
) -> None:
    _held(stage, cast)
    assert "Only admins can do that" in _said(stage, cast.olga, typed)
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.ACTIVE


@pytest.mark.parametrize("what", ["all", "prod-db", "<@{}>"])
def test_a_freeze_stops_asking_until_it_is_lifted(
    stage: Stage, cast: Cast, what: str
) -> None:
    typed = what.format(cast.alice)
    assert "Frozen" in _said(stage, cast.ada, f"freeze {typed}")
    assert "frozen" in _said(stage, cast.alice, "okta-group prod-db 1h OPS-12 x")
    assert stage.rows(AccessRequest) == []
    assert "Unfrozen" in _said(stage, cast.ada, f"unfreeze {typed}")
    stage.ask(cast.alice)
    assert len(stage.rows(AccessRequest)) == 1
    kinds = [event.kind for event in stage.rows(Event)]
    assert kinds.count("frozen") == kinds.count("unfrozen") == 1


def test_a_freeze_stops_what_is_approved_and_not_yet_tried(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    _said(stage, cast.ada, "freeze prod-db")
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.FAILED
    assert stage.slack.wait_for_message(cast.alice, "has frozen")


def test_who_holds_keeps_it_through_a_freeze_and_can_end_it(
    stage: Stage, cast: Cast
) -> None:
    _held(stage, cast)
    _said(stage, cast.ada, "freeze all")
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    stage.slack.press(cast.alice, "end", message)
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.REVOKED


def _activity(stage: Stage, user: str) -> str:
    stage.settle()
    view = stage.slack.view(user)
    assert view is not None
    assert view["title"]["text"] == "Activity"
    return str(view["blocks"])


def test_activity_tells_an_admin_what_happened_last(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    stage.slack.command(cast.ada, "activity")
    shown = _activity(stage, cast.ada)
    assert "grant active" in shown
    assert "Olga Example: request approved, Alice Example · prod-db" in shown


def test_activity_is_turned_page_by_page_and_filtered(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    stage.slack.command(cast.ada, "activity")
    newest = "grant active, Alice Example · prod-db (no. 14)"
    assert newest in _activity(stage, cast.ada)
    stage.slack.press(cast.ada, "activity_older")
    older = _activity(stage, cast.ada)
    assert "person linked" in older
    assert newest not in older
    stage.slack.press(cast.ada, "activity_newest")
    assert newest in _activity(stage, cast.ada)
    stage.slack.choose(cast.ada, "activity_kind", "grant")
    shown = _activity(stage, cast.ada)
    assert "grant active" in shown
    assert "request approved" not in shown


@pytest.mark.parametrize(("about", "other"), [("prod-db", "On Call"), ("{}", "bob")])
def test_activity_of_one_group_or_person_shows_nothing_else(
    stage: Stage, cast: Cast, about: str, other: str
) -> None:
    _held(stage, cast)
    stage.ask(cast.bob, "“On Call” 1h OPS-12")
    stage.slack.command(cast.ada, f"activity {about.format(f'<@{cast.alice}>')}")
    shown = _activity(stage, cast.ada)
    assert "grant active" in shown
    assert other not in shown


def test_an_admin_revokes_from_the_home_tab(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    stage.slack.open_home(cast.ada)
    stage.work()
    stage.slack.press(cast.ada, "open_revoke")
    stage.slack.submit(cast.ada, {"who": cast.alice, "what": "prod-db"})
    assert "Done: 1 ended" in str(stage.slack.view(cast.ada))
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.REVOKED


def test_an_admin_freezes_and_unfreezes_from_the_home_tab(
    stage: Stage, cast: Cast
) -> None:
    stage.slack.open_home(cast.ada)
    stage.work()
    stage.slack.press(cast.ada, "open_freeze")
    stage.slack.submit(cast.ada, {"what": "prod-db"})
    assert "Frozen: prod-db" in str(stage.slack.view(cast.ada))
    stage.slack.close_view(cast.ada)
    stage.slack.open_home(cast.ada)
    stage.work()
    stage.slack.press(cast.ada, "unfreeze")
    stage.work()
    assert "Frozen: nothing" in str(stage.slack.home(cast.ada))
    stage.ask(cast.alice)
    assert len(stage.rows(AccessRequest)) == 1


@pytest.mark.parametrize(
    ("typed", "meant"), [("mien", "mine"), ("waitng", "waiting"), ("okta-grp", "okta")]
)
def test_a_slip_of_the_finger_is_led_to_what_was_meant(
    stage: Stage, cast: Cast, typed: str, meant: str
) -> None:
    assert f"Did you mean “{meant}" in _said(stage, cast.alice, typed)


@pytest.mark.parametrize("typed", ["#prod-db", "<#C0PROD|prod-db>", "“prod-db”"])
def test_a_group_is_known_however_it_is_typed(
    stage: Stage, cast: Cast, typed: str
) -> None:
    ack = stage.slack.command(cast.alice, f"okta-group {typed} 1h OPS-12 x")
    assert "You asked for prod-db for 1 h." in ack.text


def test_the_shortcut_opens_the_form(stage: Stage, cast: Cast) -> None:
    assert stage.slack.shortcut(cast.alice, "request_access").ok
    assert stage.slack.view(cast.alice) is not None


def test_the_home_tab_shows_all_that_is_theirs(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    stage.ask(cast.alice, "“on call” 1h OPS-13")
    stage.slack.open_home(cast.alice)
    stage.work()
    shown = str(stage.slack.home(cast.alice))
    assert "What you hold" in shown
    assert "What you asked for" in shown
    assert "Ask again" in shown
    assert "For admins" not in shown
    stage.slack.open_home(cast.olga)
    stage.work()
    assert "Waiting for your answer" in str(stage.slack.home(cast.olga))


def test_the_home_tab_shows_admins_the_state(stage: Stage, cast: Cast) -> None:
    _held(stage, cast)
    _said(stage, cast.ada, "freeze prod-db")
    stage.slack.open_home(cast.ada)
    stage.work()
    shown = str(stage.slack.home(cast.ada))
    assert "1 grants live, 0 requests wait. Frozen: prod-db." in shown
    assert "https://grafana.example.com" in shown


def test_more_is_asked_for_and_given(stage: Stage, cast: Cast) -> None:
    grant = _held(stage, cast)
    message = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    stage.slack.press(cast.alice, "extend", message)
    assert stage.slack.submit(cast.alice).ok
    stage.work()
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    (longer,) = stage.rows(AccessGrant)
    assert longer.expires_at == grant.expires_at + timedelta(hours=1)
    assert stage.slack.wait_for_message(cast.alice, "Approved by Olga Example")


def test_a_nudge_that_comes_too_soon_is_refused_kindly(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    sent = stage.slack.wait_for_message(cast.alice, "You asked for prod-db")
    stage.slack.press(cast.alice, "nudge", sent)
    stage.settle()
    told = stage.slack.ephemerals(cast.alice)[-1]
    assert "a little while ago" in told.text
