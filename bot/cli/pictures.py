"""A grant or a request, as data for programs and as a row for people.

Times are UTC, with how long is left. Names are as last read; a person who was
forgotten is their Okta id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from rich import box
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from bot.core.catalogue.problems import harmless
from bot.core.durations import say_duration
from bot.core.words import GrantStatus, RequestStatus
from bot.store.tables import AccessGrant, AccessRequest, OktaGroup, OktaPerson

MINUTE = timedelta(minutes=1)

Key = tuple[str, str]
Known = TypeVar("Known", OktaPerson, OktaGroup)


@dataclass(frozen=True)
class Names:
    """The people and groups of some rows, by integration and id."""

    people: dict[Key, OktaPerson] = field(default_factory=dict)
    groups: dict[Key, OktaGroup] = field(default_factory=dict)

    @classmethod
    def of(
        cls, session: Session, rows: Sequence[AccessGrant] | Sequence[AccessRequest]
    ) -> "Names":
        """Return the names of everybody and everything in `rows`."""
        people = {
            (row.integration, person_id) for row in rows for person_id in _people(row)
        }
        groups = {(row.integration, row.group_id) for row in rows}
        return cls(
            _found(session, OktaPerson, people), _found(session, OktaGroup, groups)
        )

    def person(self, integration: str, person_id: str | None) -> str:
        """Return a login, or the id of somebody who has none here."""
        known = self.people.get((integration, person_id or ""))
        return (known.login if known else "") or person_id or ""

    def group(self, integration: str, group_id: str) -> str:
        """Return a group's name, or the id of one that is not known here."""
        known = self.groups.get((integration, group_id))
        return known.name if known else group_id

    def person_data(self, integration: str, person_id: str) -> dict[str, Any]:
        known = self.people.get((integration, person_id))
        login, name = (known.login, known.name) if known else (None, None)
        return {"id": person_id, "login": login, "name": name}

    def group_data(self, integration: str, group_id: str) -> dict[str, Any]:
        known = self.groups.get((integration, group_id))
        return {"id": group_id, "name": known.name if known else None}


def grant_data(grant: AccessGrant, names: Names) -> dict[str, Any]:
    """Return a grant for programs: ids, names, ISO times, seconds."""
    return {
        "id": grant.id,
        "request_id": grant.request_id,
        "status": grant.status,
        "cause": grant.cause,
        "integration": grant.integration,
        "group": names.group_data(grant.integration, grant.group_id),
        "grantee": names.person_data(grant.integration, grant.grantee_id),
        "duration_seconds": grant.duration_seconds,
        "expires_at": _iso(grant.expires_at),
        "active_at": _iso(grant.active_at),
        "revoking_at": _iso(grant.revoking_at),
        "ended_at": _iso(grant.ended_at),
        "ended_by": grant.ended_by,
        "problem": grant.problem,
    }


def request_data(request: AccessRequest, names: Names) -> dict[str, Any]:
    """Return a request for programs: ids, names, ISO times, seconds."""
    return {
        "id": request.id,
        "status": request.status,
        "integration": request.integration,
        "flow": request.flow,
        "group": names.group_data(request.integration, request.group_id),
        "requester": names.person_data(request.integration, request.requester_id),
        "grantee": names.person_data(request.integration, request.grantee_id),
        "duration_seconds": request.duration_seconds,
        "justification": request.justification,
        "asked_at": _iso(request.asked_at),
        "lapse_at": _iso(request.lapse_at),
        "decided_at": _iso(request.decided_at),
        "decided_by": request.decided_by,
        "reason": request.reason,
    }


def grants_table(rows: Sequence[AccessGrant], names: Names, now: datetime) -> Table:
    """Return grants for people, one a line."""
    table = _table("Who", "Group", "Integration", "Status", "Until", "Grant")
    for grant in rows:
        place = grant.integration
        table.add_row(
            _plain(names.person(place, grant.grantee_id)),
            _plain(names.group(place, grant.group_id)),
            _plain(place),
            _plain(grant.status),
            _plain(_until(grant, now)),
            _plain(grant.id),
        )
    return table


def requests_table(rows: Sequence[AccessRequest], names: Names, now: datetime) -> Table:
    """Return requests for people, one a line."""
    table = _table(
        "Asked", "Who", "Group", "Integration", "For", "Why", "Status", "", "Request"
    )
    for request in rows:
        place = request.integration
        table.add_row(
            _plain(_moment(request.asked_at)),
            _plain(names.person(place, request.requester_id)),
            _plain(names.group(place, request.group_id)),
            _plain(place),
            _plain(say_duration(timedelta(seconds=request.duration_seconds))),
            _plain(request.justification or ""),
            _plain(request.status),
            _plain(_standing(request, names, now)),
            _plain(request.id),
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _until(grant: AccessGrant, now: datetime) -> str:
    """Return when a grant ends or ended, and why."""
    match grant.status:
        case GrantStatus.GRANTING:
            length = say_duration(timedelta(seconds=grant.duration_seconds))
            return f"for {length}, being added"
        case GrantStatus.ACTIVE:
            return f"{_moment(grant.expires_at)}, {_left(grant.expires_at, now)}"
        case GrantStatus.REVOKING:
            since = grant.revoking_at or grant.expires_at
            return f"{_moment(since)}, {grant.cause or 'ending'}, being removed"
    ended = _moment(grant.ended_at) if grant.ended_at else ""
    return ", ".join(filter(None, (ended, grant.cause, grant.problem)))


def _standing(request: AccessRequest, names: Names, now: datetime) -> str:
    """Return what comes next for a request, or how it ended."""
    if request.status is RequestStatus.PENDING:
        return f"lapses {_moment(request.lapse_at)}, {_left(request.lapse_at, now)}"
    at = _moment(request.decided_at) if request.decided_at else ""
    by = names.person(request.integration, request.decided_by)
    return ", ".join(filter(None, (at, by and f"by {by}", request.reason)))


def _left(until: datetime, now: datetime) -> str:
    left = until - now
    said = say_duration(abs(left) // MINUTE * MINUTE) if abs(left) >= MINUTE else ""
    if left > timedelta(0):
        return f"{said or 'under a minute'} left"
    return f"{said or 'under a minute'} over"


def _moment(at: datetime) -> str:
    return f"{at:%a %d %b %Y %H:%M} UTC"


def _found(
    session: Session, table: type[Known], keys: Iterable[Key]
) -> dict[Key, Known]:
    """Return the rows that are there, by key."""
    rows = ((key, session.get(table, key)) for key in keys)
    return {key: row for key, row in rows if row is not None}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _people(row: AccessGrant | AccessRequest) -> set[str]:
    """Return the ids of those a row is about."""
    if isinstance(row, AccessGrant):
        return {row.grantee_id}
    decided_by = {row.decided_by} if row.decided_by else set()
    return {row.requester_id, row.grantee_id, *decided_by}


def _plain(text: str) -> Text:
    """Return text from outside as text and nothing else."""
    return Text(harmless(text))
