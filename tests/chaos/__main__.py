"""`make chaos`: every fault at every point, pairs of them, and the wrong bots.

make chaos                                   all of it
make chaos SCENARIO=denied                   every point of one scenario
make chaos SCENARIO=denied PLAN=500@...      one case again, with its log
make chaos SEED=7 PAIRS=100                  other pairs
make chaos SINGLES=1500 SEED=7               so many single faults, drawn, not each
"""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

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
from tests.chaos.scenarios import SCENARIOS


class Tally:
    """What was played, and what broke."""

    def __init__(self, failures: Path) -> None:
        self.cases = self.faults = 0
        self.broken: list[Outcome] = []
        self.failures = failures
        failures.parent.mkdir(exist_ok=True)

    def add(self, outcome: Outcome) -> None:
        self.cases += 1
        self.faults += len(outcome.met)
        if self.cases % 100 == 0:
            _say(f"{self.cases} cases, {len(self.broken)} broken")
        if outcome.broken:
            self.broken.append(outcome)
            _say(f"BROKEN {outcome.case}: {outcome.broken}")
            with self.failures.open("a") as file:
                file.write(f"{outcome.case}\n{outcome.broken}\n{outcome.log}\n\n")


def main() -> int:
    """Play what was asked for; 1 when a promise was broken."""
    asked = _arguments()
    began, tally = time.monotonic(), Tally(Path(asked.failures))
    with lanes(asked.lanes) as opened:
        if asked.plan is not None:
            return _again(opened, Case(asked.scenario, asked.plan, asked.mutant))
        known = points_of(_played(opened, fault_free(), tally))
        if asked.scenario:
            known = {asked.scenario: known[asked.scenario]}
        points = sum(len(each) for each in known.values())
        _say(f"{points} points in {len(known)} scenarios")
        seen = caught(opened)
        _say(f"{len(seen)} of {len(MUTANTS)} wrong bots caught")
        singles = [c for name, each in known.items() for c in every_point(name, each)]
        drawn = sample(singles, asked.singles or len(singles), asked.seed)
        _say(f"{len(drawn)} of {len(singles)} single faults")
        _played(opened, drawn, tally)
        _played(opened, pairs(known, asked.pairs, asked.seed), tally)
    _say(
        f"{points} points, {tally.cases} cases, {tally.faults} faults met, "
        f"{asked.pairs} pairs of seed {asked.seed}, {len(tally.broken)} violations, "
        f"{len(seen)} of {len(MUTANTS)} wrong bots caught, "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if tally.broken or len(seen) < len(MUTANTS) else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _played(opened: Lanes, cases: Iterable[Case], tally: Tally) -> list[Outcome]:
    outcomes = []
    for outcome in opened.play(cases):
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
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
