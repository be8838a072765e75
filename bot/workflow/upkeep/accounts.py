"""Okta accounts ended some time after their last access: the most careful job.

An account is acted on only after a notice to the integration owner was delivered
and its time has passed, on facts read a moment ago, a few a day, and never while
our clock and Okta's disagree. Each step is committed before it is taken and read
back after it; what was not read back is looked at again, and nothing is repeated
blindly.

NB. When the notice was delivered, and that nobody kept the account, is what the
chained events tell: a row alone deletes nobody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

import structlog
from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, func, select

from bot.core.cleanup import Account, Action, protected
from bot.core.policy import Policy
from bot.core.words import (
    LIVE,
    Cause,
    DirectoryError,
    DirectoryUnavailable,
    Group,
    Person,
    Refused,
    RequestStatus,
)
from bot.store import audit
from bot.store.tables import AccessGrant, AccessRequest, AccountEnd, Event, Notice
from bot.workflow.notices import recipients_of, tell, tell_people
from bot.workflow.people import ask_for_person
from bot.workflow.reading import Office, policy_for

MOST_A_DAY = 5
DAY = timedelta(days=1)
FURTHEST_APART = timedelta(minutes=5)
"""With our clock and Okta's further apart than this, nothing is done."""

NOTICED, DELIVERED, ACTING, DELETING = "noticed", "delivered", "acting", "deleting"
DONE, KEPT, STOPPED = "done", "kept", "stopped"
"""The steps of an ending, in order; the last three are ends of it."""

DELIVERED_EVENT = "clean-up notice delivered"
KEPT_EVENT = "account kept"
GONE = "DEPROVISIONED"

log = structlog.get_logger()


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


@dataclass(frozen=True)
class Planned:
    """What would happen to an account, when, or why it does not. For a preview."""

    person_id: str
    login: str
    when: datetime
    action: str
    step: str
    protected: str


async def end_accounts(office: Office, accounts: Accounts) -> int:
    """Take the next step with each account that is due for one; return how many ended.

    Raises DirectoryError when Okta cannot be read: then nothing more is done.
    """
    now, action = office.clock(), _action(office)
    if action is None:
        return 0
    for candidate in await office.database.read(_to_notice, office, now):
        await _notice(office, accounts, candidate, action, now)
    await office.database.run(_note_delivered, office, now)
    ended = 0
    for row in await office.database.read(_under_way, office):
        ended += await _go_on(office, accounts, row, now)
    for row in await office.database.read(_to_begin, office, now):
        ended += await _begin(office, accounts, row, now)
    return ended


async def preview(office: Office, accounts: Accounts) -> list[Planned]:
    """Return what clean-up would do to whom, and who is protected; changes nothing."""
    action, now = _action(office), office.clock()
    cleanup = office.integration.user_cleanup
    if action is None or cleanup is None:
        return []
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    planned = []
    for candidate in await office.database.read(_candidates, office, now):
        account = await _read(office, accounts, policy, candidate.person_id)
        row = await office.database.read(_row, office, candidate.person_id)
        why = protected(policy, action, account) if account else None
        planned.append(
            Planned(
                person_id=candidate.person_id,
                login=account.person.login if account else "",
                when=_not_before(office, candidate, row),
                action=action,
                step=row.step if row else "",
                protected=why.reason if why else ("" if account else "not in Okta"),
            )
        )
    return planned


def keep(
    session: Session, integration: str, person_id: str, *, by: str, now: datetime
) -> bool:
    """Leave an account alone from now on; False where nothing was to be done to it."""
    row = session.get(AccountEnd, (integration, person_id))
    if row is None or row.step not in (NOTICED, DELIVERED):
        return False
    _set(session, row, KEPT, KEPT_EVENT, by, now)
    return True


def is_waiting(session: Session, integration: str, person_id: str) -> bool:
    """Tell whether an account may still be kept."""
    row = session.get(AccountEnd, (integration, person_id))
    return row is not None and row.step in (NOTICED, DELIVERED)


