"""`make chaos`: every fault at every point, pairs of them, and the wrong bots.

make chaos                                   all of it
make chaos SCENARIO=denied                   every point of one scenario
make chaos SCENARIO=denied PLAN=500@...      one case again, with its log
make chaos SEED=7 PAIRS=100                  other pairs
make chaos SINGLES=1500 SEED=7               so many single faults, drawn, not each
make chaos GO_ON=1                           what a run that was stopped had left
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.chaos.campaign import (
    Lanes,
    caught,
    every_point,
    fault_free,
    lanes,
    pairs,
    points_of,
    sample,
)
from tests.chaos.lane import Case, Outcome
from tests.chaos.mutants import MUTANTS
from tests.chaos.plan import Point
from tests.chaos.scenarios import SCENARIOS


class Tally:
    """What was played, and what broke, also by the runs before that this goes on.

    `played` has a line of JSON for the points, and one for each case.
    """

    def __init__(self, played: Path, failures: Path, *, goes_on: bool) -> None:
        self.points: dict[str, list[Point]] = {}
        self.cases: set[str] = set()
        self.faults = self.broken = 0
        self.seconds = 0.0
        self._since = time.monotonic()
        self._played, self._failures = played, failures
        played.parent.mkdir(exist_ok=True)
        if not goes_on:
            played.unlink(missing_ok=True)
        elif played.exists():
            for line in played.read_text().splitlines():
                self._count(json.loads(line))

    def keep(self, points: Mapping[str, list[Point]]) -> None:
        """Hold on to the points, of which the cases are."""
        self._note({"points": {name: list(map(str, p)) for name, p in points.items()}})

    def add(self, outcome: Outcome) -> None:
        """Count what came of a case, and show what broke."""
        now = time.monotonic()
        took, self._since = now - self._since, now
        self._note(
            {
                "case": str(outcome.case),
                "faults": len(outcome.met),
                "broken": bool(outcome.broken),
                "seconds": took,
            }
        )
        if len(self.cases) % 100 == 0:
            _say(f"{len(self.cases)} cases, {self.broken} broken")
        if outcome.broken:
            _say(f"BROKEN {outcome.case}: {outcome.broken}")
            with self._failures.open("a") as file:
                file.write(f"{outcome.case}\n{outcome.broken}\n{outcome.log}\n\n")

    def _note(self, line: dict[str, Any]) -> None:
        with self._played.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._count(line)

    def _count(self, line: dict[str, Any]) -> None:
        if "points" in line:
            self.points = {
                name: list(map(Point.read, points))
                for name, points in line["points"].items()
            }
            return
        self.cases.add(line["case"])
        self.faults += line["faults"]
        self.broken += line["broken"]
        self.seconds += line["seconds"]


def main() -> int:
    """Play what was asked for; 1 when a promise was broken."""
    asked = _arguments()
    with lanes(asked.lanes) as opened:
        if asked.plan is not None:
            return _again(opened, Case(asked.scenario, asked.plan, asked.mutant))
        tally = Tally(Path(asked.played), Path(asked.failures), goes_on=asked.go_on)
        if not tally.points:
            tally.keep(points_of(_played(opened, fault_free(), tally)))
        known = tally.points
        if asked.scenario:
            known = {asked.scenario: known[asked.scenario]}
        points = sum(len(each) for each in known.values())
        _say(f"{points} points in {len(known)} scenarios")
        seen = caught(opened)
        _say(f"{len(seen)} of {len(MUTANTS)} wrong bots caught")
        singles = [c for name, each in known.items() for c in every_point(name, each)]
        drawn = singles
        if asked.singles is not None:
            drawn = sample(singles, asked.singles, asked.seed)
        _say(f"{asked.pairs} pairs, {len(drawn)} of {len(singles)} single faults")
        # The pairs are of all scenarios: of a run that is stopped they tell most.
        _played(opened, pairs(known, asked.pairs, asked.seed), tally)
        _played(opened, drawn, tally)
    _say(
        f"{points} points, {len(tally.cases)} cases, {tally.faults} faults met, "
        f"{asked.pairs} pairs of seed {asked.seed}, {tally.broken} violations, "
        f"{len(seen)} of {len(MUTANTS)} wrong bots caught, {tally.seconds:.0f} s"
    )
    return 1 if tally.broken or len(seen) < len(MUTANTS) else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _played(opened: Lanes, cases: Iterable[Case], tally: Tally) -> list[Outcome]:
    outcomes = []
    for outcome in opened.play(c for c in cases if str(c) not in tally.cases):
        tally.add(outcome)
        outcomes.append(outcome)
    return outcomes


def _again(opened: Lanes, case: Case) -> int:
    [outcome] = opened.play([case])
    _say(f"{outcome.log}\n{case}\nmet {outcome.met}\nbroken {outcome.broken}")
    return 1 if outcome.broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", choices=[*SCENARIOS, ""], default="")
    parser.add_argument("--plan")
    parser.add_argument("--mutant", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--singles", type=int)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=5)
    parser.add_argument("--failures", default="build/chaos-failures.log")
    parser.add_argument("--played", default="build/chaos-played.jsonl")
    parser.add_argument("--go-on", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
