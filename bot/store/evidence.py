"""The evidence: what the chain tells of a row, whatever the row says of itself.

NB. Only events that verify count. Whoever can write the database cannot write
these, so nothing is given, and nothing of ours forgotten, on the word of a row.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from bot.core.words import AUTOMATIC, RequestStatus, StaleState
from bot.store.audit import APPROVED_IN_PART, UNREADABLE, chain_of, row_picture
from bot.store.tables import AccessGrant, AccessRequest, Event, table_of

Kept = TypeVar("Kept", AccessRequest, AccessGrant, Event)

_EVENT = table_of(Event)


def _newest_about(column: str, noun: str) -> Select[Any]:
    """Return the statement of the newest event that tells how it left a row."""
    return (
        select_rows(_EVENT)
        .where(_EVENT.c[column] == bindparam("id"), _EVENT.c.kind.startswith(noun))
        .order_by(_EVENT.c.seq.desc())
        .limit(1)
    )


_OF_REQUEST = _newest_about("request_id", "request ")
_OF_GRANT = _newest_about("grant_id", "grant ")


def is_of_another_key(session: Session) -> bool:
    """Tell whether there are events, and neither the first nor the last verifies.

    NB. Under another key nothing verifies: all that lives would be taken for a
    hand's work and forgotten, with the members left in Okta.
    """
    ends = (
        select(Event).order_by(col(Event.seq)),
        select(Event).order_by(col(Event.seq).desc()),
    )
    try:
        events = [session.exec(each.limit(1)).first() for each in ends]
    except UNREADABLE:
        return False  # which verification tells
    chain = chain_of(session)
    return events[0] is not None and not any(
        event is not None and chain.fits(event) for event in events
    )


def is_sealed(session: Session, grant: AccessGrant) -> bool:
    """Tell whether `grant` is as it was written, on an approval that is in the chain.

    Raises StaleState when it was written again since it was read.

    NB. This is what stands between a hand in the database and a membership in
    Okta: the worker believes no row alone. The seal covers what is given; that
    it is still to be given is what the newest event says, else a grant that was
    revoked could be set back to granting under its old seal.
    """
    stored = select(AccessGrant.version).where(AccessGrant.id == grant.id)
    if session.exec(stored).first() != grant.version:
        raise StaleState(f"grant {grant.id} has moved on")
    approval = read_row(session, Event, grant.approved_event)
    request = read_row(session, AccessRequest, grant.request_id)
    if approval is None or request is None:
        return False
    chain = chain_of(session)
    return (
        chain.fits(approval)
        and approval.kind == f"request {RequestStatus.APPROVED}"
        and approval.request_id == grant.request_id
        and _approved_terms(approval) == _terms_of(request, grant)
        and chain.has_sealed(grant, approval)
        and is_as_told(session, grant)
    )


def approvals(session: Session, request_id: str) -> list[tuple[int, str]]:
    """Return the steps of a request and who approved each, as the chain tells it.

    NB. Only events that verify count, never a row: who may write the database
    cannot approve.
    """
    return [
        (event.data.get("approves_step", 1), event.actor.removeprefix("okta:"))
        for event in _approving(session, request_id)
        if event.actor.startswith("okta:")
    ]


def approved_seconds(session: Session, request_id: str) -> list[int]:
    """Return for how long each of its approvals would give what is asked for."""
    told = [event.data.get("seconds") for event in _approving(session, request_id)]
    return [seconds for seconds in told if isinstance(seconds, int)]


def added_pair(session: Session, grant: AccessGrant) -> tuple[str, str] | None:
    """Return the person and group of an add of ours that may have landed.

    NB. Only what we added is removed, and all of it: no column of the row says
    what that was, an event does, and it must verify. A hand that puts another
    person on the row neither frees the one we added nor removes the other. Nor
    does one that takes the event away: then the seal tells that it was there.
    """
    pair, told = None, set()
    for event in _told_of(session, grant):
        told.add(event.data["row"]["version"])
        match event.kind:
            case "grant intended" | "grant added" | "grant active":
                pair = (event.person_id or "", event.group_id or "")
            case "grant not added" if not event.data.get("doubt"):
                pair = None
    if pair is None and told != {*range(1, grant.version + 1)}:
        return _sealed_pair(session, grant)
    return pair


def may_still_land(session: Session, grant: AccessGrant) -> bool:
    """Tell whether the chain says that an add of ours was left without an answer.

    NB. The same argument: while one may still land a member found is removed,
    so no column of the row may say so.
    """
    unsure = False
    for event in _told_of(session, grant):
        match event.kind:
            case "grant intended":
                unsure = True
            case "grant added" | "grant not added" | "grant settled":
                unsure = bool(event.data.get("doubt"))
    return unsure


def is_as_told(session: Session, row: AccessRequest | AccessGrant) -> bool:
    """Tell whether the newest event of `row` verifies, and left the row as it is."""
    newest = _OF_GRANT if isinstance(row, AccessGrant) else _OF_REQUEST
    try:
        told = session.execute(newest, {"id": row.id}).first()
    except UNREADABLE:
        return False
    return (
        told is not None
        and chain_of(session).fits(told)
        and told.data.get("row") == row_picture(row)
    )


def read_row(session: Session, table: type[Kept], key: object) -> Kept | None:
    """Return a row; None where there is none, or none that can be read."""
    try:
        return session.get(table, key)
    except UNREADABLE:
        return None


def newest_of(session: Session, grant_id: str) -> Event | None:
    """Return the newest event that verifies and tells how it left a grant."""
    told = select(Event.seq).where(
        Event.grant_id == grant_id, col(Event.kind).startswith("grant ")
    )
    return next(_verified(session, told.order_by(col(Event.seq).desc())), None)


def _approving(session: Session, request_id: str) -> Iterator[Event]:
    """Give the events of a request that approve it, in their order."""
    kinds = (f"request {APPROVED_IN_PART}", f"request {RequestStatus.APPROVED}")
    told = select(Event.seq).where(
        Event.request_id == request_id, col(Event.kind).in_(kinds)
    )
    return _verified(session, told.order_by(col(Event.seq)))


def _told_of(session: Session, grant: AccessGrant) -> Iterator[Event]:
    """Give the events of `grant`, in their order."""
    told = select(Event.seq).where(Event.grant_id == grant.id)
    return _verified(session, told.order_by(col(Event.seq)))


def _verified(session: Session, numbers: SelectOfScalar[int]) -> Iterator[Event]:
    """Give the events of these numbers that can be read and that verify."""
    chain = chain_of(session)
    for seq in session.exec(numbers).all():
        event = read_row(session, Event, seq)
        if event is not None and chain.fits(event):
            yield event


def _sealed_pair(session: Session, grant: AccessGrant) -> tuple[str, str] | None:
    """Return whom and what a sealed grant was about to add; None if it was not.

    That they were no member is sealed with the intent of the first add.
    """
    approval = read_row(session, Event, grant.approved_event)
    if approval is None or grant.was_member is not False:
        return None
    chain = chain_of(session)
    sealed = chain.fits(approval) and chain.has_sealed(grant, approval)
    return (grant.grantee_id, grant.group_id) if sealed else None


def _approved_terms(approval: Event) -> tuple[Any, ...]:
    row = approval.data.get("row", {})
    return (
        row.get("status"),
        approval.actor,
        row.get("requester"),
        row.get("integration"),
        row.get("grantee"),
        row.get("group"),
        approval.data.get("granted_seconds"),
    )


def _terms_of(request: AccessRequest, grant: AccessGrant) -> tuple[Any, ...]:
    return (
        str(request.status),
        AUTOMATIC if request.decided_by == AUTOMATIC else f"okta:{request.decided_by}",
        request.requester_id,
        grant.integration,
        grant.grantee_id,
        grant.group_id,
        grant.duration_seconds,
    )
