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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar, Unpack

from sqlalchemy import Row, bindparam, insert
from sqlalchemy import select as select_rows
from sqlmodel import Session

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

    def has_sealed(self, grant: AccessGrant, approval: Event | Row[Any]) -> bool:
        """Tell whether `grant` carries the seal it should, on that approval."""
        return _same(self.seal(grant, approval), grant.seal)

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
