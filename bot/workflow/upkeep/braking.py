"""Braking: many ends at once that were only inferred wait for what an admin says.

NB. An answer is for what was asked. Carry on counts for an hour, for no more ends
than were shown, and once: a faulty reading of weeks later is asked about anew.
Discard counts for a day, in which nothing ends so: what fails may fail for longer.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from bot.core.words import Cause
from bot.store import audit, directory, queries
from bot.store.tables import AccessGrant, Notice
from bot.workflow.notices import recipients_of, tell
from bot.workflow.reading import Office

CARRY_ON, DISCARD = "carry on", "discard"
DAY = timedelta(days=1)
BRAKE = "brake:{}"
"""What is remembered: when it was asked and of how many, and what was said; or, once
they were let, since when what ends so counts."""


def is_let(session: Session, office: Office, count: int, now: datetime) -> bool:
    """Tell whether so many more may end; else the admins are asked.

    NB. What ended so within a day counts: pass by pass, few would become all.
    """
    facts, at = _kept(session, office.name, now)
    decision = facts.get("decision") if facts.get("asked") else None
    stands = now - at <= (office.timing.late_again if decision == CARRY_ON else DAY)
    if stands and decision == DISCARD:
        return False
    if stands and decision == CARRY_ON and count <= facts["count"]:
        _close(session, office.name, facts, now)
        return True
    earlier = _inferred(session, office, _counted_from(facts, now))
    held = queries.count_live(session, office.name)
    brake = office.integration.brake
    if earlier + count <= max(brake.most, int(held * brake.share)):
        return True
    if not stands or decision or not facts.get("asked"):
        _ask_admins(session, office, (count, held, earlier), now)
    return False


def decide(
    session: Session, office: Office, asked: str, decision: str, by: str, now: datetime
) -> bool:
    """Write what an admin says to the asking of `asked`; the next pass goes by it.

    False where that was answered and done, or asked anew since.
    """
    facts, _ = _kept(session, office.name, now)
    if not is_braked(session, office.name, asked):
        return False
    told = {**facts, "decision": decision}
    directory.remember(session, BRAKE.format(office.name), told, now)
    audit.record(
        session,
        f"brake: {decision}",
        by=by,
        now=now,
        data={"asked": asked, "count": facts["count"]},
        integration=office.name,
    )
    return True


def is_braked(session: Session, integration: str, asked: str) -> bool:
    """Tell whether what was asked then still waits to be answered, and acted on."""
    remembered = directory.remembered(session, BRAKE.format(integration))
    return remembered is not None and remembered.facts.get("asked") == asked != ""


def _kept(
    session: Session, integration: str, now: datetime
) -> tuple[Mapping[str, Any], datetime]:
    remembered = directory.remembered(session, BRAKE.format(integration))
    return (remembered.facts, remembered.at) if remembered else ({}, now)


def _close(
    session: Session, integration: str, facts: Mapping[str, Any], now: datetime
) -> None:
    """Take it as answered, and as done: what ends so from now on counts anew."""
    kept = {"counted_from": now.isoformat()}
    directory.remember(session, BRAKE.format(integration), kept, now)
    _draw_again(session, integration, str(facts["asked"]), now)


def _counted_from(facts: Mapping[str, Any], now: datetime) -> datetime:
    kept = facts.get("counted_from")
    return max(now - DAY, datetime.fromisoformat(kept)) if kept else now - DAY


def _inferred(session: Session, office: Office, since: datetime) -> int:
    """Return how many grants ended outside since then."""
    ended = select(func.count()).where(
        AccessGrant.integration == office.name,
        AccessGrant.cause == Cause.ENDED_OUTSIDE,
        col(AccessGrant.ended_at) > since,
    )
    return session.exec(ended).one()


def _ask_admins(
    session: Session, office: Office, counts: tuple[int, int, int], now: datetime
) -> None:
    """Ask about `counts`: the ends, what is held, and what ended so before."""
    count, held, earlier = counts
    name, asked = office.name, now.isoformat()
    facts, _ = _kept(session, name, now)
    _draw_again(session, name, str(facts.get("asked", "")), now)
    kept = {"asked": asked, "count": count} | {
        key: value for key, value in facts.items() if key == "counted_from"
    }
    directory.remember(session, BRAKE.format(name), kept, now)
    before = f" Another {earlier} ended so within a day." if earlier else ""
    said = (
        f"Okta no longer shows {count} of {held} memberships given in {name}. I ended "
        f"none of them: so many at once may be a fault.{before} Carry on takes them as "
        "ended outside, Discard leaves them until their end."
    )
    for recipient in recipients_of(session, name, "admins"):
        shown = {"text": said, "integration": name, "asked": asked}
        key = f"brake:{name}:{asked}:{recipient}"
        tell(session, "brake", recipient, key=key, now=now, facts=shown)


def _draw_again(session: Session, integration: str, asked: str, now: datetime) -> None:
    """Take the buttons from what was asked then."""
    begin = f"brake:{integration}:{asked}:"
    shown = select(Notice).where(col(Notice.key).startswith(begin, autoescape=True))
    for notice in session.exec(shown) if asked else ():
        notice.wanted_version += 1
        notice.due_at = now
        session.add(notice)
