"""Taking away: the removal, its proof, and the watch for what may still land."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from bot.core.words import (
    AccessBotError,
    Cause,
    DirectoryError,
    DirectoryGone,
    DirectoryRefused,
    GrantStatus,
    Person,
    SettingError,
)
from bot.store import claims, directory, evidence, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant
from bot.workflow.grants.ending import BOT, tell_failed, tell_of
from bot.workflow.notices import tell_people
from bot.workflow.people import ask_for_person
from bot.workflow.reading import NotYet, Office

Pair = tuple[str, str]
"""A person and a group, by id."""

StillHeld = Callable[[], None]
"""Raises StaleState when the claim has run out: asked just before sending."""


class Hidden(NotYet):
    """Okta shows a person or group no more: gone, or hidden from our app."""


async def take(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Remove the member in Okta until it is read back as gone."""
    run = office.database.run
    try:
        added = await office.database.read(evidence.added_pair, grant)
        if added is None:
            await run(_revoked, grant, "", office.clock())
            return
        answered = await _remove(office, added, still_held)
        person = await member(office, added)
        if is_in(person, added):
            raise NotYet("The member still shows.")
        await run(_revoked, grant, answered, office.clock(), person)
    except (DirectoryError, SettingError) as error:
        await run(_tell_if_stuck, office, grant, error, office.clock())
        raise


async def _remove(office: Office, pair: Pair, still_held: StillHeld) -> str:
    """Send the removal. Gone is no proof yet: the reading after it is.

    NB. A group that is hidden from the app answers like one that is gone, and
    is left out of what a person is shown to be in: no reading proves the end.
    Raises Hidden then.
    """
    person_id, group_id = pair
    try:
        return await office.directory.remove_member(
            group_id, person_id, before_send=still_held
        )
    except DirectoryGone as error:
        if await office.directory.group(group_id) is None:
            raise Hidden("Okta no longer shows the group.") from error
        return error.request_id


async def watch(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Undo an add that landed after all, for as long as one still may."""
    run, now = office.database.run, office.clock()
    added = await office.database.read(_late_add, grant)
    shows = added is not None and await is_member(office, added)
    # NB. Asked again: what shows may be what a later grant was given meanwhile.
    if shows and (late := await office.database.read(_late_add, grant)):
        answered = await _remove(office, late, still_held)
        await run(_undone, grant, answered, now)
    else:
        await run(_watched, office, grant, now)


async def is_shown(office: Office, grant: AccessGrant) -> bool:
    """Read whether Okta shows both the group and the person of `grant`."""
    group = await office.directory.group(grant.group_id)
    person = await office.directory.person(grant.grantee_id)
    return group is not None and person is not None


async def member(office: Office, pair: Pair) -> Person:
    """Read the person of a pair and their groups; Hidden if they cannot be read."""
    person = await ask_for_person(office.directory, pair[0], office.clock())
    if person is None or person.groups is None:
        raise Hidden("Okta no longer shows the person.")
    return person


def is_in(person: Person, pair: Pair) -> bool:
    """Tell whether a person who was just read is in the group of the pair."""
    return pair[1] in (person.groups or ())


async def is_member(office: Office, pair: Pair) -> bool:
    """Read whether a person is in a group; who is gone is in none."""
    person = await office.directory.person(pair[0])
    return person is not None and is_in(await member(office, pair), pair)


def _late_add(session: Session, grant: AccessGrant) -> Pair | None:
    """Return the pair of an add that may still land; None where no removal is due.

    A later grant of the pair that was added holds the membership now.
    """
    if queries.is_given_anew(session, grant):
        return None
    if not evidence.may_still_land(session, grant):
        return None
    return evidence.added_pair(session, grant)


def _revoked(
    session: Session,
    grant: AccessGrant,
    answered: str,
    now: datetime,
    person: Person | None = None,
) -> None:
    """Write that the membership is gone, as `person` was read; tell who held it."""
    if person is not None:
        directory.remember_person(session, grant.integration, person, now)
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


def _tell_if_stuck(
    session: Session,
    office: Office,
    grant: AccessGrant,
    error: AccessBotError,
    now: datetime,
) -> None:
    """Tell the owner of a removal that fails: at once when Okta refuses it for good.

    Else after `Timing.late`; and again each `Timing.late_again`.
    """
    since = grant.revoking_at or grant.expires_at
    refused = isinstance(error, DirectoryRefused | Hidden)
    if now - since < office.timing.late and not refused:
        return
    times = max(0, int((now - since) / office.timing.late_again))
    who, what = queries.names_of(session, grant)
    ask = (
        "If that is because it is gone, say so here, and I take this as ended."
        if isinstance(error, Hidden)
        else "I keep trying; remove them by hand if it is urgent."
    )
    tell_people(
        session,
        grant.integration,
        "owner",
        f"{who} should have left {what} at {since:%H:%M} UTC "
        f"and could not be removed. {error} {ask}",
        key=f"stuck:{grant.id}:{times}",
        now=now,
        grant=grant if isinstance(error, Hidden) else None,
    )
