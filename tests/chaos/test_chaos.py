"""The promises under faults: the short form of `make chaos`.

The real bot, forked and really killed, on a deterministic sample of plans. It wants
the machine to itself, so `make test` runs it after all others.
"""

from collections.abc import Iterator

import pytest

from tests.chaos.campaign import (
    Lanes,
    caught,
    every_point,
    first_of_each,
    kills,
    lanes,
    pairs,
    points_of,
    sample,
)
from tests.chaos.lane import Case, Outcome
from tests.chaos.mutants import MUTANTS
from tests.chaos.plan import Point
from tests.chaos.scenarios import SCENARIOS

pytestmark = pytest.mark.long

SEED = 20260105
SIDE_BY_SIDE = 5
KILLED = "plain_life"
SHORT = tuple(SCENARIOS)[:8]
"""The life of a request. The other scenarios are those of upkeep: `make chaos`."""

KILLS = 6
FAULTS = 8
PAIRS = 4


@pytest.fixture(scope="module")
def opened() -> Iterator[Lanes]:
    """Worlds side by side: a case waits more than it works."""
    with lanes(SIDE_BY_SIDE) as opened:
        yield opened


@pytest.fixture(scope="module")
def points(opened: Lanes) -> dict[str, list[Point]]:
    """The points of each scenario, which keeps its promises without a fault."""
    return points_of(_hold(opened, [Case(name) for name in SHORT]))


def test_every_scenario_keeps_every_promise_without_a_fault(
    points: dict[str, list[Point]],
) -> None:
    assert tuple(points) == SHORT


def test_a_kill_where_something_is_first_done_breaks_no_promise(
    opened: Lanes, points: dict[str, list[Point]]
) -> None:
    cases = kills(KILLED, sorted(first_of_each(points[KILLED])))
    _hold(opened, sample(cases, KILLS, SEED))


def test_faults_drawn_by_a_seed_break_no_promise(
    opened: Lanes, points: dict[str, list[Point]]
) -> None:
    cases = [
        case
        for scenario in SHORT
        for case in every_point(scenario, sorted(points[scenario]))
    ]
    _hold(opened, sample(cases, FAULTS, SEED))


def test_pairs_of_faults_drawn_by_a_seed_break_no_promise(
    opened: Lanes, points: dict[str, list[Point]]
) -> None:
    _hold(opened, pairs(points, PAIRS, SEED))


def test_every_wrong_bot_is_caught(opened: Lanes) -> None:
    assert caught(opened) == MUTANTS.keys()


def _hold(opened: Lanes, cases: list[Case]) -> list[Outcome]:
    """Play cases; fail with every broken promise, and how to see it again.

    What broke is played once more with nothing beside it: a machine that has no time
    for a call breaks its deadlines, and no promise. `make chaos` plays nothing twice.
    """
    outcomes = {str(each.case): each for each in opened.play(cases)}
    for each in [each for each in outcomes.values() if each.broken]:
        [outcomes[str(each.case)]] = opened.play([each.case])
    broken = [each for each in outcomes.values() if each.broken]
    told = [f"make chaos {each.case}\n{each.broken}\n{each.log}" for each in broken]
    assert not broken, "\n\n".join(told)
    return [*outcomes.values()]
