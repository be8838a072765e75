"""A campaign takes hours: one that was stopped goes on, and counts as one."""

from pathlib import Path

from tests.chaos.__main__ import Tally
from tests.chaos.lane import Case, Outcome
from tests.chaos.plan import Point

DENIED = Case("denied", "500@okta:GET-groups:1")
POINTS = {"denied": [Point("okta", "GET-groups", 1)]}


def tally(folder: Path, *, goes_on: bool) -> Tally:
    return Tally(folder / "played", folder / "failures", goes_on=goes_on)


def stopped(folder: Path) -> None:
    first = tally(folder, goes_on=False)
    first.keep(POINTS)
    first.add(Outcome(DENIED, broken=[("I8", "nobody was told")], met=["500"]))


def test_what_was_played_before_is_not_played_again(tmp_path: Path) -> None:
    stopped(tmp_path)
    second = tally(tmp_path, goes_on=True)
    assert second.points == POINTS
    assert second.cases == {str(DENIED)}
    assert (second.faults, second.broken) == (1, 1)


def test_a_new_campaign_begins_with_nothing(tmp_path: Path) -> None:
    stopped(tmp_path)
    second = tally(tmp_path, goes_on=False)
    assert not second.points
    assert not second.cases
    assert second.broken == 0
