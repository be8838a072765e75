"""A card that was posted twice: whichever copy is clicked, both tell the outcome."""

from contextlib import suppress

from bot.core.words import RequestStatus
from bot.sandbox.slack.records import Message
from bot.slack.errors import SlackUnavailable
from bot.store.tables import AccessRequest, Notice
from tests.slack.conftest import Cast
from tests.slack.stage import Stage


def _posted_twice(stage: Stage, cast: Cast) -> list[Message]:
    """Ask, with the answer to Olga's card cut off; return both cards, oldest first."""
    stage.slack.command(cast.alice, "okta-group prod-db 1h OPS-12")
    stage.slack.fail("chat.postMessage", "cut_after", times=1)
    for _ in range(2):
        with suppress(SlackUnavailable):
            stage.work()
        stage.pass_time(stage.timing.lease * 4)
    cards = [m for m in stage.slack.messages(cast.olga) if m.shows("asks for")]
    assert len(cards) == 2
    return cards


def test_a_copy_that_is_clicked_changes_with_the_other(
    stage: Stage, cast: Cast
) -> None:
    unknown, _ = _posted_twice(stage, cast)
    assert stage.slack.press(cast.olga, "approve", unknown).ok
    stage.settle()
    stage.work()
    for card in stage.slack.messages(cast.olga):
        assert "approve" not in card.buttons, card.text
    (request,) = stage.rows(AccessRequest)
    assert request.status is RequestStatus.APPROVED


def test_a_copy_clicked_too_late_is_drawn_again(stage: Stage, cast: Cast) -> None:
    unknown, known = _posted_twice(stage, cast)
    stage.slack.press(cast.olga, "approve", known)
    stage.work()
    stage.slack.press(cast.olga, "approve", unknown)
    stage.settle()
    stage.work()
    shown = [m for m in stage.slack.messages(cast.olga) if m.ts == unknown.ts]
    assert "approve" not in shown[0].buttons
    assert "Approved by" in shown[0].text


def test_a_click_adopts_a_copy_once_and_a_known_message_never(
    stage: Stage, cast: Cast
) -> None:
    unknown, known = _posted_twice(stage, cast)
    before = len(stage.rows(Notice))
    for card in (known, unknown, unknown):
        stage.slack.press(cast.olga, "deny", card)
        stage.settle()
    copies = [n for n in stage.rows(Notice) if ":copy:" in n.key]
    assert [n.ts for n in copies] == [unknown.ts]
    assert len(stage.rows(Notice)) == before + 1
