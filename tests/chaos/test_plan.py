"""A plan as it is typed again, and what can go wrong at a point."""

import pytest

from tests.chaos.plan import UNANSWERED, Fault, Point, read_plan, write_plan

ADD = Point("okta", "PUT-groups/prod/users/rita", 2)
ANSWER = Point("commit", "answer", 1)


@pytest.mark.parametrize(
    "plan",
    [(), (Fault("late", ADD),), (Fault("kill_after", ANSWER), Fault("500", ADD))],
)
def test_a_plan_that_is_written_is_read_again(plan: tuple[Fault, ...]) -> None:
    assert read_plan(write_plan(plan)) == plan


def test_an_effect_can_be_lost_come_late_or_come_unanswered() -> None:
    assert {"kill_before", "kill_after", "late", "timeout_after"} <= set(ADD.faults)


@pytest.mark.parametrize(
    "read", [Point("okta", "GET-groups/prod", 1), Point("slack", "auth.test", 1)]
)
def test_a_read_has_no_effect_that_could_come_late(read: Point) -> None:
    assert set(ADD.faults) - set(read.faults) == {"kill_after", *UNANSWERED}
    assert {"kill_before", "429", "timeout_before", "cut_before"} <= set(read.faults)
