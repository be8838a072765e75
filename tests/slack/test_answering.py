"""Approve and Deny: who may, what each then sees, and who comes too late."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.core.words import GrantStatus, RequestStatus
from bot.slack.views import modal
from bot.store.tables import AccessGrant, AccessRequest, OktaGroup
from tests.slack.conftest import Cast
from tests.slack.stage import Stage


def _told(stage: Stage, user: str) -> str:
    """Return what was last told to one person alone."""
    stage.settle()
    return stage.slack.ephemerals(user)[-1].text


def _request(stage: Stage) -> AccessRequest:
    (request,) = stage.rows(AccessRequest)
    return request


def test_each_approver_gets_a_card_that_says_all(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    for approver in (cast.olga, cast.otto):
        card = stage.card(approver)
        asks = f"Alice Example (alice@example.com, <@{cast.alice}>) asks for prod-db"
        assert card.shows(f"{asks} for 1 h.")
        assert card.shows("OPS-12 slow queries")
        assert card.shows("About the group: Reads the production database")
        assert card.shows("You are asked because you own the integration corp-okta")
        assert card.shows("the resource owner names nobody")
        assert card.shows("They never had this group from here before.")
        assert card.shows("if nobody answers")
        assert list(card.buttons) == ["approve", "approve_less", "deny"]
    assert not stage.slack.messages(cast.bob)


def test_an_approval_changes_every_copy_and_grants(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    assert stage.slack.press(cast.olga, "approve", stage.card(cast.olga)).ok
    assert _request(stage).status is RequestStatus.APPROVED
    stage.work()
    for approver in (cast.olga, cast.otto):
        card = stage.card(approver)
        assert card.shows("Approved by Olga Example (olga@example.com")
        assert not card.buttons
    assert stage.slack.wait_for_message(cast.alice, "You have prod-db until")


def test_approved_is_not_yet_granted(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    sent = stage.notice("sent", cast.alice)
    stage.run(stage.messenger.carry_out(sent, lambda: None))
    (message,) = stage.slack.messages(cast.alice)
    assert message.text.endswith(
        "Approved by Olga Example (olga@example.com), granting…"
    )
    assert not message.buttons


def test_a_denial_takes_a_reason_and_tells_it(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "deny", stage.card(cast.olga))
    assert _request(stage).status is RequestStatus.PENDING
    stage.slack.submit(cast.olga, {modal.REASON: "use the *replica*"})
    assert stage.slack.view(cast.olga) is None
    stage.work()
    assert _request(stage).status is RequestStatus.DENIED
    denied = stage.slack.wait_for_message(cast.alice, "was denied by Olga Example")
    assert denied.shows("use the *replica*")
    card = stage.card(cast.otto)
    assert card.shows("Denied by Olga Example")
    assert card.shows("use the *replica*")
    assert not card.buttons


def test_a_reason_may_be_left_out(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "deny", stage.card(cast.olga))
    stage.slack.submit(cast.olga)
    assert _request(stage).status is RequestStatus.DENIED


def test_the_second_approver_is_told_who_was_first(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    shown = stage.card(cast.otto)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert stage.slack.press(cast.otto, "approve", shown).ok
    told = _told(stage, cast.otto)
    assert told.startswith("This has been answered already. Approved by Olga Example")
    stage.slack.press(cast.otto, "deny", shown)
    assert "Approved by Olga Example" in _told(stage, cast.otto)
    assert stage.slack.view(cast.otto) is None


def test_a_denial_that_comes_too_late_is_told_in_its_modal(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.otto, "deny", stage.card(cast.otto))
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.slack.submit(cast.otto, {modal.REASON: "no"})
    view = stage.slack.view(cast.otto)
    assert view is not None
    assert "Approved by Olga Example" in view["blocks"][0]["text"]["text"]
    assert _request(stage).status is RequestStatus.APPROVED


def test_a_repeated_click_approves_once(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.slack.redeliver(2)
    assert len(stage.rows(AccessGrant)) == 1


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_who_does_not_own_the_group_approves_nothing(
    stage: Stage, cast: Cast, who: str
) -> None:
    stage.ask(cast.alice)
    person = getattr(cast, who)
    card = stage.card(cast.olga)
    stage.slack.press(person, "approve", card, force=True)
    stage.settle()
    assert _request(stage).status is RequestStatus.PENDING
    assert not stage.rows(AccessGrant)


def test_a_forged_button_approves_nothing(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    card = replace(stage.card(cast.olga), blocks=[], ts="1.1")
    for value in ("", ":", "x", "nothing:1", "{}", "{}:", "{}:2", "{}:-1", "{}:²"):
        forged = value.format(_request(stage).id)
        ack = stage.slack.press(cast.olga, "approve", card, value=forged, force=True)
        assert ack.ok
        assert _request(stage).status is RequestStatus.PENDING, value


def test_stale_facts_are_read_anew_before_an_answer(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.pass_time(timedelta(hours=1))
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert _request(stage).status is RequestStatus.APPROVED


def test_an_okta_that_does_not_answer_lets_nobody_approve(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.pass_time(timedelta(hours=1))
    stage.org.is_down = True
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert "try again in a moment" in _told(stage, cast.olga)
    assert _request(stage).status is RequestStatus.PENDING


def test_a_group_that_cannot_be_read_anew_is_not_decided_on(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.command(cast.olga, "okta-group")  # so that she herself is known
    long_ago = stage.now - timedelta(hours=1)

    def age(session: Session) -> None:
        group = session.get_one(OktaGroup, ("corp-okta", cast.prod_db))
        group.read_at = long_ago
        session.add(group)

    stage.database.transact(age)
    stage.org.is_down = True
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    told = "I could not reach Okta in time. Please try again in a moment."
    assert _told(stage, cast.olga) == told
    stage.org.is_down = False
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert _request(stage).status is RequestStatus.APPROVED


def test_an_approver_who_left_is_refused(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.org.change_person("00uolga", status="DEPROVISIONED")
    stage.pass_time(timedelta(hours=1))
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert _told(stage, cast.olga)
    assert _request(stage).status is RequestStatus.PENDING


def test_nobody_approves_while_the_desk_is_closed(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.desk.closed = "Nothing can be approved right now."
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    assert _told(stage, cast.olga) == stage.desk.closed
    assert _request(stage).status is RequestStatus.PENDING


def test_a_request_nobody_answers_lapses_everywhere(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.pass_time(timedelta(hours=25))
    stage.work()
    assert stage.slack.wait_for_message(cast.alice, "prod-db for 1 h lapsed")
    card = stage.card(cast.olga)
    assert card.shows("Lapsed: nobody answered in time")
    assert not card.buttons


def test_what_was_had_and_denied_before_is_on_the_card(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "deny", stage.card(cast.olga))
    stage.slack.submit(cast.olga)
    stage.pass_time(timedelta(seconds=2))
    stage.ask(cast.alice)
    assert stage.card(cast.otto).shows("Before, they were denied it once.")
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    stage.pass_time(timedelta(hours=2))
    stage.work()
    assert {grant.status for grant in stage.rows(AccessGrant)} == {GrantStatus.REVOKED}
    stage.ask(cast.alice)
    assert stage.card(cast.otto).shows("Before, they had this group once, last until")
