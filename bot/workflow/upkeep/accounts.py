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
from typing import cast

import structlog
from sqlmodel import Session, col, func, select

from bot.core.cleanup import Action, protected
from bot.core.words import DirectoryError, DirectoryUnavailable, Refused
from bot.store.tables import AccountEnd
from bot.workflow.notices import tell_people
from bot.workflow.reading import Office, policy_for
from bot.workflow.upkeep.announcing import (
    ACTING,
    DAY,
    DELETING,
    DELIVERED,
    DONE,
    MOST_A_DAY,
    STOPPED,
    announce,
    key_of,
    not_before,
    set_step,
    told_at,
)
from bot.workflow.upkeep.idle import Accounts, Candidate, candidates, read_account

FURTHEST_APART = timedelta(minutes=5)
"""With our clock and Okta's further apart than this, nothing is done."""

GONE = "DEPROVISIONED"

log = structlog.get_logger()


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
    await announce(office, accounts, action, now)
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
    for candidate in await office.database.read(candidates, office, now):
        account = await read_account(office, accounts, policy, candidate.person_id)
        row = await office.database.read(_row, office, candidate.person_id)
        why = protected(policy, action, account) if account else None
        planned.append(
            Planned(
                person_id=candidate.person_id,
                login=account.person.login if account else "",
                when=not_before(office, candidate, row),
                action=action,
                step=row.step if row else "",
                protected=why.reason if why else ("" if account else "not in Okta"),
            )
        )
    return planned


def _action(office: Office) -> Action | None:
    cleanup = office.integration.user_cleanup
    if cleanup is None or cleanup.action == "forget":
        return None
    return cleanup.action


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
    idle = {each.person_id: each for each in candidates(session, office, now)}
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
    told = told_at(session, row)
    return told is not None and now >= told + office.timing.clean_up_notice


async def _begin(
    office: Office, accounts: Accounts, row: AccountEnd, now: datetime
) -> int:
    """Commit that an account is acted on, and act; all guards are looked at anew."""
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    account = await read_account(office, accounts, policy, row.person_id)
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
    idle = {each.person_id: each for each in candidates(session, office, now)}
    if kept.step != DELIVERED or not _may_begin(session, office, kept, idle, now):
        return False
    set_step(session, kept, ACTING, f"account: {kept.action} begun", "bot", now)
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


def _row(session: Session, office: Office, person_id: str) -> AccountEnd | None:
    return session.get(AccountEnd, (office.name, person_id))


def _reread(session: Session, row: AccountEnd) -> AccountEnd:
    return session.get_one(AccountEnd, (row.integration, row.person_id))


def _set_step(
    session: Session, row: AccountEnd, step: str, event: str, now: datetime
) -> None:
    set_step(session, _reread(session, row), step, event, "bot", now)


def _done(session: Session, office: Office, row: AccountEnd, now: datetime) -> int:
    kept = _reread(session, row)
    set_step(session, kept, DONE, f"account: {row.action} done", "bot", now)
    return 1


def _stop(
    session: Session, office: Office, row: AccountEnd, why: str, now: datetime
) -> None:
    """Leave an account as it is, and tell the owner why."""
    kept = _reread(session, row)
    set_step(session, kept, STOPPED, f"account: {row.action} stopped", "bot", now)
    said = f"I leave the Okta account {row.person_id} as it is. {why}"
    key = f"stopped:{key_of(kept)}"
    tell_people(session, office.name, "owner", said, key=key, now=now)
