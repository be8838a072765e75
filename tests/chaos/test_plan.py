"""A plan as it is typed again: what a failure prints leads to the same faults."""

import pytest

from tests.chaos.plan import Fault, Point, read_plan, write_plan

ADD = Point("okta", "PUT-groups/prod/users/rita", 2)
ANSWER = Point("commit", "answer", 1)


@pytest.mark.parametrize(
    "plan",
    [(), (Fault("late", ADD),), (Fault("kill_after", ANSWER), Fault("500", ADD))],
)
def test_a_plan_that_is_written_is_read_again(plan: tuple[Fault, ...]) -> None:
    assert read_plan(write_plan(plan)) == plan
