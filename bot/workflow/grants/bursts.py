"""Bursts: more ends at one time than Okta's limits carry are seen coming.

Okta: an app may use half of a bucket, as a rule 250 calls a minute on groups.
Ends beyond what a minute carries are moved to the minutes before when they are
written, so that the last of them is on time; whoever holds it is told the end
that is written.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.core.words import LIVE
from bot.store.tables import AccessGrant

A_MINUTE = timedelta(minutes=1)

ENDS_A_MINUTE = 200
"""So many removals, each read back, fit into a minute of Okta's usual limits."""

EARLIER_AT_MOST = timedelta(minutes=5)
SHARE_AT_MOST = 0.05
"""An end is moved by no more than this, and by no more than this share of a grant."""


def end_within_limits(session: Session, grant: AccessGrant, end: datetime) -> datetime:
    """Return `end`, or an earlier one where too many others end in its minute."""
    whole = timedelta(seconds=grant.duration_seconds)
    earliest = end - min(EARLIER_AT_MOST, whole * SHARE_AT_MOST)
    candidate = end
    while _ending(session, grant, candidate) >= ENDS_A_MINUTE:
        candidate -= A_MINUTE
        if candidate < earliest:
            return earliest
    return candidate


def finish_of(backlog: int) -> timedelta:
    """Return how long `backlog` removals take at the usual limits."""
    return A_MINUTE * (backlog / ENDS_A_MINUTE)


def _ending(session: Session, grant: AccessGrant, end: datetime) -> int:
    """Count the others that end in the minute up to `end`."""
    others = select(func.count()).where(
        AccessGrant.integration == grant.integration,
        AccessGrant.id != grant.id,
        col(AccessGrant.status).in_(LIVE),
        col(AccessGrant.expires_at) > end - A_MINUTE,
        col(AccessGrant.expires_at) <= end,
    )
    return session.exec(others).one()
