"""Points of a run, faults at them, and plans: what is to go wrong, and where.

A plan is written as `kill_after@commit:answer:1,500@okta:PUT-groups/prod:1`, so
that a failure can be typed again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

AT_COMMITS = ("kill_before", "kill_after", "locked", "forward", "back")
"""Killed with the work done but not committed, and with it committed; the
database locked; the wall clock an hour of a shortened day ahead, and back."""

AT_CALLS = (
    *("kill_before", "kill_after", "429", "500", "timeout_before"),
    *("timeout_after", "late", "cut_before", "cut_after", "forward", "back"),
)
KILLS = frozenset({"kill_before", "kill_after"})
UNANSWERED = frozenset({"timeout_after", "late", "cut_after"})
"""After these the bot cannot know that its call had its effect."""

AT_READS = tuple(kind for kind in AT_CALLS if kind not in {"kill_after", *UNANSWERED})
"""A read has no effect that could have come before, or could come late."""

SLACK_READS = frozenset({"apps.connections.open", "auth.test", "users.list"})
KILLED_AGAIN = 5
"""Where a thing is done again and again, it is killed so many times."""

STEPS = {"forward": 72.0, "back": -72.0}


@dataclass(frozen=True, order=True)
class Point:
    """A place in a run: the `nth` time, from 1, that `verb` is done to `subject`.

    The verbs are commit, okta and slack.
    """

    verb: str
    subject: str
    nth: int

    @property
    def faults(self) -> tuple[str, ...]:
        """What can go wrong here."""
        if self.verb == "commit":
            return AT_COMMITS
        return AT_READS if self.is_read else AT_CALLS

    @property
    def is_read(self) -> bool:
        """Whether this is a call that changes nothing."""
        return self.subject.startswith("GET-") or self.subject in SLACK_READS

    @property
    def singles(self) -> tuple[str, ...]:
        """What is to go wrong here alone: all of it where a thing is first done.

        Where it is done again there is a kill, before and after it in turn.
        """
        if self.nth == 1:
            return self.faults
        if self.nth > KILLED_AGAIN:
            return ()
        after = self.nth % 2 and not self.is_read
        return ("kill_after",) if after else ("kill_before",)

    def __str__(self) -> str:
        return f"{self.verb}:{self.subject}:{self.nth}"

    @classmethod
    def read(cls, text: str) -> Self:
        verb, subject, nth = text.split(":")
        return cls(verb, subject, int(nth))


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that goes wrong, once, at one point."""

    kind: str
    point: Point

    def __str__(self) -> str:
        return f"{self.kind}@{self.point}"

    @classmethod
    def read(cls, text: str) -> Self:
        kind, _, point = text.partition("@")
        return cls(kind, Point.read(point))


Plan = tuple[Fault, ...]


def write_plan(plan: Plan) -> str:
    """Return `plan` as one types it; empty when nothing goes wrong."""
    return ",".join(str(fault) for fault in plan)


def read_plan(text: str) -> Plan:
    """Return the plan that `text` writes. Raises ValueError when it is none."""
    return tuple(Fault.read(each) for each in text.split(",") if each)


class Counting:
    """Counts how often each point was passed, and which faults are still to come."""

    def __init__(self, plan: Plan, counts: dict[str, int] | None = None) -> None:
        self.plan = list(plan)
        self.counts = dict(counts or {})

    def pass_by(self, verb: str, subject: str) -> tuple[Point, Fault | None]:
        """Return the point that is passed now, and the fault that is met there."""
        name = f"{verb}:{subject}"
        self.counts[name] = self.counts.get(name, 0) + 1
        point = Point(verb, subject, self.counts[name])
        met = next((fault for fault in self.plan if fault.point == point), None)
        if met is not None:
            self.plan.remove(met)
        return point, met


def single_faults(points: Iterable[Point]) -> list[Plan]:
    """Return the plans in which one thing goes wrong at one of `points`."""
    return [(Fault(kind, point),) for point in points for kind in point.singles]
