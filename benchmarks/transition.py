"""One audited transition: a guarded update, its chained event, a commit.

The peer is raw sqlite3 in one thread that writes the same two rows with
synchronous=FULL, without a chain, a guard or an ORM. The same transition is
then measured in a small table beside a large one.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session, select

from benchmarks.figures import Figure, milliseconds, percentile, report
from benchmarks.rig.company import CHAIN, opened
from benchmarks.rig.estate import Held, fill, hold
from bot.settings import Clock
from bot.store import moves
from bot.store.migrations import migrate
from bot.store.tables import AccessGrant

ROUNDS = 7
AT_A_TIME = 60
CALLERS = 8
ACTED_ON = 64
SMALL = 1_000
LARGE = 1_000_000
ROW = "x" * 300

Transition = Callable[[int], Awaitable[None]]


class Ours:
    """A database with so many grants, some of which move."""

    def __init__(self, path: Path, grants: int) -> None:
        migrate(f"sqlite:///{path}", CHAIN)
        self.database = opened(path)
        self._clock = Clock()
        end = self._clock() + timedelta(days=1)
        held = (Held(f"p{number}", "00g0", end, end) for number in range(ACTED_ON))
        hold(self.database, "corp-okta", held)
        self._acted_on = self.database.look(_grants)
        fill(self.database, grants - ACTED_ON)

    async def transition(self, number: int) -> None:
        """Move one grant on by one event, committed."""
        grant = self._acted_on[number % ACTED_ON]
        await self.database.run(_advance, grant, self._clock())


class Raw:
    """A file that two rows are written to at a time."""

    def __init__(self, path: Path) -> None:
        self.file = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE access_grant (id INTEGER PRIMARY KEY, status TEXT)",
            "CREATE TABLE event (seq INTEGER PRIMARY KEY, text TEXT)",
        ):
            self.file.execute(statement)
        for number in range(ACTED_ON):
            self.file.execute("INSERT INTO access_grant VALUES (?, '')", (number,))

    async def transition(self, number: int) -> None:
        """Update one row and insert another, committed."""
        self.file.execute("BEGIN IMMEDIATE")
        self.file.execute(
            "UPDATE access_grant SET status = ? WHERE id = ?",
            (str(number), number % ACTED_ON),
        )
        self.file.execute("INSERT INTO event (text) VALUES (?)", (ROW,))
        self.file.execute("COMMIT")


def main() -> None:
    """Make the tables, print what a transition in each costs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        raw = Raw(folder / "raw.db")
        stack.enter_context(closing(raw.file))
        small, large = (
            Ours(folder / f"{grants}.db", grants) for grants in (SMALL, LARGE)
        )
        stack.callback(small.database.close)
        stack.callback(large.database.close)
        asyncio.run(_measure(raw, small, large))


async def _measure(raw: Raw, small: Ours, large: Ours) -> None:
    each = await _in_turn(
        [raw.transition, small.transition, large.transition], callers=1
    )
    at_raw, at_small, at_large = (statistics.median(took) for took in each)
    report(
        Figure(
            figure="an audited transition, one caller",
            unit="per second",
            ours=1 / at_small,
            peer="raw sqlite3 FULL",
            theirs=1 / at_raw,
        )
    )
    report(
        Figure(
            figure=f"an audited transition among {LARGE} grants, p50",
            unit="ms",
            ours=milliseconds(at_large),
            peer=f"among {SMALL}",
            theirs=milliseconds(at_small),
        )
    )
    (crowded,) = await _in_turn([small.transition], callers=CALLERS)
    p99 = milliseconds(percentile(crowded, 99))
    report(
        Figure(
            figure=f"an audited transition, {CALLERS} callers, p99", unit="ms", ours=p99
        )
    )


async def _in_turn(
    transitions: Sequence[Transition], *, callers: int
) -> list[list[float]]:
    """Return the seconds that each transition took, for each kind of them."""
    took: list[list[float]] = [[] for _ in transitions]
    for _ in range(ROUNDS):
        for mine, transition in zip(took, transitions, strict=True):
            turns = iter(range(AT_A_TIME * callers))
            await asyncio.gather(
                *(_repeat(transition, turns, mine) for _ in range(callers))
            )
    return [mine[AT_A_TIME * callers :] for mine in took]


async def _repeat(
    transition: Transition, turns: Iterator[int], took: list[float]
) -> None:
    for number in turns:
        began = time.perf_counter()
        await transition(number)
        took.append(time.perf_counter() - began)


def _grants(session: Session) -> list[AccessGrant]:
    return list(session.exec(select(AccessGrant)))


def _advance(session: Session, grant: AccessGrant, now: datetime) -> None:
    moves.advance(session, grant, "warned", by="clock", now=now, due_at=grant.due_at)


if __name__ == "__main__":
    main()
