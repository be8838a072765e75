"""Access that is held already: grants by the thousand, without their making.

Each grant is as the bot itself would have left it, sealed, with its events in
the chain, so that whatever reads it believes it. The filler is not: copies of
one grant that make the tables large and are never acted on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from types import SimpleNamespace
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import Session, SQLModel

from benchmarks.rig.company import TEAM
from bot.core.words import GrantStatus, RequestStatus
from bot.store import audit
from bot.store.audit import GENESIS, chain_of, head
from bot.store.database import Database
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Event,
    OktaPerson,
    PersonLink,
    SlackAccount,
    table_of,
)

HELD_FOR = timedelta(hours=1)
LIFE = (GrantStatus.GRANTING, audit.INTENDED, audit.ADDED, GrantStatus.ACTIVE)
"""What the chain tells of a grant until it is held."""

AT_A_TIME = 500


def _mould(table: type[SQLModel], **values: Any) -> Mapping[str, Any]:
    """Return what all rows of a table have in common, as plain values.

    Objects of a table take most of a minute to make by the hundred thousand.
    """
    return {
        name: value
        for name, value in vars(table(**values)).items()
        if name != "_sa_instance_state"
    }


REQUEST = _mould(
    AccessRequest,
    flow="engineers to production",
    duration_seconds=int(HELD_FOR.total_seconds()),
    justification="OPS-12 look at slow queries",
    terms={"warn_before": [900]},
    status=RequestStatus.APPROVED,
    version=3,
    step=1,
    decided_by="00uowner",
)
GRANT = _mould(
    AccessGrant,
    duration_seconds=int(HELD_FOR.total_seconds()),
    status=GrantStatus.ACTIVE,
    version=len(LIFE),
    was_member=False,
    seal="",
)
PERSON = _mould(OktaPerson, status="ACTIVE")
ACCOUNT = _mould(SlackAccount, team_id=TEAM)
LINK = _mould(PersonLink, team_id=TEAM)
EVENT = _mould(Event, hash="")

Written = tuple[type[SQLModel], Any]
"""A table, and the plain values of a row of it."""
FILLED = (AccessRequest, AccessGrant)


@dataclass(frozen=True)
class Held:
    """A person and a group by id, and when the one leaves the other."""

    person_id: str
    group_id: str
    expires_at: datetime
    due_at: datetime


def hold(
    database: Database,
    integration: str,
    all_held: Iterable[Held],
    *,
    told: Sequence[str] = LIFE,
    met: bool = True,
) -> None:
    """Write `all_held` as active grants, of people who are `met` in Slack.

    `told` shortens what the chain tells of each; the last has to be of its
    being active. Who is not met is told nothing.
    """
    waiting = iter(all_held)
    while some := list(islice(waiting, AT_A_TIME)):
        database.transact(_write, integration, some, told, met)


def fill(database: Database, count: int) -> None:
    """Copy the newest grant and its request `count` times."""
    for table in FILLED:
        database.transact(_copy, table, count)


def _write(
    session: Session,
    integration: str,
    some: Sequence[Held],
    told: Sequence[str],
    met: bool,
) -> None:
    rows: dict[type[SQLModel], list[dict[str, Any]]] = {}
    ledger = _Ledger(session)
    for held in some:
        written = _person(integration, held), _given(ledger, integration, held, told)
        for table, row in chain(*written, _met(integration, held) if met else ()):
            rows.setdefault(table, []).append(row.__dict__)
    for table, same in rows.items():
        session.execute(insert(table_of(table)), same)


def _given(
    ledger: "_Ledger", integration: str, held: Held, told: Sequence[str]
) -> Iterator[Written]:
    """Give what is written of one grant, each row after those it names."""
    request = _request(integration, held)
    yield AccessRequest, request
    approval = ledger.tell(
        request,
        f"request {request.status}",
        f"okta:{request.decided_by}",
        {
            "granted_seconds": request.duration_seconds,
            "row": _picture(request, audit.request_terms(request)),
        },
    )
    yield Event, approval
    grant = _grant(request, held, approval.seq)
    grant.seal = ledger.chain.seal(grant, approval)
    yield AccessGrant, grant
    terms = audit.grant_terms(grant)
    for version, what in enumerate(told, grant.version + 1 - len(told)):
        picture = _picture(grant, terms) | {"version": version}
        yield Event, ledger.tell(grant, f"grant {what}", "bot", {"row": picture})


def _picture(row: Any, terms: dict[str, Any]) -> dict[str, Any]:
    return {"status": str(row.status), "version": row.version} | terms


def _request(integration: str, held: Held) -> Any:
    asked_at = held.expires_at - HELD_FOR
    return _like(
        REQUEST,
        id=f"r-{held.person_id}-{held.group_id}",
        integration=integration,
        requester_id=held.person_id,
        grantee_id=held.person_id,
        group_id=held.group_id,
        asked_at=asked_at,
        lapse_at=asked_at + timedelta(days=1),
        decided_at=asked_at,
    )


def _grant(request: Any, held: Held, approved_event: int) -> Any:
    return _like(
        GRANT,
        id=f"g-{held.person_id}-{held.group_id}",
        request_id=request.id,
        integration=request.integration,
        grantee_id=held.person_id,
        group_id=held.group_id,
        expires_at=held.expires_at,
        due_at=held.due_at,
        approved_event=approved_event,
        deliver_by=request.lapse_at,
        added_at=request.asked_at,
        active_at=request.asked_at,
    )


def _person(integration: str, held: Held) -> Iterator[Written]:
    person = _like(
        PERSON,
        integration=integration,
        id=held.person_id,
        login=_email(held),
        email=_email(held),
        name=held.person_id,
        group_ids=[held.group_id],
        read_at=held.expires_at - HELD_FOR,
    )
    yield OktaPerson, person


def _met(integration: str, held: Held) -> Iterator[Written]:
    """Give the person's account in Slack, and that it is theirs."""
    account = _like(
        ACCOUNT,
        slack_id=f"U-{held.person_id}",
        email=_email(held),
        name=held.person_id,
        read_at=held.expires_at - HELD_FOR,
    )
    yield SlackAccount, account
    link = _like(
        LINK,
        slack_id=account.slack_id,
        integration=integration,
        person_id=held.person_id,
        email=account.email,
        linked_at=account.read_at,
    )
    yield PersonLink, link


