"""One world in a process of its own, one case after the other.

It reads a case a line, and answers with a line: what broke, which points were
passed, which faults were met, and how long it took.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.judge import grants_of, judge, settle
from tests.chaos.people import People
from tests.chaos.plan import KILLS, read_plan
from tests.chaos.scenarios import SCENARIOS, SETTINGS, Stage
from tests.chaos.world import USUAL, Broken, World

YOUNG = 2.0
"""Seconds in which a bot that was just born may not listen to signals yet."""

HURRIED = "plain_life"
"""The scenario in which somebody asks while the bot is still coming up."""

LOGGED = 6000
"""How much of the bot's log a failure shows, in characters."""


@dataclass(frozen=True)
class Case:
    """A scenario under a plan, played by the right bot or by a wrong one."""

    scenario: str
    plan: str = ""
    mutant: str = ""

    def __str__(self) -> str:
        return f"SCENARIO={self.scenario} PLAN={self.plan}"


@dataclass
class Outcome:
    """What came of a case. `broken` are promises, each with how."""

    case: Case
    broken: list[tuple[str, str]] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    opening: int = 0
    met: list[str] = field(default_factory=list)
    seconds: float = 0.0
    log: str = ""


def play(world: World, case: Case) -> Outcome:
    """Play one case to its end, and judge it."""
    began, outcome = time.monotonic(), Outcome(case)
    setting = SETTINGS.get(case.scenario, USUAL)
    world.begin(read_plan(case.plan), case.mutant, setting)
    stage = Stage(world, People(world))
    broken: list[Broken] = []
    try:
        if case.scenario != HURRIED:
            world.open()
        SCENARIOS[case.scenario](stage)
        settle(stage)
    except Broken as error:
        broken.append(error)
    status = world.stop()
    if status != 0 and not _was_killed(case, status) and not _was_new(world, status):
        broken.append(Broken("stop", f"the bot ended with {status}"))
    broken += judge(stage)
    outcome.broken = [(each.promise, each.how) for each in broken]
    outcome.points = [str(each) for each in world.history.points]
    outcome.opening = world.history.opening
    outcome.met = [str(each) for _, each in world.history.faults]
    outcome.seconds = round(time.monotonic() - began, 2)
    if broken:
        rows = "\n".join(grants_of(world))
        log = world.log.read_text()[-LOGGED:]
        outcome.log = f"{stage.people.seen()}\n{rows}\n{log}"
    return outcome


def _was_killed(case: Case, status: int) -> bool:
    """Tell whether the bot ended as planned: killed while it was being stopped."""
    planned = any(fault.kind in KILLS for fault in read_plan(case.plan))
    return planned and status == -signal.SIGKILL


def _was_new(world: World, status: int) -> bool:
    """Tell whether it was told to stop before it could hear that: nothing was begun."""
    lived = time.monotonic() - world.history.births[-1]
    return status == -signal.SIGTERM and lived < YOUNG


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    with World() as world:
        play(world, Case(HURRIED))  # lived by the parent itself: nobody looks
        for line in sys.stdin:
            outcome = play(world, Case(**json.loads(line)))
            answers.write(json.dumps(asdict(outcome)) + "\n")


def read_outcome(line: str) -> Outcome:
    """Return the outcome that a lane wrote."""
    fields: dict[str, Any] = json.loads(line)
    return Outcome(**{**fields, "case": Case(**fields["case"])})


if __name__ == "__main__":
    main()
