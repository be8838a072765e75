"""Many grants that expire at one instant, up to the last one's end.

Ours is the bot's own loop, its database, events, seals and proof by reading
back, over an org that answers at once: what Okta's limit costs is measured
elsewhere. The peer is APScheduler with its own SQLAlchemy job store, one date
job for each grant that does nothing, told to forgive any delay (left as it
ships it drops all that it cannot start within a second): with SQLite as it
ships, and on WAL with synchronous=FULL as ours is.
"""

import asyncio
import logging
import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from sqlalchemy import Engine, create_engine, event, insert
from sqlmodel import Session, col, func, select

from benchmarks.figures import Figure, report
from benchmarks.rig.company import CHAIN, office, opened
from benchmarks.rig.estate import Held, hold
from benchmarks.rig.loop import working
from benchmarks.rig.prompt import PromptOrg
from bot.core.words import GrantStatus
from bot.settings import Clock
from bot.store.migrations import migrate
from bot.store.tables import AccessGrant

GRANTS = 2_000
"""As many as end within a minute and a half on a busy machine; 10,000 are no other."""

LOOK_EVERY = 0.05
GIVE_UP_AFTER = 80.0
PEERS = {
    "APScheduler's job store as it ships": (),
    "APScheduler's job store on WAL FULL": ("journal_mode=WAL", "synchronous=FULL"),
}

fired: list[float] = []


@dataclass(frozen=True)
class Burst:
    """How long after the instant the last was done, and how many never were."""

    seconds: float
    lost: int


async def end(number: int) -> None:
    """Do nothing, as the job of the peer."""
    fired.append(time.perf_counter())


def main() -> None:
    """Let each have its burst, in turn, and print how ours compares."""
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = asyncio.run(_ours(folder))
        for number, (peer, pragmas) in enumerate(PEERS.items()):
            store = _store(folder / f"{number}.db", pragmas)
            theirs = asyncio.run(_theirs(store))
            _report(ours, peer, theirs)


def _report(ours: Burst, peer: str, theirs: Burst) -> None:
    burst = f"{GRANTS} expiries at one instant"
    for what, unit, one, other in (
        ("to the last", "s", ours.seconds, theirs.seconds),
        ("lost", "grants", ours.lost, theirs.lost),
    ):
        report(
            Figure(
                figure=f"{burst}, {what}",
                unit=unit,
                ours=one,
                peer=peer,
                theirs=other,
            )
        )


async def _ours(folder: Path) -> Burst:
    path = folder / "access-bot.db"
    migrate(f"sqlite:///{path}", CHAIN)
    database = opened(path)
    try:
        org = PromptOrg()
        here = office(database, org)
        instant = Clock()() + timedelta(seconds=1)
        people = [f"p{number}" for number in range(GRANTS)]
        group = org.add_group("prod-db-read")
        org.hold(group, people)
        hold(
            database,
            here.name,
            (Held(person, group, instant, instant) for person in people),
        )
        async with working(here):
            began = time.perf_counter()
            await _until(lambda: not database.look(_held))
            took = time.perf_counter() - began
        return Burst(took, len(org.memberships[group]) + database.look(_held))
    finally:
        database.close()


async def _theirs(store: SQLAlchemyJobStore) -> Burst:
    fired.clear()
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        jobstores={"default": store},
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start()
    _fill(scheduler, store)
    began = time.perf_counter()
    scheduler.wakeup()
    await _until(lambda: len(fired) == GRANTS)
    scheduler.shutdown(wait=False)
    return Burst(max(fired, default=began) - began, GRANTS - len(fired))


def _fill(scheduler: AsyncIOScheduler, store: SQLAlchemyJobStore) -> None:
    """Store a job for each grant in one transaction; one by one takes a minute."""
    now = datetime.now(UTC)
    rows = [_row(scheduler, number, now) for number in range(GRANTS)]
    with store.engine.begin() as connection:
        connection.execute(insert(store.jobs_t), rows)


def _row(scheduler: AsyncIOScheduler, number: int, due: datetime) -> dict[str, object]:
    job = Job(
        scheduler,
        id=str(number),
        func=end,
        args=(number,),
        kwargs={},
        name=str(number),
        trigger=DateTrigger(due, UTC),
        executor="default",
        misfire_grace_time=None,
        coalesce=False,
        max_instances=1,
        next_run_time=due,
    )
    state = pickle.dumps(job.__getstate__(), pickle.HIGHEST_PROTOCOL)
    return {"id": job.id, "next_run_time": due.timestamp(), "job_state": state}


def _store(path: Path, pragmas: tuple[str, ...]) -> SQLAlchemyJobStore:
    engine = create_engine(f"sqlite:///{path}")
    _set(engine, pragmas)
    return SQLAlchemyJobStore(engine=engine)


def _set(engine: Engine, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: object, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


async def _until(done: Callable[[], bool]) -> None:
    """Wait until `done`; what is not by then is lost."""
    give_up = time.perf_counter() + GIVE_UP_AFTER
    while not done() and time.perf_counter() < give_up:
        await asyncio.sleep(LOOK_EVERY)


def _held(session: Session) -> int:
    held = col(AccessGrant.status) != GrantStatus.REVOKED
    return session.exec(select(func.count()).select_from(AccessGrant).where(held)).one()


if __name__ == "__main__":
    main()
