"""The audit: one chained event for each committed move, and the seals of grants.

An event's hash is an HMAC over its fields and the hash before it, so a row
that is changed, cut out or put elsewhere no longer fits. Ids and numbers are
in the chain; names and free text stand beside it with a salt, only their
digest is chained, and they can be erased with the chain still verifying.

NB. Whoever can write the database cannot write the audit: the key is not in
it. Whoever has both can rewrite history from any point on; the head that goes
to the log is what finds that out.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar, Unpack

from sqlalchemy import Row, Select, bindparam, insert
from sqlalchemy import select as select_rows
from sqlmodel import Session, col, select

from bot.core.words import AUTOMATIC, RequestStatus, StaleState
from bot.store.tables import AccessGrant, AccessRequest, Event, EventText, table_of

Kept = TypeVar("Kept", AccessRequest, AccessGrant, Event)

GENESIS = "0" * 64
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, RecursionError)
"""What reading a row raises that holds what this program never wrote."""

_EVENT = table_of(Event)
_APPEND = insert(_EVENT)
_BESIDE = insert(table_of(EventText))
_APPROVAL = select_rows(_EVENT.c.hash).where(_EVENT.c.seq == bindparam("seq"))
_HEAD = (
    select_rows(_EVENT.c.seq, _EVENT.c.hash, _EVENT.c.at)
    .order_by(_EVENT.c.seq.desc())
    .limit(1)
)


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

APPROVED_IN_PART = "approved in part"
"""What happens to a request that one of several people has approved."""

PRUNED = "audit pruned"
"""The event that tells up to which number there are none, and the last hash."""

INTENDED, NOT_ADDED, ADDED = "intended", "not added", "added"
"""What happens to an add: about to be sent, certainly not landed, confirmed."""


class Chain:
    """The key of the audit, as the three things it is used for."""

    def __init__(self, key: bytes) -> None:
        self._chain = hmac.digest(key, b"chain", "sha256")
        self._seal = hmac.digest(key, b"seal", "sha256")

    def link(self, event: Event | Row[Any]) -> str:
        """Return the hash `event` should carry."""
        return _hmac(self._chain, _event_fields(event))

    def fits(self, event: Event | Row[Any]) -> bool:
        """Tell whether `event` carries the hash it should."""
        try:
            return _same(self.link(event), event.hash)
        except UNREADABLE:
            return False

    def seal(self, grant: AccessGrant, approval: Event | Row[Any]) -> str:
        """Return the seal of `grant`: its terms, its end, and what approved it."""
        return _hmac(self._seal, {**grant_terms(grant), "approval": approval.hash})

    def __repr__(self) -> str:
        return "Chain(...)"


@dataclass(frozen=True)
class Head:
    """The newest event: number, hash, time."""

    seq: int
    hash: str
    at: datetime


class About(TypedDict, total=False):
    """What an event concerns."""

    integration: str | None
    person_id: str | None
    group_id: str | None
    request_id: str | None
    grant_id: str | None
    cause: str | None


def record(
    session: Session,
    kind: str,
    *,
    by: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    **about: Unpack[About],
) -> Event:
    """Append one event to the chain, in the caller's transaction.

    `data` stays for good and holds ids and numbers; `text` is personal and can
    be erased.
    """
    last = head(session)
    event = Event(
        seq=last.seq + 1 if last else 1,
        at=now,
        kind=kind,
        actor=by,
        data=json.loads(_canonical(data or {})),
        previous=last.hash if last else GENESIS,
        hash="",
        **about,
    )
    beside = _beside(event, text)
    event.hash = chain_of(session).link(event)
    session.execute(_APPEND, event.model_dump())
    if beside:
        session.execute(_BESIDE, beside.model_dump())
    return event


def seal(session: Session, grant: AccessGrant) -> str:
    """Return the seal `grant` should carry, on the approval that it names."""
    approval = session.execute(_APPROVAL, {"seq": grant.approved_event}).one()
    return chain_of(session).seal(grant, approval)


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
        and _same(chain.seal(grant, approval), grant.seal)
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


def _approving(session: Session, request_id: str) -> Iterator[Event]:
    kinds = (f"request {APPROVED_IN_PART}", f"request {RequestStatus.APPROVED}")
    told = select(Event.seq).where(
        Event.request_id == request_id, col(Event.kind).in_(kinds)
    )
    chain = chain_of(session)
    for seq in session.exec(told.order_by(col(Event.seq))).all():
        event = read_row(session, Event, seq)
        if event is not None and chain.fits(event):
            yield event


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
    chain = chain_of(session)
    for seq in session.exec(told.order_by(col(Event.seq).desc())).all():
        event = read_row(session, Event, seq)
        if event is not None and chain.fits(event):
            return event
    return None


def head(session: Session) -> Head | None:
    """Return the newest event's number, hash and time; None when there is none."""
    last = session.execute(_HEAD).first()
    return Head(*last) if last else None


