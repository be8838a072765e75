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
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot.core.words import RequestStatus
from bot.store.tables import AccessGrant, AccessRequest, Event, EventText

GENESIS = "0" * 64

INTENDED, NOT_ADDED, ADDED = "intended", "not added", "added"
"""What happens to an add: about to be sent, certainly not landed, confirmed."""


class Chain:
    """The key of the audit, as the three things it is used for."""

    def __init__(self, key: bytes) -> None:
        self._chain = hmac.digest(key, b"chain", "sha256")
        self._seal = hmac.digest(key, b"seal", "sha256")

    def link(self, event: Event) -> str:
        """Return the hash `event` should carry."""
        return _hmac(self._chain, _event_fields(event))

    def seal(self, grant: AccessGrant, approval: Event) -> str:
        """Return the seal of `grant`: its terms, its end, and what approved it."""
        return _hmac(self._seal, {**grant_terms(grant), "approval": approval.hash})

    def __repr__(self) -> str:
        return "Chain(...)"


@dataclass(frozen=True)
class Finding:
    """Something in the audit or the rows that is not as it was written."""

    seq: int | None
    what: str


@dataclass(frozen=True)
class Head:
    """The newest event: number, hash, time."""

    seq: int
    hash: str
    at: datetime


def record(
    session: Session,
    kind: str,
    *,
    by: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    **about: str | None,
) -> Event:
    """Append one event to the chain, in the caller's transaction.

    `about` names what it concerns (integration, person_id, group_id,
    request_id, grant_id, cause). `text` is personal and can be erased.
    """
    last = session.exec(select(Event).order_by(col(Event.seq).desc()).limit(1)).first()
    event = Event(
        seq=last.seq + 1 if last else 1,
        at=now,
        kind=kind,
        actor=by,
        data=dict(data or {}),
        previous=last.hash if last else GENESIS,
        hash="",
        **about,
    )
    beside = _beside(event, text)
    event.hash = _chain(session).link(event)
    session.add(event)
    session.flush()
    if beside:
        session.add(beside)
    return event


def seal(session: Session, grant: AccessGrant, approval: Event) -> str:
    """Return the seal `grant` should carry."""
    return _chain(session).seal(grant, approval)


def is_sealed(session: Session, grant: AccessGrant) -> bool:
    """Tell whether `grant` is as it was written, on an approval that is in the chain.

    NB. This is what stands between a hand in the database and a membership in
    Okta: the worker believes no row alone.
    """
    approval = session.get(Event, grant.approved_event)
    request = session.get(AccessRequest, grant.request_id)
    if approval is None or request is None:
        return False
    chain = _chain(session)
    return (
        _same(chain.link(approval), approval.hash)
        and approval.kind == f"request {RequestStatus.APPROVED}"
        and approval.request_id == grant.request_id
        and _approved_terms(approval) == _terms_of(request, grant)
        and _same(chain.seal(grant, approval), grant.seal)
    )


def may_have_added(session: Session, grant: AccessGrant) -> bool:
    """Tell whether the chain says that an add of ours may have landed for `grant`.

    NB. Only what we added is removed, and no column of the row says what we
    added: an event does, and it must verify and be about this very pair.
    """
    events = session.exec(
        select(Event).where(Event.grant_id == grant.id).order_by(col(Event.seq))
    )
    landed = False
    for event in events:
        if not _is_about(session, event, grant):
            continue
        match event.kind:
            case "grant intended" | "grant added":
                landed = True
            case "grant not added":
                landed = bool(event.data.get("doubt"))
    return landed


def head(session: Session) -> Head | None:
    """Return the newest event's number, hash and time; None when there is none."""
    last = session.exec(select(Event).order_by(col(Event.seq).desc()).limit(1)).first()
    return Head(last.seq, last.hash, last.at) if last else None


