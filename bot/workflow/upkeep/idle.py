"""Who had access once and has none now, and what their account is.

This is all that clean-up goes by when it ends a whole account.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, func, select

from bot.core.cleanup import Account
from bot.core.policy import Policy
from bot.core.words import LIVE, Cause, Group, RequestStatus
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.people import ask_for_person
from bot.workflow.reading import Office


class Accounts(Protocol):
    """The second app: what it may do to an account, and what it is asked of one."""

    async def is_admin(self, person_id: str) -> bool | None: ...

    async def suspend(self, person_id: str) -> None: ...

    async def deactivate(self, person_id: str) -> None: ...

    async def delete(self, person_id: str) -> None: ...

    def skew(self) -> timedelta | None: ...


@dataclass(frozen=True)
class Candidate:
    """Somebody whose last access ended, and when."""

    person_id: str
    last_ended_at: datetime


def is_idle(integration: str) -> list[ColumnElement[bool]]:
    """Return what holds of the grants of who holds nothing and waits for nothing."""
    waits = select(AccessRequest.grantee_id).where(
        AccessRequest.integration == integration,
        AccessRequest.status == RequestStatus.PENDING,
    )
    holds = select(AccessGrant.grantee_id).where(
        AccessGrant.integration == integration,
        col(AccessGrant.status).in_(LIVE) | col(AccessGrant.unsure_until).is_not(None),
    )
    grantee = col(AccessGrant.grantee_id)
    return [grantee.not_in(waits), grantee.not_in(holds)]


def candidates(session: Session, office: Office, now: datetime) -> list[Candidate]:
    """Return whose last access ended long enough ago to be told of, and who is idle."""
    cleanup = office.integration.user_cleanup
    if cleanup is None:
        return []
    since = now - max(cleanup.after - office.timing.clean_up_notice, timedelta())
    last = func.max(AccessGrant.ended_at)
    ended = (
        select(AccessGrant.grantee_id, last)
        .where(
            AccessGrant.integration == office.name,
            col(AccessGrant.added_at).is_not(None),
            *is_idle(office.name),
        )
        .group_by(AccessGrant.grantee_id)
        .having(last <= since, _is_proven(last))
        .order_by(last)
    )
    return [Candidate(person_id, at) for person_id, at in session.exec(ended) if at]


def _is_proven(last: Any) -> ColumnElement[bool]:
    """Whether the last end is one that we saw to.

    NB. An end that was only inferred, from somebody's not being shown, is no reason
    to take an account away.
    """
    seen_to = case(
        (
            col(AccessGrant.cause).is_distinct_from(Cause.ENDED_OUTSIDE),
            AccessGrant.ended_at,
        )
    )
    return cast("ColumnElement[bool]", func.max(seen_to) == last)


async def read_account(
    office: Office, accounts: Accounts, policy: Policy, person_id: str
) -> Account | None:
    """Read an account whole, with the groups that clean-up is bound to."""
    person = await ask_for_person(office.directory, person_id, office.clock())
    if person is None:
        return None
    cleanup = office.integration.user_cleanup
    bounds: dict[str, Group | None] = {}
    for bound in cleanup.only_members_of if cleanup else ():
        id_ = policy.groups.get(bound.group)
        if id_ is not None:
            bounds[id_] = await office.directory.guarded_group(id_)
    is_admin = await accounts.is_admin(person_id)
    return Account(person=person, is_admin=is_admin, bounds=bounds)