def grant_terms(grant: AccessGrant) -> dict[str, Any]:
    """Return what a grant gives, to whom, until when: what its seal covers."""
    return {
        "id": grant.id,
        "request": grant.request_id,
        "integration": grant.integration,
        "grantee": grant.grantee_id,
        "group": grant.group_id,
        "duration": grant.duration_seconds,
        "expires_at": _instant(grant.expires_at),
        "was_member": grant.was_member,
        "approved_event": grant.approved_event,
    }


def chain_of(session: Session) -> Chain:
    """Return the key that `session` was opened with."""
    chain: Chain = session.info["chain"]
    return chain


def _hmac(key: bytes, fields: Mapping[str, Any]) -> str:
    return hmac.digest(key, _canonical(fields), "sha256").hex()


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return CANONICAL.encode(fields).encode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _event_fields(event: Event | Row[Any]) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": _instant(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "integration": event.integration,
        "person": event.person_id,
        "group": event.group_id,
        "request": event.request_id,
        "grant": event.grant_id,
        "cause": event.cause,
        "data": event.data,
        "digest": event.text_digest,
        "previous": event.previous,
    }


def _beside(event: Event, text: Mapping[str, str] | None) -> EventText | None:
    """Put the digest of `text` on the event; return the erasable row beside it."""
    if not text:
        return None
    salt = secrets.token_hex(16)
    event.text_digest = text_digest(salt, text)
    return EventText(seq=event.seq, salt=salt, text=dict(text))


def text_digest(salt: str, text: Mapping[str, str]) -> str:
    """Return what the chain keeps of a text that can be erased."""
    return hashlib.sha256(salt.encode() + _canonical(text)).hexdigest()


def _told_of(session: Session, grant: AccessGrant) -> Iterator[Event]:
    """Give the events of `grant` that verify."""
    told = select(Event.seq).where(Event.grant_id == grant.id).order_by(col(Event.seq))
    chain = chain_of(session)
    for seq in session.exec(told).all():
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
    sealed = chain.fits(approval) and _same(chain.seal(grant, approval), grant.seal)
    return (grant.grantee_id, grant.group_id) if sealed else None


def row_picture(row: AccessRequest | AccessGrant) -> dict[str, Any]:
    """Return what an event keeps of the row it moved: standing and terms."""
    picture: dict[str, Any] = {"status": str(row.status), "version": row.version}
    if isinstance(row, AccessGrant):
        return picture | grant_terms(row)
    return picture | request_terms(row)


def request_terms(request: AccessRequest) -> dict[str, Any]:
    """Return what was asked for, by whom, for whom, under which flow."""
    return {
        "integration": request.integration,
        "flow": request.flow,
        "requester": request.requester_id,
        "grantee": request.grantee_id,
        "group": request.group_id,
        "duration": request.duration_seconds,
        "extends": request.extends,
        "terms": request.terms,
        "lapse_at": _instant(request.lapse_at),
        "step": request.step,
        "routing": request.routing,
    }


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
