"""When a grant is warned of, and when it ends: what the clock has to do for it."""

from datetime import datetime, timedelta

from bot.store.tables import AccessGrant, AccessRequest


def next_due(
    grant: AccessGrant,
    request: AccessRequest,
    now: datetime,
    ends: datetime | None = None,
) -> datetime:
    """Return when the next warning or the end of an active grant comes.

    With `ends` as if it ended then.
    """
    ends = ends or grant.expires_at
    return min(
        (instant for instant in warnings(grant, request, ends) if instant > now),
        default=ends,
    )


def warnings(
    grant: AccessGrant, request: AccessRequest, ends: datetime | None = None
) -> list[datetime]:
    """Return when the grantee is warned: as the terms say, within half of the grant.

    If no wait is that short, once at a quarter of it.
    """
    whole = timedelta(seconds=grant.duration_seconds)
    waits = [timedelta(seconds=wait) for wait in request.terms["warn_before"]]
    short = [wait for wait in waits if wait < whole / 2] or [whole / 4]
    return sorted((ends or grant.expires_at) - wait for wait in short)
