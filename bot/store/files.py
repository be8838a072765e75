"""Each access.yaml that was in force. The newest is the last good one."""

from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, select

from bot.store import audit
from bot.store.tables import AccessFile, Event

IN_FORCE = "file in force"


def last_good_file(session: Session) -> AccessFile | None:
    """Return the file that was in force last; None where none can be believed.

    NB. Who may approve is what this text says: it is believed only where the
    chain tells that a file with this hash came into force last, and it has it.
    """
    told = session.exec(
        select(Event)
        .where(Event.kind == IN_FORCE)
        .order_by(col(Event.seq).desc())
        .limit(1)
    ).first()
    kept = session.exec(
        select(AccessFile).order_by(col(AccessFile.id).desc()).limit(1)
    ).first()
    if told is None or kept is None or not audit.chain_of(session).fits(told):
        return None
    same = told.data["hash"] == kept.hash == sha256(kept.text.encode()).hexdigest()
    return kept if same else None


def keep_file(
    session: Session,
    text: str,
    hash_: str,
    *,
    by: str,
    now: datetime,
    diff: str = "",
) -> bool:
    """Keep a file that comes into force, as an event; False if it is in force.

    `diff` says what it changes, beside the event.
    """
    before = last_good_file(session)
    if before is not None and before.hash == hash_:
        return False
    session.add(AccessFile(hash=hash_, text=text, loaded_at=now, loaded_by=by))
    data = {"hash": hash_, "before": before.hash if before else None}
    text_beside = {"diff": diff} if diff else None
    audit.record(session, IN_FORCE, by=by, now=now, data=data, text=text_beside)
    return True
