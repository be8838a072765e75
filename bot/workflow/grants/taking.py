"""Taking away: the removal, its proof, and the watch for what may still land."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from bot.core.words import (
    Cause,
    DirectoryError,
    DirectoryGone,
    GrantStatus,
    SettingError,
)
from bot.store import audit, claims, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant
from bot.workflow.grants.ending import BOT, tell_failed, tell_of
from bot.workflow.notices import tell_people
from bot.workflow.people import read_person
from bot.workflow.reading import NotYet, Office

StillHeld = Callable[[], None]
"""Raises StaleState when the claim has run out: asked just before sending."""


async def take(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Remove the member in Okta until it is read back as gone."""
    run = office.database.run
    try:
        if not await office.database.read(audit.may_have_added, grant):
            await run(_revoked, grant, "", office.clock())
            return
        answered = await _remove(office, grant, still_held)
        if await is_member(office, grant):
            raise NotYet("The member still shows.")
        await run(_revoked, grant, answered, office.clock())
    except (DirectoryError, SettingError) as error:
        await run(_tell_if_late, office, grant, str(error), office.clock())
        raise


async def _remove(office: Office, grant: AccessGrant, still_held: StillHeld) -> str:
    """Send the removal. Gone is no proof yet: the reading after it is."""
    try:
        return await office.directory.remove_member(
            grant.group_id, grant.grantee_id, before_send=still_held
        )
    except DirectoryGone as error:
        return error.request_id


async def watch(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Undo an add that landed after all, for as long as one still may."""
    run, now = office.database.run, office.clock()
    person = await read_person(
        office.database, office.directory, office.name, grant.grantee_id, now
    )
    found = person is not None and grant.group_id in (person.groups or ())
    if found and await office.database.read(_is_late_add, grant):
        answered = await _remove(office, grant, still_held)
        await run(_undone, grant, answered, now)
    else:
        await run(_watched, office, grant, now)


async def is_member(office: Office, grant: AccessGrant) -> bool:
    """Read whether the grantee is in the group; NotYet if they cannot be read."""
    person = await read_person(
        office.database, office.directory, office.name, grant.grantee_id, office.clock()
    )
    if person is None or person.groups is None:
        raise NotYet("The person cannot be read, so nothing is proven.")
    return grant.group_id in person.groups


def _is_late_add(session: Session, grant: AccessGrant) -> bool:
    """Tell whether a member who was found can only be an add of `grant`."""
    given_anew = queries.is_given_anew(session, grant)
    return not given_anew and audit.may_still_land(session, grant)


def _revoked(
    session: Session, grant: AccessGrant, answered: str, now: datetime
) -> None:
    """Write that the membership is gone, and tell who held it."""
    doubt = grant.unsure_until if (grant.unsure_until or now) > now else None
    moves.move(
        session,
        grant,
        GrantStatus.REVOKED,
        by=BOT,
        now=now,
        fence=grant.fence,
        data={"okta_request": answered},
        ended_at=now,
        unsure_until=doubt,
        **settled(now if doubt else None),
    )
    if grant.cause is Cause.FAILED:
        tell_failed(session, grant, now)
    else:
        tell_of(session, "ended", grant, now)


def _watched(
    session: Session, office: Office, grant: AccessGrant, now: datetime
) -> None:
    """Look again later, or write that nothing of ours can land any more."""
    if grant.unsure_until is not None and now < grant.unsure_until:
        later = min(grant.unsure_until, now + office.timing.verify)
        claims.put_back(session, grant, later)
        return
    moves.advance(
        session,
        grant,
        "settled",
        by=BOT,
        now=now,
        fence=grant.fence,
        unsure_until=None,
        **settled(None),
    )


def _undone(session: Session, grant: AccessGrant, answered: str, now: datetime) -> None:
    """Write that a late add was found and removed, and look again at once."""
    moves.advance(
        session,
        grant,
        "late add removed",
        by=BOT,
        now=now,
        fence=grant.fence,
        data={"okta_request": answered},
        **settled(now),
    )


def _tell_if_late(
    session: Session, office: Office, grant: AccessGrant, why: str, now: datetime
) -> None:
    """Tell the integration owner of a removal that fails, then again each hour."""
    since = grant.revoking_at or grant.expires_at
    hours = int((now - since - office.timing.late) / office.timing.late_again)
    if now - since < office.timing.late:
        return
    tell_people(
        session,
        grant.integration,
        "owner",
        f"The Okta user {grant.grantee_id} should have left the group "
        f"{grant.group_id} at {since:%H:%M} UTC and could not be removed: {why} "
        "I keep trying; remove them by hand if it is urgent.",
        key=f"late:{grant.id}:{hours}",
        now=now,
    )
