"""One message a second to one channel, after a short burst."""

from datetime import UTC, datetime, timedelta

from bot.slack.pacing import BURST, EACH, Pace

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
AT_ONCE = timedelta()


def test_a_short_burst_goes_at_once_and_then_one_a_second() -> None:
    pace = Pace()
    assert [pace.take("D1", NOW) for _ in range(BURST)] == [AT_ONCE] * BURST
    assert pace.take("D1", NOW) == EACH
    assert pace.take("D1", NOW + EACH) == AT_ONCE
    assert pace.take("D1", NOW + EACH) == EACH


def test_each_channel_has_its_own() -> None:
    pace = Pace()
    for _ in range(BURST):
        pace.take("D1", NOW)
    assert pace.take("D2", NOW) == AT_ONCE


def test_after_a_rest_a_burst_goes_again() -> None:
    pace = Pace()
    for _ in range(BURST):
        pace.take("D1", NOW)
    later = NOW + timedelta(minutes=1)
    assert [pace.take("D1", later) for _ in range(BURST)] == [AT_ONCE] * BURST


def test_a_clock_that_is_set_back_holds_up_nobody() -> None:
    pace = Pace()
    for _ in range(BURST):
        pace.take("D1", NOW)
    assert pace.take("D1", NOW - timedelta(hours=1)) == AT_ONCE
