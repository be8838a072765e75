"""The processes that work on one shared database: who is alive, whose turn it is.

Both are told by the database's own clock. A job's turn is a row of what upkeep
remembers: it was begun, by whom, and whether they saw it through.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from bot.store.claims import lease_clock
from bot.store.tables import Replica, Upkeep

TURN = "turn: {}"
"""What is remembered of a periodic job."""

SILENT = 5
"""Beats that a process misses before it is taken for dead."""

EARLY = 0.9
"""How much of its wait has to be over: processes do not tick at one instant."""


def beat(session: Session, owner: str, silent: timedelta, now: datetime) -> int:
    """Say that `owner` is alive; return how many are, those `silent` so long apart."""
    clock = lease_clock(session, now)
    session.merge(Replica(owner=owner, heard_at=clock))
    session.execute(delete(Replica).where(col(Replica.heard_at) <= clock - silent))
    return session.exec(select(func.count(col(Replica.owner)))).one()


def is_any_alive(session: Session, silent: timedelta, now: datetime) -> bool:
    """Tell whether a process was heard of that works, not `silent` so long ago."""
    lately = col(Replica.heard_at) > lease_clock(session, now) - silent
    return session.exec(select(Replica).where(lately).limit(1)).first() is not None


def leave(session: Session, owner: str) -> None:
    """Say that `owner` works no more."""
    session.execute(delete(Replica).where(col(Replica.owner) == owner))


@dataclass(frozen=True)
class Turn:
    """Who is to do a job, and what it is about: a turn about another does not count."""

    job: str
    owner: str
    about: str = ""

    @property
    def name(self) -> str:
        """The name of its row."""
        return TURN.format(self.job)


def take_turn(session: Session, turn: Turn, wait: timedelta, now: datetime) -> bool:
    """Tell whether it is our turn at a job now, which comes each `wait`.

    Another's turn holds until it is over, or they are dead.
    """
    clock, last = lease_clock(session, now), session.get(Upkeep, turn.name)
    is_recent = last is not None and clock < last.at + wait * EARLY
    same = last is not None and last.facts.get("about", "") == turn.about
    if last is not None and is_recent and same and _is_sound(session, last):
        return False
    facts = {"by": turn.owner, "about": turn.about, "done": False}
    session.merge(Upkeep(name=turn.name, at=clock, facts=facts))
    return True


def _is_sound(session: Session, last: Upkeep) -> bool:
    """Tell whether a turn was seen through, or whoever has it is alive."""
    alive = session.get(Replica, last.facts["by"]) is not None
    return alive or bool(last.facts["done"])


def end_turn(session: Session, turn: Turn, *, done: bool) -> None:
    """Say that we did the job, or that it is anyone's turn again."""
    last = session.get(Upkeep, turn.name)
    if last is None or last.facts["by"] != turn.owner:
        return
    if done:
        last.facts = {**last.facts, "done": True}
    else:
        session.delete(last)