def _action(office: Office) -> Action | None:
    cleanup = office.integration.user_cleanup
    if cleanup is None or cleanup.action == "forget":
        return None
    return cleanup.action


def _not_before(
    office: Office, candidate: Candidate, row: AccountEnd | None
) -> datetime:
    cleanup = office.integration.user_cleanup
    after = cleanup.after if cleanup else timedelta()
    noticed = row.step_at if row and row.step == DELIVERED else office.clock()
    return max(candidate.last_ended_at + after, noticed + office.timing.clean_up_notice)


# The notice


def _candidates(session: Session, office: Office, now: datetime) -> list[Candidate]:
    """Return whose last access ended long enough ago to be told of, and who is idle."""
    cleanup = office.integration.user_cleanup
    if cleanup is None:
        return []
    waits = select(AccessRequest.grantee_id).where(
        AccessRequest.integration == office.name,
        AccessRequest.status == RequestStatus.PENDING,
    )
    holds = select(AccessGrant.grantee_id).where(
        AccessGrant.integration == office.name,
        col(AccessGrant.status).in_(LIVE) | col(AccessGrant.unsure_until).is_not(None),
    )
    since = now - max(cleanup.after - office.timing.clean_up_notice, timedelta())
    last = func.max(AccessGrant.ended_at)
    ended = (
        select(AccessGrant.grantee_id, last)
        .where(
            AccessGrant.integration == office.name,
            col(AccessGrant.added_at).is_not(None),
            col(AccessGrant.grantee_id).not_in(waits),
            col(AccessGrant.grantee_id).not_in(holds),
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


def _to_notice(session: Session, office: Office, now: datetime) -> list[Candidate]:
    """Return those to tell the owner of today, with room for so many a day."""
    recent = select(func.count()).where(
        AccountEnd.integration == office.name, col(AccountEnd.noticed_at) > now - DAY
    )
    room = MOST_A_DAY - session.exec(recent).one()
    new = [
        each
        for each in _candidates(session, office, now)
        if not _is_settled(session.get(AccountEnd, (office.name, each.person_id)), each)
    ]
    return new[: max(room, 0)]


def _is_settled(row: AccountEnd | None, candidate: Candidate) -> bool:
    """Tell whether this ending of access was told of already."""
    return row is not None and row.last_ended_at >= candidate.last_ended_at


async def _notice(
    office: Office,
    accounts: Accounts,
    candidate: Candidate,
    action: Action,
    now: datetime,
) -> None:
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    account = await _read(office, accounts, policy, candidate.person_id)
    if account is None or protected(policy, action, account) is not None:
        return
    await office.database.run(_tell, office, candidate, account.person, action, now)


def _tell(
    session: Session,
    office: Office,
    candidate: Candidate,
    person: Person,
    action: Action,
    now: datetime,
) -> None:
    row = AccountEnd(
        integration=office.name,
        person_id=person.id,
        action=action,
        last_ended_at=candidate.last_ended_at,
        noticed_at=now,
        step=NOTICED,
        step_at=now,
    )
    row = session.merge(row)
    _set(session, row, NOTICED, "clean-up noticed", "bot", now)
    when = _not_before(office, candidate, None)
    said = (
        f"On {when:%a %d %b %Y %H:%M} UTC I will {action} the Okta account of "
        f"{person.name} ({person.login}): their last access from here ended "
        f"{candidate.last_ended_at:%d %b %Y}. Keep leaves it alone."
    )
    facts = {"text": said, "integration": office.name, "person": person.id}
    for recipient in recipients_of(session, office.name, "owner"):
        key = f"{_key(row)}:{recipient}"
        tell(session, "cleanup", recipient, key=key, now=now, facts=facts)


def _key(row: AccountEnd) -> str:
    return f"cleanup:{row.integration}:{row.person_id}:{row.noticed_at.isoformat()}"


def _note_delivered(session: Session, office: Office, now: datetime) -> None:
    """Begin to count once somebody was really told."""
    waiting = select(AccountEnd).where(
        AccountEnd.integration == office.name, AccountEnd.step == NOTICED
    )
    for row in session.exec(waiting).all():
        posted = select(Notice.id).where(
            col(Notice.key).startswith(f"{_key(row)}:"),
            col(Notice.posted_at).is_not(None),
            col(Notice.ts).is_not(None),
        )
        if session.exec(posted).first() is not None:
            _set(session, row, DELIVERED, DELIVERED_EVENT, "bot", now)


# The act


def _under_way(session: Session, office: Office) -> list[AccountEnd]:
    return list(
        session.exec(
            select(AccountEnd).where(
                AccountEnd.integration == office.name,
                col(AccountEnd.step).in_((ACTING, DELETING)),
            )
        )
    )


def _to_begin(session: Session, office: Office, now: datetime) -> list[AccountEnd]:
    """Return what may be begun now: told of long enough ago, and never kept."""
    begun = select(func.count()).where(
        AccountEnd.integration == office.name,
        col(AccountEnd.step).in_((ACTING, DELETING, DONE, STOPPED)),
        col(AccountEnd.step_at) > now - DAY,
    )
    room = max(MOST_A_DAY - session.exec(begun).one(), 0)
    rows = session.exec(
        select(AccountEnd)
        .where(AccountEnd.integration == office.name, AccountEnd.step == DELIVERED)
        .order_by(col(AccountEnd.step_at))
    )
    idle = {each.person_id: each for each in _candidates(session, office, now)}
    return [row for row in rows if _may_begin(session, office, row, idle, now)][:room]


def _may_begin(
    session: Session,
    office: Office,
    row: AccountEnd,
    idle: dict[str, Candidate],
    now: datetime,
) -> bool:
    cleanup, candidate = office.integration.user_cleanup, idle.get(row.person_id)
    if cleanup is None or candidate is None or row.action != cleanup.action:
        return False
    if candidate.last_ended_at != row.last_ended_at:
        return False
    if now < candidate.last_ended_at + cleanup.after:
        return False
    told = _told_at(session, row)
    return told is not None and now >= told + office.timing.clean_up_notice


def _told_at(session: Session, row: AccountEnd) -> datetime | None:
    """Return when the owner was told of this ending, as verified events have it."""
    events = session.exec(
        select(Event)
        .where(
            Event.integration == row.integration,
            Event.person_id == row.person_id,
            col(Event.kind).in_((DELIVERED_EVENT, KEPT_EVENT)),
            col(Event.at) >= row.noticed_at,
        )
        .order_by(col(Event.seq))
    ).all()
    chain = audit.chain_of(session)
    if not events or any(event.kind == KEPT_EVENT for event in events):
        return None
    return events[0].at if all(chain.fits(event) for event in events) else None


async def _begin(
    office: Office, accounts: Accounts, row: AccountEnd, now: datetime
) -> int:
    """Commit that an account is acted on, and act; all guards are looked at anew."""
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    account = await _read(office, accounts, policy, row.person_id)
    if not _clocks_agree(accounts):
        return 0
    action = cast("Action", row.action)
    why = protected(policy, action, account) if account else Refused("They are gone.")
    if why is not None:
        await office.database.run(_stop, office, row, why.reason, now)
        return 0
    if not await office.database.run(_commit, office, row, now):
        return 0
    return await _act(office, accounts, row, now)


def _clocks_agree(accounts: Accounts) -> bool:
    """Tell whether ours is what Okta's last answer said, which was a moment ago.

    NB. A clock that runs ahead would shorten what was promised.
    """
    skew = accounts.skew()
    if skew is not None and abs(skew) <= FURTHEST_APART:
        return True
    log.warning("no account is ended", why="our clock and Okta's disagree")
    return False


def _commit(session: Session, office: Office, row: AccountEnd, now: datetime) -> bool:
    """Write that the first call goes out; False where something came between."""
    kept = session.get_one(AccountEnd, (row.integration, row.person_id))
    idle = {each.person_id: each for each in _candidates(session, office, now)}
    if kept.step != DELIVERED or not _may_begin(session, office, kept, idle, now):
        return False
    _set(session, kept, ACTING, f"account: {kept.action} begun", "bot", now)
    return True


async def _act(
    office: Office, accounts: Accounts, row: AccountEnd, now: datetime
) -> int:
    call = accounts.suspend if row.action == "suspend" else accounts.deactivate
    person = await office.directory.person(row.person_id)
    if person is not None and person.status not in ("SUSPENDED", GONE):
        try:
            await call(row.person_id)
        except DirectoryUnavailable as error:
            log.warning("account not ended yet", why=str(error))
            return 0
        except DirectoryError as error:
            await office.database.run(_stop, office, row, f"Okta: {error}", now)
            return 0
    return await _go_on(office, accounts, row, now)


async def _go_on(
    office: Office, accounts: Accounts, row: AccountEnd, now: datetime
) -> int:
    """Look at what became of an account that was acted on, and take the next step."""
    row = await office.database.read(_reread, row)
    person = await office.directory.person(row.person_id)
    status = person.status if person else ""
    if row.action == "suspend" and status == "SUSPENDED":
        return await office.database.run(_done, office, row, now)
    if row.action == "deactivate" and status in (GONE, ""):
        return await office.database.run(_done, office, row, now)
    if row.action == "delete" and not status:
        return await office.database.run(_done, office, row, now)
    if row.action == "delete" and status == GONE:
        return await _delete(office, accounts, row, now)
    if now - row.step_at > office.timing.clean_up:
        why = f"Okta shows {status or 'nobody'} after it was asked to {row.action}."
        await office.database.run(_stop, office, row, why, now)
    return 0


async def _delete(
    office: Office, accounts: Accounts, row: AccountEnd, now: datetime
) -> int:
    """Delete an account that was just read as deactivated, once.

    NB. Okta: the same call deactivates who is active, and a second one deletes.
    After one without an answer an admin looks, and nothing is sent again.
    """
    await accounts.is_admin(row.person_id)  # an answer of now, for its Date
    if not _clocks_agree(accounts):
        return 0
    if row.step == DELETING:
        why = "Okta was asked to delete it and still shows it."
        await office.database.run(_stop, office, row, why, now)
        return 0
    await office.database.run(_set_step, row, DELETING, "account: delete sent", now)
    try:
        await accounts.delete(row.person_id)
    except DirectoryError as error:
        log.warning("deletion not answered", why=str(error))
    if await office.directory.person(row.person_id) is None:
        return await office.database.run(_done, office, row, now)
    return 0


async def _read(
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


def _row(session: Session, office: Office, person_id: str) -> AccountEnd | None:
    return session.get(AccountEnd, (office.name, person_id))


def _reread(session: Session, row: AccountEnd) -> AccountEnd:
    return session.get_one(AccountEnd, (row.integration, row.person_id))


def _set_step(
    session: Session, row: AccountEnd, step: str, event: str, now: datetime
) -> None:
    _set(session, _reread(session, row), step, event, "bot", now)


def _done(session: Session, office: Office, row: AccountEnd, now: datetime) -> int:
    kept = _reread(session, row)
    _set(session, kept, DONE, f"account: {row.action} done", "bot", now)
    return 1


def _stop(
    session: Session, office: Office, row: AccountEnd, why: str, now: datetime
) -> None:
    """Leave an account as it is, and tell the owner why."""
    kept = _reread(session, row)
    _set(session, kept, STOPPED, f"account: {row.action} stopped", "bot", now)
    said = f"I leave the Okta account {row.person_id} as it is. {why}"
    key = f"stopped:{_key(kept)}"
    tell_people(session, office.name, "owner", said, key=key, now=now)


def _set(
    session: Session, row: AccountEnd, step: str, event: str, by: str, now: datetime
) -> None:
    row.step, row.step_at = step, now
    session.add(row)
    audit.record(
        session,
        event,
        by=by,
        now=now,
        integration=row.integration,
        person_id=row.person_id,
        data={"action": row.action},
    )
