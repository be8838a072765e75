"""The notice before an account is ended: to its owner, who may keep it.

NB. When it was delivered, and that nobody kept the account, is what the chained
events tell: a row alone deletes nobody.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.core.cleanup import Action, protected
from bot.core.words import Person
from bot.store import audit
from bot.store.tables import AccountEnd, Event, Notice
from bot.workflow.notices import recipients_of, tell
from bot.workflow.reading import Office, policy_for
from bot.workflow.upkeep.idle import Accounts, Candidate, candidates, read_account

MOST_A_DAY = 5
DAY = timedelta(days=1)

NOTICED, DELIVERED, ACTING, DELETING = "noticed", "delivered", "acting", "deleting"
DONE, KEPT, STOPPED = "done", "kept", "stopped"
"""The steps of an ending, in order; the last three are ends of it."""

DELIVERED_EVENT = "clean-up notice delivered"
KEPT_EVENT = "account kept"


async def announce(
    office: Office, accounts: Accounts, action: Action, now: datetime
) -> None:
    """Tell the owner of each account that is to be ended, and note who was told."""
    for candidate in await office.database.read(_to_notice, office, now):
        await _notice(office, accounts, candidate, action, now)
    await office.database.run(_note_delivered, office, now)


def keep(
    session: Session, integration: str, person_id: str, *, by: str, now: datetime
) -> bool:
    """Leave an account alone from now on; False where nothing was to be done to it."""
    row = session.get(AccountEnd, (integration, person_id))
    if row is None or row.step not in (NOTICED, DELIVERED):
        return False
    set_step(session, row, KEPT, KEPT_EVENT, by, now)
    return True


def is_waiting(session: Session, integration: str, person_id: str) -> bool:
    """Tell whether an account may still be kept."""
    row = session.get(AccountEnd, (integration, person_id))
    return row is not None and row.step in (NOTICED, DELIVERED)


def told_at(session: Session, row: AccountEnd) -> datetime | None:
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


def key_of(row: AccountEnd) -> str:
    """Return what begins the keys of all that is told of this ending."""
    return f"cleanup:{row.integration}:{row.person_id}:{row.noticed_at.isoformat()}"


def not_before(
    office: Office, candidate: Candidate, row: AccountEnd | None
) -> datetime:
    """Return when an account may be ended at the earliest, as its owner is told."""
    cleanup = office.integration.user_cleanup
    after = cleanup.after if cleanup else timedelta()
    noticed = row.step_at if row and row.step == DELIVERED else office.clock()
    return max(candidate.last_ended_at + after, noticed + office.timing.clean_up_notice)


def _to_notice(session: Session, office: Office, now: datetime) -> list[Candidate]:
    """Return those to tell the owner of today, with room for so many a day."""
    recent = select(func.count()).where(
        AccountEnd.integration == office.name, col(AccountEnd.noticed_at) > now - DAY
    )
    room = MOST_A_DAY - session.exec(recent).one()
    new = [
        each
        for each in candidates(session, office, now)
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
    account = await read_account(office, accounts, policy, candidate.person_id)
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
    set_step(session, row, NOTICED, "clean-up noticed", "bot", now)
    when = not_before(office, candidate, None)
    said = (
        f"On {when:%a %d %b %Y %H:%M} UTC I will {action} the Okta account of "
        f"{person.name} ({person.login}): their last access from here ended "
        f"{candidate.last_ended_at:%d %b %Y}. Keep leaves it alone."
    )
    facts = {"text": said, "integration": office.name, "person": person.id}
    for recipient in recipients_of(session, office.name, "owner"):
        key = f"{key_of(row)}:{recipient}"
        tell(session, "cleanup", recipient, key=key, now=now, facts=facts)


def _note_delivered(session: Session, office: Office, now: datetime) -> None:
    """Begin to count once somebody was really told."""
    waiting = select(AccountEnd).where(
        AccountEnd.integration == office.name, AccountEnd.step == NOTICED
    )
    for row in session.exec(waiting).all():
        posted = select(Notice.id).where(
            col(Notice.key).startswith(f"{key_of(row)}:"),
            col(Notice.posted_at).is_not(None),
            col(Notice.ts).is_not(None),
        )
        if session.exec(posted).first() is not None:
            set_step(session, row, DELIVERED, DELIVERED_EVENT, "bot", now)


def set_step(
    session: Session, row: AccountEnd, step: str, event: str, by: str, now: datetime
) -> None:
    """Write which step an ending has come to, with its event."""
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
