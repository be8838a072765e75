"""A large policy: what one person may ask for, and reading a file of 5,000 lines.

200 flows over 100,000 groups. Ours is the person's whole reach, as the typeahead
and explain begin with it: cold for a kind of person never met, warm afterwards. It
is held against deciding on each of a thousand groups, scaled to all of them. The
sets behind it are built at discovery and reload, and reported by themselves.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import Session, select

from benchmarks.figures import Figure, milliseconds, report
from benchmarks.typeahead import NOW, STAGES, SYSTEMS, library_of
from bot.core.catalogue import load
from bot.core.policy import may_see
from bot.core.words import Person
from bot.store import directory
from bot.store.tables import OktaGroup, Pin
from bot.workflow.flow_maps import reach_of
from bot.workflow.reading import Office, policy_for

GROUPS, FLOWS, LINES, LOOKED_AT = 100_000, 200, 5_000, 1_000
PASSES = 5

HEAD = """\
version: 1
admins: [{user: ops}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
flows:
"""
FLOW = """\
  - name: flow {number}
    integration: corp
    requesters:
      any:
        - {{group: Team {number}}}
      none:
        - {{group: Contractors}}
    groups:
      include: ["{stage}-{system}-*"]
    duration: {{default: 1h, max: 8h}}
    justification:
      required: true
      pattern: "[A-Z]+-[0-9]+"
    approval:
      - any_of: [owner]
"""


def policy_text(flows: int) -> str:
    """Return a policy of so many flows, each for a team and a part of the groups."""
    return HEAD + "".join(
        FLOW.format(
            number=number,
            stage=STAGES[number % len(STAGES)],
            system=SYSTEMS[number % len(SYSTEMS)],
        )
        for number in range(flows)
    )


def main() -> None:
    """Measure the reach of a person, then the reading of a file."""
    with TemporaryDirectory() as folder, library_of(GROUPS, Path(folder)) as library:
        catalogue = load(policy_text(FLOWS))
        office = replace(
            library.office, catalogue=catalogue, integration=catalogue.integrations[0]
        )
        library.database.transact(pin_teams)
        library.database.look(measure_reach, office)
    text = policy_text(LINES // FLOW.count("\n"))
    quickest = min(seconds(lambda: load(text)) for _ in range(PASSES))
    title = f"config check of {text.count(chr(10)):,} lines"
    report(Figure(figure=title, unit="s", ours=quickest))


def measure_reach(session: Session, office: Office) -> None:
    """Print how long it takes to say what one person may ask for."""
    policy = policy_for(session, office.catalogue, office.integration)
    began = time.perf_counter()
    flow_map = office.flow_maps.of(session, policy)
    built = time.perf_counter() - began
    report(Figure(figure="sets of 200 flows built", unit="s", ours=built))
    rows = session.exec(select(OktaGroup).limit(LOOKED_AT))
    groups = [directory.as_group(row) for row in rows]
    someone = person("someone", 3, 7)
    each = seconds(lambda: [may_see(policy, someone, group) for group in groups])
    theirs = milliseconds(each) * GROUPS / len(groups)
    cold = min(
        seconds(partial(reach_of, flow_map, policy, person("new", number)))
        for number in range(PASSES)
    )
    warm = min(
        seconds(lambda: reach_of(flow_map, policy, someone)) for _ in range(PASSES)
    )
    for name, took in (("cold", cold), ("warm", warm)):
        report(
            Figure(
                figure=f"what one person may ask for, {name}",
                unit="ms",
                ours=milliseconds(took),
                peer="each group decided on",
                theirs=theirs,
            )
        )


def person(who: str, *teams: int) -> Person:
    groups = frozenset(f"00g-team-{number}" for number in teams)
    return Person(
        id=who, login=who, email=who, name=who, status="ACTIVE", groups=groups
    )


def pin_teams(session: Session) -> None:
    names = [f"Team {number}" for number in range(FLOWS)]
    ids = {name: f"00g-{name.lower().replace(' ', '-')}" for name in names}
    for name, id_ in {**ids, "Contractors": "00g-contractors"}.items():
        session.add(
            Pin(integration="corp", kind="group", name=name, id=id_, pinned_at=NOW)
        )


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
