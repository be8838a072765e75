"""Each access.yaml that was in force. The newest is the last good one."""

from datetime import datetime

from sqlmodel import Session, col, select

from bot.store import audit
from bot.store.tables import AccessFile


def last_good_file(session: Session) -> AccessFile | None:
    """Return the file that was in force last; None before the first."""
    return session.exec(
        select(AccessFile).order_by(col(AccessFile.id).desc()).limit(1)
    ).first()


def keep_file(
    session: Session, text: str, hash_: str, *, by: str, now: datetime
) -> bool:
    """Keep a file that comes into force, as an event; False if it is in force."""
    before = last_good_file(session)
    if before is not None and before.hash == hash_:
        return False
    session.add(AccessFile(hash=hash_, text=text, loaded_at=now, loaded_by=by))
    data = {"hash": hash_, "before": before.hash if before else None}
    audit.record(session, "file in force", by=by, now=now, data=data)
    return True
