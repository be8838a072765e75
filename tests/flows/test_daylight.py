"""The night the clocks go back: hours mean what they say on the wall, both times."""

import time
from datetime import UTC, datetime

import pytest

from bot.settings import Clock
from tests.flows.world import GROUP, WHY, World

HOURS = "timeframe: {days: [sun], from: '02:00', to: '03:00', time_zone: Europe/Paris}"


@pytest.mark.parametrize(
    ("at", "is_within"),
    [
        ("2026-10-24T23:50", False),  # 01:50, in summer still
        ("2026-10-25T00:30", True),  # 02:30 the first time
        ("2026-10-25T01:30", True),  # 02:30 the second time
        ("2026-10-25T02:05", False),  # 03:05, in winter by now
    ],
)
def test_the_hour_that_comes_twice_is_within_the_hours_both_times(
    world: World, at: str, is_within: bool
) -> None:
    ahead = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() - time.time()
    world.okta.set_clock_skew(ahead)
    world.policy["flow"] = HOURS
    clock = Clock(wall=lambda: time.time() + ahead)
    with world.bot(clock=clock):
        said = world.ask("rita", f"{GROUP} 1h {WHY}")
        assert ("You asked for" in said) is is_within, said
        if is_within:
            world.told("olga", "asks for")
        else:
            assert "Europe/Paris" in said
