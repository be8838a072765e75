"""Whether the audit still verifies, and the rows are as it tells.

One pass over the events and one over the rows, in batches; before an add, over
what came since its approval. It repairs nothing
and stops at nothing but what cannot be read at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session, col

from bot.store.audit import (
    GENESIS,
    PRUNED,
    UNREADABLE,
    Chain,
    chain_of,
    row_picture,
    text_digest,
)
from bot.store.tables import AccessGrant, AccessRequest, Event, EventText

BATCHED = {"yield_per": 1000}


@dataclass(frozen=True)
class Finding:
    """Something in the audit or the rows that is not as it was written."""

    seq: int | None
    what: str


@dataclass(frozen=True)
class _Told:
    """What the newest event of a row says of it."""

    seq: int
    row: Any


def verify(session: Session) -> Iterator[Finding]:
    """Yield what does not fit: in the chain, beside it, and in the rows it tells of."""
    chain = chain_of(session)
    through, previous = checkpoint(session)
    expected = through + 1
    told: dict[tuple[str, str], _Told] = {}
    try:
        for line in _lines(session):
            yield from _check_line(chain, line, previous, expected)
            previous, expected = line.hash, line.seq + 1
            if subject := _subject(line):
                told[subject] = _Told(line.seq, line.data.get("row"))
    except ValueError:
        yield Finding(expected, f"an event from {expected} on cannot be read")
        return
    yield from _check_rows(session, told)


def checkpoint(session: Session) -> tuple[int, str]:
    """Return up to which number events were pruned, and the hash of the last of them.

    NB. Only an event that the key made can say that there is nothing before it.
    """
    newest = (
        select(Event)
        .where(col(Event.kind) == PRUNED)
        .order_by(col(Event.seq).desc())
        .limit(1)
    )
    try:
        told = session.scalars(newest).first()
        if told is not None and chain_of(session).fits(told):
            return int(told.data["through"]), str(told.data["hash"])
    except UNREADABLE:
        return 0, GENESIS
    return 0, GENESIS


def is_pruned(session: Session, seq: int, hash_: str) -> bool:
    """Tell whether an event with this number and hash was there, and was pruned.

    NB. Whoever puts an old copy back may put a later checkpoint into it: it counts
    only where every event that it followed is there, too.
    """
    through, last = checkpoint(session)
    if seq > through or (seq == through and hash_ != last):
        return False
    return is_whole_since(session, through + 1)


def is_whole_since(session: Session, seq: int) -> bool:
    """Tell whether each event from `seq` on is there, and follows the one before.

    NB. An event that is cut out leaves those before it verifying: a grant that
    has ended since could be set back to where they left it, and given again.
    """
    chain, previous, expected = chain_of(session), None, seq
    since = select(Event).where(col(Event.seq) >= seq).order_by(col(Event.seq))
    try:
        for event in session.scalars(since, execution_options=BATCHED):
            follows = previous is None or event.previous == previous
            if event.seq != expected or not follows or not chain.fits(event):
                return False
            previous, expected = event.hash, expected + 1
    except UNREADABLE:
        return False
    return previous is not None


def _lines(session: Session) -> Iterator[Row[Any]]:
    """Give each event with the text beside it, never the whole audit at once."""
    columns = [getattr(Event, name) for name in Event.model_fields]
    query = (
        select(*columns, col(EventText.salt), col(EventText.text))
        .outerjoin(EventText, col(EventText.seq) == col(Event.seq))
        .order_by(col(Event.seq))
    )
    yield from session.execute(query, execution_options=BATCHED)


def _check_line(
    chain: Chain, line: Row[Any], previous: str, expected: int
) -> Iterator[Finding]:
    if line.seq != expected:
        yield Finding(expected, f"event {expected} is missing")
    if line.previous != previous:
        yield Finding(line.seq, f"event {line.seq} does not follow the one before")
    if not chain.fits(line):
        yield Finding(line.seq, f"event {line.seq} was changed")
    if line.salt is not None and text_digest(line.salt, line.text) != line.text_digest:
        yield Finding(line.seq, f"the text of event {line.seq} was changed")


def _subject(event: Row[Any]) -> tuple[str, str] | None:
    if event.kind.startswith("grant ") and event.grant_id:
        return ("grant", event.grant_id)
    if event.kind.startswith("request ") and event.request_id:
        return ("request", event.request_id)
    return None


def _check_rows(
    session: Session, told: dict[tuple[str, str], _Told]
) -> Iterator[Finding]:
    """Yield each row whose status or terms are not what its last event says."""
    try:
        for request in session.scalars(
            select(AccessRequest), execution_options=BATCHED
        ):
            yield from _check_row("request", request, told)
        for grant, approval in _grants(session):
            wrong = [*_check_row("grant", grant, told)]
            yield from wrong or _check_seal(chain_of(session), grant, approval)
    except (LookupError, ValueError):
        yield Finding(None, "a request or a grant cannot be read")
        return
    for noun, name in sorted(told):
        yield Finding(None, f"{noun} {name} is gone from the database")


def _grants(session: Session) -> Iterator[Row[AccessGrant, Event | None]]:
    query = select(AccessGrant, Event).outerjoin(
        Event, col(Event.seq) == col(AccessGrant.approved_event)
    )
    yield from session.execute(query, execution_options=BATCHED)


def _check_row(
    noun: str,
    row: AccessRequest | AccessGrant,
    told_of: dict[tuple[str, str], _Told],
) -> Iterator[Finding]:
    told = told_of.pop((noun, row.id), None)
    if told is None:
        yield Finding(None, f"{noun} {row.id} has no event")
    elif told.row != row_picture(row):
        yield Finding(told.seq, f"{noun} {row.id} is not as event {told.seq} left it")


def _check_seal(
    chain: Chain, grant: AccessGrant, approval: Event | None
) -> Iterator[Finding]:
    """Yield a grant that does not fit its seal, though its last event tells it so.

    NB. What ends a grant writes it into an event as it then is: that a hand had
    changed it before, only the seal still tells.
    """
    if approval is None or chain.seal(grant, approval) != grant.seal:
        yield Finding(None, f"grant {grant.id} does not fit its seal")
