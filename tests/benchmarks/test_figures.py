"""Figures, and the runner that prints them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks.figures import Figure, percentile, report

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 50), (50.5, 51), (99, 99), (100, 100)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert (
        percentile([float(value) for value in range(100, 0, -1)], percent) == expected
    )


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 101), ([1.0], -1)])
def test_there_is_no_percentile_of_nothing(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


def test_a_figure_is_one_json_line_with_its_ratio(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(Figure(figure="ack p50", unit="ms", ours=3.14159, peer="bolt", theirs=2.0))
    printed = capsys.readouterr().out
    assert printed.endswith("}\n")
    assert json.loads(printed) == {
        "figure": "ack p50",
        "unit": "ms",
        "ours": 3.142,
        "peer": "bolt",
        "theirs": 2.0,
        "ratio": 1.571,
    }


def test_a_figure_without_a_peer_has_no_ratio() -> None:
    alone = json.loads(Figure(figure="approve p50", unit="ms", ours=4.0).line())
    assert (alone["peer"], alone["theirs"], alone["ratio"]) == (None, None, None)


def test_every_benchmark_can_be_run_by_its_name() -> None:
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert set(runner.names()) == files - {"__init__", "__main__", "figures"}


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("There is no benchmark nothing. There are: ")
