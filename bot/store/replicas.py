"""The processes that work on one shared database: who is alive, whose turn it is.

Both are told by the database's own clock. A job's turn is a row of what upkeep
remembers: it was begun, by whom, and whether they saw it through.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from bot.store.claims import lease_clock
from bot.store.tables import Replica, Upkeep

TURN = "turn: {}"
"""What is remembered of a periodic job."""

EARLY = 0.9
"""How much of its wait has to be over: processes do not tick at one instant."""


def beat(session: Session, owner: str, silent: timedelta, now: datetime) -> int:
    """Say that `owner` is alive; return how many are, those `silent` so long apart."""
    clock = lease_clock(session, now)
    session.merge(Replica(owner=owner, heard_at=clock))
    session.execute(delete(Replica).where(col(Replica.heard_at) <= clock - silent))
    return session.exec(select(func.count(col(Replica.owner)))).one()


def leave(session: Session, owner: str) -> None:
    """Say that `owner` works no more."""
    session.execute(delete(Replica).where(col(Replica.owner) == owner))


def take_turn(
    session: Session, job: str, owner: str, wait: timedelta, now: datetime
) -> bool:
    """Tell whether `owner` is to do `job` now, which comes each `wait`.

    Another's turn holds until it is over, or they are dead.
    """
    clock, turn = lease_clock(session, now), session.get(Upkeep, TURN.format(job))
    is_recent = turn is not None and clock < turn.at + wait * EARLY
    if turn is not None and is_recent and _is_sound(session, turn):
        return False
    facts = {"by": owner, "done": False}
    session.merge(Upkeep(name=TURN.format(job), at=clock, facts=facts))
    return True


def _is_sound(session: Session, turn: Upkeep) -> bool:
    """Tell whether a turn was seen through, or whoever has it is alive."""
    alive = session.get(Replica, turn.facts["by"]) is not None
    return alive or bool(turn.facts["done"])


def end_turn(session: Session, job: str, owner: str, *, done: bool) -> None:
    """Say that `owner` did `job`, or that it is anyone's turn again."""
    turn = session.get(Upkeep, TURN.format(job))
    if turn is None or turn.facts["by"] != owner:
        return
    if done:
        turn.facts = {"by": owner, "done": True}
    else:
        session.delete(turn)
