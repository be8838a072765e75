"""Discovery of 20,000 groups, beside the official `okta` package.

Both list the same org, in pages of the same size, with the stats of each group,
and end with an object for each; ours also reads the org's group rules. Each
listing is a process of its own, in turn, and no limit is in its way. The org is
a process too: the seconds count its share, the processor time does not.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence

from benchmarks.figures import Figure, report
from benchmarks.rig.listing import CLIENTS
from benchmarks.rig.org import Org, org_of

GROUPS = 20_000
ROUNDS = 3
PEER = "the okta package"
UNITS = {"seconds": "s", "busy": "s of processor time", "peak": "MB at most"}

Taken = Mapping[str, float]


def main() -> None:
    """List the org by each client in turn, and print the figures."""
    taken: dict[str, list[Taken]] = {name: [] for name in CLIENTS}
    with org_of(GROUPS) as org:
        for _ in range(ROUNDS):
            for name in CLIENTS:
                taken[name].append(_listed(name, org))
    for what, unit in UNITS.items():
        figure = f"discovery of {GROUPS:,} groups"
        ours, theirs = (_median(taken[name], what) for name in ("ours", "theirs"))
        report(Figure(figure=figure, unit=unit, ours=ours, peer=PEER, theirs=theirs))


def _listed(name: str, org: Org) -> Taken:
    """List the org in a process of its own; RuntimeError unless it is whole."""
    asked = json.dumps({"by": name, "url": org.url, "app": org.app})
    done = subprocess.run(  # noqa: S603 -- our own interpreter and modules
        [sys.executable, "-m", "benchmarks.rig.listing", asked],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    taken: Taken = json.loads(done.stdout)
    if taken["groups"] < GROUPS:
        raise RuntimeError(f"{name} listed {taken['groups']} of {GROUPS} groups")
    return taken


def _median(rounds: Sequence[Taken], what: str) -> float:
    return statistics.median(each[what] for each in rounds)


if __name__ == "__main__":
    main()
