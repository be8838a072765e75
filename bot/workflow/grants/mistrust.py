"""Mistrust: what lives is looked at again and again, whoever wrote its row.

Rows are read first, all of them, and only those that are not as they were
written are written: each in a transaction of its own, so that one that resists
keeps no other from being ended.
"""

from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from bot.core.words import LIVE, AccessBotError, GrantStatus
from bot.store import claims, evidence, moves, queries
from bot.store.tables import AccessGrant
from bot.workflow.grants.ending import TOO_LATE, end_untrusted, fail
from bot.workflow.reading import Office

log = structlog.get_logger()


async def look_after(office: Office) -> int:
    """See that every live grant is as it was written and will be looked at again.

    One that is not is ended and the admins are told; returns how many. What
    lives and is due never or too late, or is held for too long, is made due.
    """
    broken = await office.database.read(_not_as_written, office.name)
    await _end_each(office, broken)
    await office.database.run(
        claims.make_due,
        office.name,
        office.clock(),
        retry=office.timing.retry_most,
        lease=office.timing.lease,
    )
    return len(broken)


async def look_for_lost(office: Office) -> int:
    """End what lives by the chain and by no row; returns how many.

    NB. A hand that calls a grant revoked, or deletes its row, would leave a
    member for ever. It reads all births in the chain: not for each minute.
    """
    lost = await office.database.read(_lost, office.name)
    await _end_each(office, lost)
    return len(lost)


async def end_unconfirmed(office: Office) -> int:
    """End what was sent and never confirmed, and is past its end; returns how many.

    For a bot that gives nothing: one that gives looks into Okta first.
    """
    now = office.clock()
    sent = await office.database.read(_unconfirmed, office.name, now)
    for grant in sent:
        await office.database.run(fail, grant, TOO_LATE, now)
    return len(sent)


def _unconfirmed(
    session: Session, integration: str, now: datetime
) -> list[AccessGrant]:
    waits = select(AccessGrant).where(
        AccessGrant.integration == integration,
        AccessGrant.status == GrantStatus.GRANTING,
        AccessGrant.expires_at <= now,
    )
    return [one for one in session.exec(waits) if evidence.added_pair(session, one)]


async def _end_each(office: Office, ids: list[str]) -> None:
    for grant_id in ids:
        log.error("grant not as written", grant=grant_id, integration=office.name)
        try:
            await office.database.run(_end, office, grant_id)
        except AccessBotError as error:
            log.warning("grant waits", grant=grant_id, why=str(error))


def _not_as_written(session: Session, integration: str) -> list[str]:
    live = select(AccessGrant.id).where(
        AccessGrant.integration == integration, col(AccessGrant.status).in_(LIVE)
    )
    return [id_ for id_ in session.exec(live).all() if not _is_believed(session, id_)]


def _is_believed(session: Session, grant_id: str) -> bool:
    grant = evidence.read_row(session, AccessGrant, grant_id)
    return grant is not None and evidence.is_sealed(session, grant)


def _lost(session: Session, integration: str) -> list[str]:
    live = select(AccessGrant.id).where(col(AccessGrant.status).in_(LIVE))
    alive = set(session.exec(live))
    told = queries.told_alive(session, integration)
    return [grant_id for grant_id in told if grant_id not in alive]


def _end(session: Session, office: Office, grant_id: str) -> None:
    """End a grant; one that cannot be read, or is hidden, as the chain tells of it."""
    now = office.clock()
    grant = evidence.read_row(session, AccessGrant, grant_id)
    if grant is None or grant.status not in LIVE:
        grant = moves.put_back_as_told(session, grant_id, now)
    elif evidence.is_sealed(session, grant):
        return
    if grant is not None and grant.status in LIVE:
        end_untrusted(session, grant, now)
