"""Notices become messages: at least once, as their rows are at that moment."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot.core.words import GrantStatus, StaleState
from bot.sandbox.faults import Kind
from bot.slack.calls import LONGEST_TOLD
from bot.slack.errors import SlackRefused, SlackUnavailable
from bot.store import claims, moves
from bot.store.tables import AccessGrant, AccessRequest, Notice
from bot.workflow.notices import tell
from tests.slack.conftest import Cast
from tests.slack.stage import Stage


@pytest.fixture
def alert(stage: Stage, cast: Cast) -> Notice:
    """An alert to Olga, due now and claimed."""
    stage.database.transact(
        tell,
        "alert",
        cast.olga,
        key="alert",
        now=stage.now,
        facts={"text": "Mind <!channel> & co"},
    )
    return _claim(stage)


def _claim(stage: Stage) -> Notice:
    (claimed,) = stage.database.transact(
        claims.claim,
        Notice,
        owner="test",
        now=stage.now,
        lease=stage.timing.lease,
        most=1,
    )
    return claimed


def _carry_out(stage: Stage, notice: Notice) -> None:
    stage.run(stage.messenger.carry_out(notice, lambda: None))


def _calls(stage: Stage, method: str) -> int:
    return sum(call.method == method for call in stage.slack.calls)


def test_what_was_shown_is_written_with_its_place(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    _carry_out(stage, alert)
    (message,) = stage.slack.messages(cast.olga)
    assert message.text == "Mind &lt;!channel&gt; &amp; co"
    row = stage.notice("alert", cast.olga)
    assert (row.channel, row.ts) == (message.channel, message.ts)
    assert (row.shown_version, row.due_at, row.lease_until) == (1, None, None)
    assert row.posted_at == stage.now
    assert row.tries == 0


def test_what_one_person_is_told_keeps_its_order(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    for number in range(3):
        facts = {"text": f"Later {number}"}
        key = f"later{number}"
        stage.database.transact(
            tell, "alert", cast.olga, key=key, now=stage.now, facts=facts
        )
    later = _claim(stage)
    with pytest.raises(SlackUnavailable):
        _carry_out(stage, later)
    assert stage.slack.messages(cast.olga) == []
    _carry_out(stage, alert)
    _carry_out(stage, later)
    texts = [message.text for message in stage.slack.messages(cast.olga)]
    assert texts == ["Mind &lt;!channel&gt; &amp; co", "Later 0"]


def test_what_slack_keeps_refusing_holds_up_nobody_for_long(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    stage.database.transact(
        tell, "alert", cast.olga, key="later", now=stage.now, facts={"text": "Later"}
    )
    later = _claim(stage)
    stage.database.transact(_tried_often, alert.id)
    _carry_out(stage, later)
    assert [m.text for m in stage.slack.messages(cast.olga)] == ["Later"]


def _tried_often(session: Session, notice_id: int | None) -> None:
    session.get_one(Notice, notice_id).tries = 5


def test_a_call_names_no_link_to_unfurl(stage: Stage, alert: Notice) -> None:
    _carry_out(stage, alert)
    post = next(c for c in stage.slack.calls if c.method == "chat.postMessage")
    assert post.args["unfurl_links"] in (False, "0", "false")
    assert post.args["unfurl_media"] in (False, "0", "false")


@pytest.mark.parametrize("kind", ["429", "500", "503", "cut_before", "html"])
def test_what_may_work_later_is_tried_again(
    stage: Stage, cast: Cast, alert: Notice, kind: Kind
) -> None:
    stage.slack.fail("chat.postMessage", kind)
    with pytest.raises(SlackUnavailable):
        _carry_out(stage, alert)
    row = stage.notice("alert", cast.olga)
    assert row.due_at is not None
    assert row.dropped is None
    stage.pass_time(timedelta(hours=1))
    _carry_out(stage, alert)
    assert len(stage.slack.messages(cast.olga)) == 1


def test_a_slack_that_never_answers_is_left_in_time(
    stage: Stage, alert: Notice
) -> None:
    stage.timing = stage.timing.scaled(0.01)
    stage.messenger._timing = stage.timing
    stage.slack.fail("chat.postMessage", "timeout_before")
    with pytest.raises(SlackUnavailable):
        _carry_out(stage, alert)
    stage.slack.mend()


def test_a_method_is_left_alone_as_long_as_slack_says(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    stage.slack.fail("chat.postMessage", "429", retry_after=30)
    with pytest.raises(SlackUnavailable) as first:
        _carry_out(stage, alert)
    assert first.value.retry_after == timedelta(seconds=30)
    stage.pass_time(timedelta(seconds=10))
    with pytest.raises(SlackUnavailable) as second:
        _carry_out(stage, alert)
    assert second.value.retry_after == timedelta(seconds=20)
    assert _calls(stage, "chat.postMessage") == 1
    stage.pass_time(timedelta(seconds=20))
    _carry_out(stage, alert)
    assert stage.slack.messages(cast.olga)


def test_a_slack_that_says_come_back_in_years_silences_us_for_minutes(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    stage.slack.fail("chat.postMessage", "429", retry_after=10**8)
    with pytest.raises(SlackUnavailable) as told:
        _carry_out(stage, alert)
    assert told.value.retry_after == LONGEST_TOLD


def test_who_is_gone_from_slack_is_written_to_no_more(
    stage: Stage, alert: Notice
) -> None:
    alert.recipient = "U0NOBODY00"
    with Session(stage.database.engine) as session, session.begin():
        session.merge(alert)
    _carry_out(stage, alert)
    (row,) = stage.rows(Notice)
    assert row.dropped in ("user_not_found", "channel_not_found")
    assert row.due_at is None


def test_a_request_of_which_nobody_could_be_told_is_told_to_the_integration_owner(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    for approver in (cast.olga, cast.otto):
        assert not _untold(stage)
        _carry_out(stage, _unsent(stage, approver))
    assert "nobody who may answer could be told in Slack" in _untold(stage)[0]


def _unsent(stage: Stage, approver: str) -> Notice:
    """Let a card be as before it was sent, and its reader gone from Slack."""
    card = stage.notice("card", approver)
    card.ts, card.due_at, card.recipient = None, stage.now, f"U0NOBODY{approver[-2:]}"
    with Session(stage.database.engine) as session, session.begin():
        session.merge(card)
    return card


def _untold(stage: Stage) -> list[str]:
    return [
        str(each.facts["text"])
        for each in stage.rows(Notice)
        if each.key.startswith("untold:")
    ]


def test_a_refused_token_is_an_alarm_and_loses_nothing(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    stage.slack.revoke_token()
    with pytest.raises(SlackRefused):
        _carry_out(stage, alert)
    row = stage.notice("alert", cast.olga)
    assert row.due_at is not None
    assert row.dropped is None
    stage.slack.restore_token()


def test_nothing_is_sent_when_the_claim_has_run_out(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    def lost() -> None:
        raise StaleState("the lease has run out")

    with pytest.raises(StaleState):
        stage.run(stage.messenger.carry_out(alert, lost))
    assert not stage.slack.messages(cast.olga)


def test_who_lost_the_claim_writes_nothing(
    stage: Stage, cast: Cast, alert: Notice
) -> None:
    stage.pass_time(stage.timing.lease * 2)
    again = _claim(stage)
    with pytest.raises(StaleState):
        _carry_out(stage, alert)
    assert stage.notice("alert", cast.olga).ts is None
    _carry_out(stage, again)
    assert stage.notice("alert", cast.olga).ts is not None


def test_a_change_while_it_is_drawn_leaves_it_due(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    (request,) = stage.rows(AccessRequest)
    stage.database.transact(moves.redraw, request, stage.now)
    card = next(n for n in _due(stage) if n.recipient == cast.olga)

    def meanwhile() -> None:
        stage.database.transact(moves.redraw, request, stage.now)

    stage.run(stage.messenger.carry_out(card, meanwhile))
    row = stage.notice("card", cast.olga)
    assert row.shown_version == row.wanted_version - 1
    assert row.due_at is not None
    assert row.lease_until is None


def _due(stage: Stage) -> list[Notice]:
    return stage.database.transact(
        claims.claim,
        Notice,
        owner="test",
        now=stage.now,
        lease=stage.timing.lease,
        most=9,
    )


def test_a_card_deleted_in_slack_is_drawn_no_more(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    (card,) = stage.slack.messages(cast.olga)
    stage.run(_delete(stage, card.channel, card.ts))
    stage.slack.press(cast.otto, "approve", stage.card(cast.otto))
    stage.work()
    assert stage.notice("card", cast.olga).dropped == "message_not_found"
    assert stage.card(cast.otto).shows("Approved by Otto")


async def _delete(stage: Stage, channel: str, ts: str) -> None:
    await stage.desk.client.chat_delete(channel=channel, ts=ts)


def test_a_warning_is_never_sent_after_the_end_it_warns_of(
    stage: Stage, cast: Cast
) -> None:
    grant = _held(stage, cast)
    stage.pass_time(timedelta(minutes=50))
    _warn(stage, cast, grant)
    stage.pass_time(timedelta(minutes=10))
    stage.work()
    assert stage.notice("warning", cast.alice).dropped
    assert not any(m.shows("ends") for m in stage.slack.messages(cast.alice))


def test_a_warning_of_what_has_ended_is_not_sent(stage: Stage, cast: Cast) -> None:
    grant = _held(stage, cast)
    granted = stage.slack.wait_for_message(cast.alice, "You have prod-db until")
    _warn(stage, cast, grant)
    stage.slack.press(cast.alice, "end", granted)
    stage.work()
    assert stage.notice("warning", cast.alice).dropped


def test_a_card_says_when_it_is_no_longer_theirs(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)

    def route_to_olga(session: Session) -> None:
        request = session.exec(select(AccessRequest)).one()
        routing = {**request.routing, "people": ["00uolga"]}
        moves.advance(
            session, request, "routed", by="bot", now=stage.now, routing=routing
        )
        moves.redraw(session, request, stage.now)

    stage.database.transact(route_to_olga)
    stage.work()
    assert stage.card(cast.otto).shows("This is no longer yours to answer.")
    assert not stage.card(cast.otto).buttons
    assert stage.card(cast.olga).buttons


def test_a_failed_grant_is_told_with_its_reason(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.org.memberships[cast.prod_db] = {"00ualice"}
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    assert grant.status is GrantStatus.FAILED
    told = stage.slack.wait_for_message(cast.alice, "You were not given prod-db")
    assert told.shows("You are a member of “prod-db” already, without this bot.")
    stage.slack.wait_for_message(cast.alice, "but it was not given.")


def _held(stage: Stage, cast: Cast) -> AccessGrant:
    stage.ask(cast.alice)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    (grant,) = stage.rows(AccessGrant)
    return grant


def _warn(stage: Stage, cast: Cast, grant: AccessGrant) -> None:
    def write(session: Session) -> None:
        held = session.exec(
            select(AccessGrant).where(col(AccessGrant.id) == grant.id)
        ).one()
        tell(session, "warning", cast.alice, key="warning", now=stage.now, grant=held)

    stage.database.transact(write)