def _email(held: Held) -> str:
    return f"{held.person_id}@example.com"


def _like(mould: Mapping[str, Any], **values: Any) -> Any:
    return SimpleNamespace(**{**mould, **values})


class _Ledger:
    """The chain, as it grows within one transaction."""

    def __init__(self, session: Session) -> None:
        self.chain = chain_of(session)
        last = head(session)
        self._seq, self._hash = (last.seq, last.hash) if last else (0, GENESIS)

    def tell(self, row: Any, kind: str, actor: str, data: Mapping[str, Any]) -> Any:
        """Return the next event, chained; it is for the caller to write."""
        is_grant = hasattr(row, "request_id")
        event = _like(
            EVENT,
            seq=self._seq + 1,
            at=row.active_at if is_grant else row.asked_at,
            kind=kind,
            actor=actor,
            integration=row.integration,
            person_id=row.grantee_id,
            group_id=row.group_id,
            request_id=row.request_id if is_grant else row.id,
            grant_id=row.id if is_grant else None,
            data=data,
            previous=self._hash,
        )
        event.hash = self.chain.link(event)
        self._seq, self._hash = event.seq, event.hash
        return event


def _copy(session: Session, table: type[SQLModel], count: int) -> None:
    """Insert `count` rows like the newest, but for their ids and people."""
    shown = table_of(table)
    apart = {"id", "request_id", "grantee_id", "delivery"}
    numbered = [
        f"{name} || '-' || n" if name in apart else name
        for name in shown.columns.keys()  # noqa: SIM118 -- a collection, not a dict
    ]
    columns = ", ".join(shown.columns.keys())
    # NB. Every name in it is one of our own tables' and columns'.
    statement = (
        f"INSERT INTO {shown.name} ({columns}) "  # noqa: S608
        "WITH RECURSIVE counted(n) AS "
        "(SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :count) "
        f"SELECT {', '.join(numbered)} FROM counted, "
        f"(SELECT * FROM {shown.name} ORDER BY rowid DESC LIMIT 1)"
    )
    session.execute(text(statement), {"count": count})
