"""Which plans are run, side by side, and what came of them.

    every_point   one thing that goes wrong, at every point of a scenario: each
                  fault where a thing is first done, a kill where it is done again
    kills         the same, killed and nothing else
    pairs         two things, drawn by a seed

The points of a scenario are those of a run in which nothing goes wrong. How the
bot comes up counts once for each way in which it is set up, since it is the same
in every scenario that has it set up so; and so does all that one scenario lives
as another does.
"""

import json
import queue
import random
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from tests.chaos.lane import Case, Outcome, read_outcome
from tests.chaos.mutants import MUTANTS
from tests.chaos.plan import KILLS, Fault, Plan, Point, single_faults, write_plan
from tests.chaos.scenarios import LIVED_AS, SCENARIOS, SETTINGS
from tests.chaos.world import USUAL


class Lanes:
    """Several worlds, each in its own process, that share the cases among them."""

    def __init__(self, count: int) -> None:
        self._lanes = [_lane() for _ in range(count)]

    def play(self, cases: Iterable[Case]) -> Iterator[Outcome]:
        """Play the cases and yield what came of each, as they come."""
        waiting, done = list(cases)[::-1], queue.Queue[Outcome | None]()
        workers = [
            threading.Thread(target=_feed, args=(lane, waiting, done), daemon=True)
            for lane in self._lanes
        ]
        for worker in workers:
            worker.start()
        left = len(workers)
        while left:
            outcome = done.get()
            if outcome is None:
                left -= 1
            else:
                yield outcome

    def close(self) -> None:
        """End the worlds."""
        for lane in self._lanes:
            assert lane.stdin
            lane.stdin.close()
        for lane in self._lanes:
            lane.wait(30)
            assert lane.stdout
            lane.stdout.close()


@contextmanager
def lanes(count: int) -> Iterator[Lanes]:
    """Open so many lanes until the block ends."""
    opened = Lanes(count)
    try:
        yield opened
    finally:
        opened.close()


def points_of(outcomes: Iterable[Outcome]) -> dict[str, list[Point]]:
    """Return the points of each scenario, as fault-free runs passed them."""
    come_up, points = set(), {}
    for each in sorted(outcomes, key=lambda o: (o.opening, o.case.scenario)):
        name = each.case.scenario
        setting = SETTINGS.get(name, USUAL).coming_up
        begin = each.opening if setting in come_up else 0
        points[name] = [Point.read(text) for text in each.points[begin:]]
        come_up.add(setting)
    for name, same in LIVED_AS.items():
        if name in points:
            points[name] = [each for each in points[name] if each not in points[same]]
    return {name: points[name] for name in SCENARIOS if name in points}


def fault_free() -> list[Case]:
    """Return each scenario with nothing going wrong."""
    return [Case(name) for name in SCENARIOS]


def every_point(scenario: str, points: Iterable[Point]) -> list[Case]:
    """Return the scenario with each single fault of each of its points."""
    return [_case(scenario, plan) for plan in single_faults(points)]


def kills(scenario: str, points: Iterable[Point]) -> list[Case]:
    """Return the scenario killed once, before and after each of its points."""
    return [
        _case(scenario, (Fault(kind, point),))
        for point in points
        for kind in sorted(KILLS)
    ]


def first_of_each(points: Iterable[Point]) -> list[Point]:
    """Return where each thing is done for the first time."""
    return [point for point in points if point.nth == 1]


def caught(opened: Lanes) -> set[str]:
    """Return the wrong bots of which a case sees that they break what they break."""
    cases = [
        Case(scenario, plan, name)
        for name, mutant in MUTANTS.items()
        for scenario, plan in mutant.caught_by
    ]
    return {
        outcome.case.mutant
        for outcome in opened.play(cases)
        if MUTANTS[outcome.case.mutant].breaks in dict(outcome.broken)
    }


def pairs(points: dict[str, list[Point]], count: int, seed: int) -> list[Case]:
    """Return so many cases in which two things go wrong, drawn by `seed`."""
    chosen = random.Random(seed)  # noqa: S311 -- to be drawn again, not to be secret
    cases = []
    for _ in range(count):
        scenario = chosen.choice(sorted(points))
        where = chosen.sample(points[scenario], 2)
        plan = tuple(Fault(chosen.choice(point.faults), point) for point in where)
        cases.append(_case(scenario, plan))
    return cases


def sample(cases: list[Case], count: int, seed: int) -> list[Case]:
    """Return so many of `cases`, drawn by `seed`."""
    chosen = random.Random(seed)  # noqa: S311 -- as above
    return chosen.sample(cases, min(count, len(cases)))


def _case(scenario: str, plan: Plan) -> Case:
    return Case(scenario, write_plan(plan))


def _lane() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.lane"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def _feed(
    lane: subprocess.Popen[str],
    waiting: list[Case],
    done: "queue.Queue[Outcome | None]",
) -> None:
    """Give a lane one case after the other until there are none."""
    assert lane.stdin
    assert lane.stdout
    try:
        while waiting:
            lane.stdin.write(json.dumps(asdict(waiting.pop())) + "\n")
            lane.stdin.flush()
            done.put(read_outcome(lane.stdout.readline()))
    finally:
        done.put(None)
