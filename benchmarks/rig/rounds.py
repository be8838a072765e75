"""Rounds of load on several targets, in turn, and what they come to.

The machine is noisy: only what was measured in turn within one run may be
compared, and a figure is the median of its rounds.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.figures import Figure, report
from benchmarks.rig.load import Round, Target

OURS = "the bot"

Form = Mapping[str, str]
Measured = Mapping[str, Sequence[Round]]


async def in_turn(
    targets: Mapping[str, Target],
    forms: Callable[[str, int], Iterable[Form]],
    *,
    rounds: int,
    requests: int,
    clients: int,
) -> Measured:
    """Load each target in turn, `rounds` times, with as many `requests`.

    `forms` gives the next so many requests to the target of a name.
    """
    measured: dict[str, list[Round]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, target in targets.items():
            sent = list(forms(name, requests))
            measured[name].append(await target.load(sent, clients))
    return measured


def report_latency(figure: str, measured: Measured) -> None:
    """Print half of our requests' time beside that of each peer."""
    _report(figure, "ms", measured, lambda each: each.p50)


def report_rate(figure: str, measured: Measured) -> None:
    """Print how many requests a second we answer beside each peer."""
    _report(figure, "requests/s", measured, lambda each: each.per_second)


def _report(
    figure: str, unit: str, measured: Measured, value: Callable[[Round], float]
) -> None:
    medians = {
        name: statistics.median(map(value, rounds)) for name, rounds in measured.items()
    }
    ours = medians.pop(OURS)
    for peer, theirs in medians.items():
        report(Figure(figure=figure, unit=unit, ours=ours, peer=peer, theirs=theirs))
