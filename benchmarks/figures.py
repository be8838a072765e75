"""Figures: percentiles, and one JSON line for each."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One thing measured: `ours`, and `theirs` where there is a `peer`.

    `ratio` is ours to theirs, whatever the unit; it is None without a peer.
    """

    figure: str
    unit: str
    ours: float
    peer: str | None = None
    theirs: float | None = None

    @property
    def ratio(self) -> float | None:
        if not self.theirs:
            return None
        return self.ours / self.theirs

    def line(self) -> str:
        """Return it as one JSON line, numbers to four significant digits."""
        values = {**asdict(self), "ratio": self.ratio}
        return json.dumps({name: _rounded(value) for name, value in values.items()})


def report(figure: Figure) -> None:
    """Print `figure` at once, so that a benchmark cut short has said something."""
    print(figure.line(), flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` with `percent` of them at or below it.

    Raises ValueError when there are none, or for a percent outside 0 to 100.
    """
    if not values or not 0 <= percent <= 100:
        raise ValueError(f"no {percent}th percentile of {len(values)} values")
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def milliseconds(seconds: float) -> float:
    """Return `seconds` in the unit latencies are reported in."""
    return seconds * 1000


def _rounded(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
