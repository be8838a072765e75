"""Typeahead at 100,000 and 1,000,000 groups, against LIKE on the same database.

Ours is the whole search as a listener calls it: the person's flows, the index, the
decision on each group that is shown. It is held against two peers: LIKE for anybody,
which is one ranked query and no decision, and LIKE with the same answer, where policy
decides on all that it finds. A person who may ask for ten groups among them all must
be shown exactly those.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sqlalchemy import bindparam, or_, select, text
from sqlmodel import Session, SQLModel, col

from benchmarks.figures import Figure, milliseconds, percentile, report
from bot.core.catalogue import load
from bot.core.policy import may_see
from bot.core.words import Group, Person
from bot.settings import Clock, Timing
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate
from bot.store.tables import OktaGroup, Pin
from bot.workflow.reading import Directory, Office, policy_for
from bot.workflow.search import groups_for, nearness

SIZES = (100_000, 1_000_000)
QUERIES = 108
ANYBODY, SAME = "LIKE, for anybody", "LIKE, the same answer"
ASKED = {
    (ANYBODY, 100_000): 54,
    (ANYBODY, 1_000_000): 12,
    (SAME, 100_000): 18,
}
"""How many of the queries each peer is asked: they are slow, or too slow to ask."""

PASSES = 3
"""Each search counts as its quickest pass: the least disturbed one."""

DESCRIBED = 3
"""Each such group has a description."""

MOST = 100
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)

STAGES = ("prod", "staging", "dev", "test", "sandbox", "corp", "eu", "us", "apac")
SYSTEMS = (
    *("database", "payments", "ledger", "search", "billing", "identity", "warehouse"),
    *("analytics", "frontend", "mobile", "kafka", "redis", "vault", "grafana"),
    *("jenkins", "gateway", "catalog", "inventory", "shipping", "mail"),
)
ROLES = ("read", "write", "admin", "oncall", "deploy", "support", "audit", "owner")

POLICY = """\
version: 1
admins: [{{user: ops}}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
flows:
  - name: ten groups
    integration: corp
    requesters: {{any: [{{user: ten}}]}}
    groups: {{include: {ten}}}
  - name: all groups
    integration: corp
    requesters: {{any: [{{user: all}}]}}
    groups: {{include: ["*"]}}
"""
LIKE = text(
    """
    select id, name, description from okta_group
    where integration = 'corp' and gone_at is null
        and (name like :inside or description like :inside)
    order by
        case when name like :begins then 0 when name like :inside then 1 else 2 end,
        name
    limit 100
    """
)
FITTING = select(SQLModel.metadata.tables["okta_group"]).where(
    col(OktaGroup.integration) == "corp",
    col(OktaGroup.gone_at).is_(None),
    or_(
        col(OktaGroup.name).like(bindparam("inside")),
        col(OktaGroup.description).like(bindparam("inside")),
    ),
)
GROUPS = """
insert into okta_group (integration, id, name, description, type, profile,
    carries_admin_role, rule_managed, feeds_rule, read_at)
values ('corp', ?, ?, ?, 'OKTA_GROUP', '{}', 0, 0, 0, '2026-01-05 09:00:00.000000')
"""
FILL = """
drop trigger group_met;
drop trigger group_name_put;
drop trigger group_description_put;
begin;
insert into group_index (integration, group_id, name, description, stamp)
    select integration, id, name, description, rowid from okta_group;
insert into group_name (group_name) values ('rebuild');
insert into group_description (group_description) values ('rebuild');
commit;
"""


@dataclass(frozen=True)
class Library:
    """A database of many groups, and the office that searches it."""

    database: Database
    office: Office
    names: list[str]
    ten: frozenset[str]

    def search(self, who: str, typed: str) -> list[str]:
        """Ours: return the names of what `who` is offered."""
        found = self.database.look(groups_for, self.office, person(who), typed, MOST)
        return [group.name for group in found]

    def like(self, typed: str) -> None:
        """Find what holds `typed`, ranked, for anybody."""
        values = {"inside": f"%{typed}%", "begins": f"{typed}%"}
        self.database.look(lambda s: s.connection().execute(LIKE, values).all())

    def same_by_like(self, typed: str) -> list[Group]:
        """Find what holds `typed` and may be seen, ranked."""
        near = nearness(typed)

        def look(session: Session) -> list[Group]:
            rules = policy_for(session, self.office.catalogue, self.office.integration)
            rows = session.connection().execute(FITTING, {"inside": f"%{typed}%"})
            found = (group_of(row) for row in rows)
            return [group for group in found if may_see(rules, person("all"), group)]

        found = self.database.look(look)
        return sorted(found, key=lambda g: near(g.name, g.description))[:MOST]


def person(who: str) -> Person:
    return Person(
        id=who, login=who, email=who, name=who, status="ACTIVE", groups=frozenset()
    )


def group_of(row: Any) -> Group:
    return Group(
        id=row.id,
        name=row.name,
        description=row.description,
        type=row.type,
        profile=row.profile,
        carries_admin_role=row.carries_admin_role,
        rule_managed=row.rule_managed,
        feeds_rule=row.feeds_rule,
        read_at=row.read_at,
    )


def main() -> None:
    """Measure each size in turn."""
    for size in SIZES:
        with TemporaryDirectory() as folder, library_of(size, Path(folder)) as library:
            measure(size, library)


def measure(size: int, library: Library) -> None:
    """Print what there is to say of one size."""
    began = time.perf_counter()
    library.search("all", "")
    built = time.perf_counter() - began
    report(Figure(figure=f"sets built at {size:,} groups", unit="s", ours=built))
    typed = queries(library.names)
    ours = timed(typed, lambda each: library.search("all", each))
    for peer, search in {ANYBODY: library.like, SAME: library.same_by_like}.items():
        if (peer, size) in ASKED:
            theirs = timed(typed[: ASKED[peer, size]], search)
            compare(f"at {size:,} groups", ours, peer, theirs)
    slips = [slip(name) for name in library.names[:: size // QUERIES]]
    near = timed(slips, lambda each: library.search("all", each))
    p99 = milliseconds(percentile(near, 99))
    report(Figure(figure=f"near misses p99 at {size:,} groups", unit="ms", ours=p99))
    measure_ten(size, library, typed)


def compare(where: str, ours: list[float], peer: str, theirs: list[float]) -> None:
    for percent in (50, 99):
        report(
            Figure(
                figure=f"typeahead p{percent} {where}",
                unit="ms",
                ours=milliseconds(percentile(ours, percent)),
                peer=peer,
                theirs=milliseconds(percentile(theirs, percent)),
            )
        )


def measure_ten(size: int, library: Library, typed: list[str]) -> None:
    """See that who may ask for ten groups finds all of them and no other."""
    found = set(library.search("ten", ""))
    for name in library.ten:
        found.update(library.search("ten", name))
    assert found == library.ten, "a person must see exactly what is theirs"
    title = f"of 10 groups allowed among {size:,}, found"
    report(Figure(figure=title, unit="groups", ours=float(len(found))))
    ours = timed(typed, lambda each: library.search("ten", each))
    p99 = milliseconds(percentile(ours, 99))
    report(Figure(figure=f"allowed 10 of {size:,}, p99", unit="ms", ours=p99))


def timed(typed: list[str], search: Callable[[str], object]) -> list[float]:
    """Return how many seconds each search takes, the quickest of several passes."""
    passes = [[seconds(search, each) for each in typed] for _ in range(PASSES)]
    return [min(each) for each in zip(*passes, strict=True)]


def seconds(search: Callable[[str], object], typed: str) -> float:
    began = time.perf_counter()
    search(typed)
    return time.perf_counter() - began


def queries(names: list[str]) -> list[str]:
    """Return what is typed: 2 to 10 letters, half beginnings, half from inside."""
    chance = random.Random(2)  # noqa: S311 - the same queries each time
    typed = []
    for number in range(QUERIES):
        name, length = chance.choice(names), chance.randint(2, 10)
        at = 0 if number % 2 else chance.randint(1, len(name) - length)
        typed.append(name[at : at + length])
    return typed


def slip(name: str) -> str:
    """Return the first two words of `name` with two letters of the second swapped."""
    first, second, *_ = name.split("-")
    return f"{first}-{second[:2]}{second[3]}{second[2]}{second[4:]}"


@contextmanager
def library_of(size: int, folder: Path) -> Iterator[Library]:
    """Make a database of `size` groups, and close it afterwards."""
    url = f"sqlite:///{folder / 'access-bot.db'}"
    chain = Chain(b"the audit key of a benchmark")
    migrate(url, chain)
    names = list(make_names(size))
    began = time.perf_counter()
    load_groups(folder / "access-bot.db", names)
    built = time.perf_counter() - began
    report(Figure(figure=f"index built at {size:,} groups", unit="s", ours=built))
    database = open_database(url, chain=chain)
    ten = frozenset(names[size // 20 :: size // 10])
    database.transact(pin_people)
    try:
        yield Library(database, office_of(database, ten), names, ten)
    finally:
        database.close()


def make_names(size: int) -> Iterator[str]:
    chance = random.Random(1)  # noqa: S311 - the same names each time
    for number in range(size):
        stage, system = chance.choice(STAGES), chance.choice(SYSTEMS)
        yield f"{stage}-{system}-{chance.choice(ROLES)}-{number:07}"


def load_groups(path: Path, names: list[str]) -> None:
    """Write the groups at once, and the index of all of them after."""
    connection = sqlite3.connect(path, isolation_level=None)
    # Nothing here outlives the benchmark, so nothing is written twice.
    connection.execute("pragma journal_mode=off")
    connection.execute("pragma synchronous=off")
    head, *rest = FILL.strip().split("begin;")
    connection.executescript(head)
    connection.execute("begin")
    rows = (
        (f"00g{n:017}", name, "" if n % DESCRIBED else f"For {name[:12]}")
        for n, name in enumerate(names)
    )
    connection.executemany(GROUPS, rows)
    connection.execute("commit")
    connection.executescript(f"begin;{rest[0]}")
    connection.close()


def pin_people(session: Session) -> None:
    for who in ("all", "ten", "ops"):
        session.add(
            Pin(integration="corp", kind="user", name=who, id=who, pinned_at=NOW)
        )


def office_of(database: Database, ten: frozenset[str]) -> Office:
    catalogue = load(POLICY.format(ten=sorted(ten)))
    return Office(
        database=database,
        directory=cast(Directory, None),
        integration=catalogue.integrations[0],
        identity=catalogue.identity,
        catalogue=catalogue,
        timing=Timing(),
        clock=Clock(),
    )


if __name__ == "__main__":
    main()
