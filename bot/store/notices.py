"""What became of a notice: shown, or dropped.

A notice that was made due anew while it was drawn stays due, so that no change
is lost between the drawing and the writing of it. Nothing is written by who
lost the claim.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, case, update
from sqlmodel import Session, col

from bot.core.words import StaleState
from bot.store.claims import settled
from bot.store.tables import Notice


def shown(
    session: Session,
    notice: Notice,
    *,
    version: int,
    channel: str | None,
    ts: str | None,
    now: datetime,
) -> None:
    """Write that `notice` shows `version`, as the message `ts` in `channel`.

    Raises StaleState when another worker holds it by now.
    """
    unchanged = col(Notice.wanted_version) == version
    columns = settled(None) | {
        "due_at": case((unchanged, None), else_=col(Notice.due_at)),
        "posted_at": case(
            (col(Notice.posted_at).is_(None), now), else_=col(Notice.posted_at)
        ),
    }
    _write(
        session,
        notice,
        shown_version=version,
        channel=channel,
        ts=ts,
        dropped=None,
        **columns,
    )


def drop(session: Session, notice: Notice, why: str) -> None:
    """Write that `notice` is not sent, nor drawn again, and why.

    Raises StaleState when another worker holds it by now.
    """
    _write(session, notice, dropped=why, **settled(None))


def _write(session: Session, notice: Notice, **columns: Any) -> None:
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Notice)
        .where(col(Notice.id) == notice.id, col(Notice.fence) == notice.fence)
        .values(columns)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        raise StaleState(f"notice {notice.id} was claimed by another")
