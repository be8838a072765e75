"""What was done with the bot's own key, compared with what the audit tells.

A change that our client made and no event explains was made by somebody who has
the key, or by a bot whose database is gone: nothing is given from then on.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlmodel import Session, col, select

from bot.store import audit, directory
from bot.store.tables import Event
from bot.workflow.freezing import Frozen, freeze
from bot.workflow.notices import tell_people
from bot.workflow.reading import Office
from bot.workflow.upkeep.strays import TAKEN_BACK, Membership, has_end

WATCHED = "log watched:{}"
"""What is remembered: up to when the log was looked at, on Okta's clock."""

ELSEWHERE = "key used elsewhere"

TOLD_AGAIN = timedelta(days=1)
"""After so long a change that is still not explained is told again."""

RECOVERED = "recovered"
"""What an operator says once nothing is left unexplained: the past is settled then."""

REMOVING = ("grant revoking", f"grant {audit.INTENDED}", TAKEN_BACK)
"""What explains a removal: an end, an add that is undone when it lands late, and one
that an operator took back."""

LATE = timedelta(minutes=5)
"""How much is made of how far apart the clocks are known to be, and how late the log
is."""

LONGEST_IN_FLIGHT = timedelta(hours=2)
"""How long after it was intended a change may still land."""


class Change(Protocol):
    """A membership that our client changed."""

    @property
    def verb(self) -> str: ...

    @property
    def person_id(self) -> str: ...

    @property
    def group_id(self) -> str: ...

    @property
    def at(self) -> datetime: ...


Made = TypeVar("Made", bound=Change)


def unexplained(
    session: Session,
    integration: str,
    changes: Iterable[Made],
    skew: timedelta = timedelta(),
) -> list[Made]:
    """Return those changes that no event of ours explains.

    Okta's clock, by which a change was made, is `skew` ahead of ours.
    """
    return [
        each for each in changes if not _is_explained(session, integration, each, skew)
    ]


def to_watch(
    session: Session, integration: str, now: datetime, skew: timedelta = timedelta()
) -> datetime:
    """Return from when on the log is to be looked at, on Okta's clock.

    What was recovered is not looked at again: the clock of the machine on which that
    was typed may be Okta's, where ours is not.
    """
    last = directory.remembered(session, WATCHED.format(integration))
    since = last.at - 2 * LATE if last else now + skew
    recovered = session.exec(
        select(Event).where(Event.kind == RECOVERED).order_by(col(Event.seq).desc())
    ).first()
    if recovered is None:
        return since
    return max(since, recovered.at, recovered.at + skew)


def watched(
    session: Session,
    office: Office,
    changes: Sequence[Change],
    now: datetime,
    skew: timedelta = timedelta(),
) -> int:
    """Stop giving and tell the admins where a change is not ours; return how many.

    The log is looked at twice: what was told already is not told, or acted on, again.
    """
    told = _told(session, office.name, now)
    unknown = [each for each in changes if _written(each) not in told]
    foreign = unexplained(session, office.name, unknown, skew)
    directory.remember(session, WATCHED.format(office.name), {}, now + skew)
    if not foreign:
        return 0
    first = foreign[0]
    audit.record(
        session,
        ELSEWHERE,
        by="okta",
        now=now,
        integration=office.name,
        person_id=first.person_id,
        group_id=first.group_id,
        data={
            "changes": len(foreign),
            "first": first.at.isoformat(),
            "each": [_written(each) for each in foreign],
        },
    )
    freeze(session, office.name, Frozen.EVERYTHING, "", by="bot", now=now)
    said = (
        f"The key of {office.name} is used elsewhere: Okta's log has {len(foreign)} "
        "changes of memberships by our app that I did not make, the first at "
        f"{first.at:%d %b %H:%M} UTC. I give nothing until an admin unfreezes. Change "
        "the key, then settle them: access-bot recover --remove --reason WHY"
    )
    key = f"elsewhere:{office.name}:{first.at.isoformat()}"
    tell_people(session, office.name, "admins", said, key=key, now=now)
    return len(foreign)


def _told(session: Session, integration: str, now: datetime) -> set[str]:
    """Return which changes were told, of those that the log may still show again."""
    lately = select(Event).where(
        Event.kind == ELSEWHERE,
        Event.integration == integration,
        col(Event.at) > now - TOLD_AGAIN,
    )
    chain = audit.chain_of(session)
    return {
        each
        for event in session.exec(lately)
        if chain.fits(event)
        for each in event.data.get("each", ())
    }


def _written(change: Change) -> str:
    at = change.at.isoformat()
    return f"{change.verb} {change.person_id} {change.group_id} {at}"


def _is_explained(
    session: Session, integration: str, change: Change, skew: timedelta
) -> bool:
    """Tell whether our audit has that we meant to make this change by then.

    NB. The whole chain is verified elsewhere; here a row that somebody wrote
    would have to fit it too.
    """
    membership = Membership(
        person_id=change.person_id, group_id=change.group_id, at=change.at
    )
    if change.verb == "add" and has_end(session, integration, membership):
        return True
    made_at = change.at - skew
    about = select(Event).where(
        Event.integration == integration,
        Event.person_id == change.person_id,
        Event.group_id == change.group_id,
        col(Event.at) <= made_at + LATE,
    )
    if change.verb == "add":
        about = about.where(
            Event.kind == f"grant {audit.INTENDED}",
            col(Event.at) >= made_at - LONGEST_IN_FLIGHT,
        )
    else:
        about = about.where(col(Event.kind).in_(REMOVING))
    chain = audit.chain_of(session)
    return any(chain.fits(event) for event in session.exec(about))
