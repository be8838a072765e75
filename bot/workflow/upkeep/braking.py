"""Braking: many ends at once that were only inferred wait for what an admin says.

NB. An answer is for what was asked: it counts for a while, for no more ends than
were shown, and once. A faulty reading of weeks later is asked about anew.
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
"""What is remembered: when it was asked and of how many, and what was said."""


def is_let(session: Session, office: Office, count: int, now: datetime) -> bool:
    """Tell whether so many may end; else the admins are asked.

    NB. What ended so within a day counts: pass by pass, few would become all.
    """
    facts, at = _kept(session, office.name, now)
    decision = facts.get("decision")
    since = max(now - DAY, at) if decision else now - DAY
    count += _inferred(session, office, since)
    brake, held = office.integration.brake, queries.count_live(session)
    if count <= max(brake.most, int(held * brake.share)):
        return True
    is_fresh = now - at <= (office.timing.late_again if decision else DAY)
    if decision == CARRY_ON and is_fresh and count <= facts.get("count", 0):
        _close(session, office.name, facts, now)
        return True
    if not is_fresh or not facts or decision == CARRY_ON:
        _ask_admins(session, office, count, held, now)
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
    """Take it as answered: what many more ends would be is asked about later."""
    key = BRAKE.format(integration)
    directory.remember(session, key, {"decision": DISCARD, "count": 0}, now)
    _draw_again(session, integration, str(facts["asked"]), now)


def _inferred(session: Session, office: Office, since: datetime) -> int:
    """Return how many grants ended outside since then."""
    ended = select(func.count()).where(
        AccessGrant.integration == office.name,
        AccessGrant.cause == Cause.ENDED_OUTSIDE,
        col(AccessGrant.ended_at) > since,
    )
    return session.exec(ended).one()


def _ask_admins(
    session: Session, office: Office, count: int, held: int, now: datetime
) -> None:
    name, asked = office.name, now.isoformat()
    facts, _ = _kept(session, name, now)
    _draw_again(session, name, str(facts.get("asked", "")), now)
    kept = {"asked": asked, "count": count}
    directory.remember(session, BRAKE.format(name), kept, now)
    said = (
        f"Okta no longer shows {count} of {held} memberships given in {name}. I ended "
        "none of them: so many at once may be a fault. Carry on takes them as ended "
        "outside, Discard leaves them until their end."
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