def verify(session: Session) -> Iterator[Finding]:
    """Yield what does not fit: in the chain, beside it, and in the rows it tells of."""
    previous, expected = GENESIS, 1
    standing: dict[tuple[str, str], Event] = {}
    for event in session.exec(select(Event).order_by(col(Event.seq))):
        yield from _check_link(session, event, previous, expected)
        previous, expected = event.hash, event.seq + 1
        if key := _subject(event):
            standing[key] = event
    yield from _check_rows(session, standing)


def grant_terms(grant: AccessGrant) -> dict[str, Any]:
    """Return what a grant gives, to whom, until when: what its seal covers."""
    return {
        "id": grant.id,
        "request": grant.request_id,
        "integration": grant.integration,
        "grantee": grant.grantee_id,
        "group": grant.group_id,
        "duration": grant.duration_seconds,
        "expires_at": grant.expires_at.isoformat(),
        "was_member": grant.was_member,
        "approved_event": grant.approved_event,
    }


def _chain(session: Session) -> Chain:
    chain: Chain = session.info["chain"]
    return chain


def _hmac(key: bytes, fields: Mapping[str, Any]) -> str:
    return hmac.new(key, _canonical(fields), hashlib.sha256).hexdigest()


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _event_fields(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at.isoformat(),
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
    event.text_digest = _digest(salt, text)
    return EventText(seq=event.seq, salt=salt, text=dict(text))


def _digest(salt: str, text: Mapping[str, str]) -> str:
    return hashlib.sha256(salt.encode() + _canonical(text)).hexdigest()


def _check_link(
    session: Session, event: Event, previous: str, expected: int
) -> Iterator[Finding]:
    if event.seq != expected:
        yield Finding(expected, f"event {expected} is missing")
    if event.previous != previous:
        yield Finding(event.seq, f"event {event.seq} does not follow the one before")
    if not _same(_chain(session).link(event), event.hash):
        yield Finding(event.seq, f"event {event.seq} was changed")
    beside = session.get(EventText, event.seq)
    if beside and not _same(_digest(beside.salt, beside.text), event.text_digest or ""):
        yield Finding(event.seq, f"the text of event {event.seq} was changed")


def _is_about(session: Session, event: Event, grant: AccessGrant) -> bool:
    return (
        event.person_id == grant.grantee_id
        and event.group_id == grant.group_id
        and _same(_chain(session).link(event), event.hash)
    )


def _subject(event: Event) -> tuple[str, str] | None:
    if event.kind.startswith("grant ") and event.grant_id:
        return ("grant", event.grant_id)
    if event.kind.startswith("request ") and event.request_id:
        return ("request", event.request_id)
    return None


def _check_rows(
    session: Session, standing: Mapping[tuple[str, str], Event]
) -> Iterator[Finding]:
    """Yield each row whose status or terms are not what its last event says."""
    rows: dict[tuple[str, str], AccessRequest | AccessGrant] = {}
    rows |= {("request", row.id): row for row in session.exec(select(AccessRequest))}
    rows |= {("grant", row.id): row for row in session.exec(select(AccessGrant))}
    for (noun, name), row in rows.items():
        told = standing.get((noun, name))
        if told is None:
            yield Finding(None, f"{noun} {name} has no event")
        elif told.data.get("row") != row_picture(row):
            yield Finding(told.seq, f"{noun} {name} is not as event {told.seq} left it")
    for noun, name in sorted(standing.keys() - rows.keys()):
        yield Finding(None, f"{noun} {name} is gone from the database")


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
        "step": request.step,
    }


def _approved_terms(approval: Event) -> tuple[Any, ...]:
    row = approval.data.get("row", {})
    return (
        row.get("status"),
        row.get("integration"),
        row.get("grantee"),
        row.get("group"),
        approval.data.get("granted_seconds"),
    )


def _terms_of(request: AccessRequest, grant: AccessGrant) -> tuple[Any, ...]:
    return (
        str(request.status),
        grant.integration,
        grant.grantee_id,
        grant.group_id,
        grant.duration_seconds,
    )
