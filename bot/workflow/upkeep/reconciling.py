"""Reconciling: rows compared with Okta, so that what changed there is known here.

A person who was suspended or deactivated loses what they hold. A member who was
removed outside ends the grant, but only after two readings by different
endpoints, some time apart, show it; and when many would end so, an admin is asked.

NB. Nothing is ended on a listing that fails, or on one reading alone: a partial
answer must not end everybody's access.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from bot.core.durations import say_duration
from bot.core.words import (
    LIVE,
    STILL_HOLDS,
    Cause,
    DirectoryError,
    GrantStatus,
    Person,
    Refused,
    RequestStatus,
    StaleState,
)
from bot.store import directory, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant, AccessRequest, OktaPerson
from bot.workflow import requests
from bot.workflow.grants.ending import end, tell_of
from bot.workflow.notices import tell_people
from bot.workflow.people import ask_for_person
from bot.workflow.reading import Office
from bot.workflow.upkeep.braking import is_let
from bot.workflow.upkeep.outsiders import note_additions, send_digests

OVERLAP = timedelta(minutes=5)
TOLD_FROM = timedelta(minutes=1)
"""How far our clock and Okta's may be apart before the admins are told."""

FIRST = timedelta(days=1)
"""How far the first reading of changes goes back."""

A_PASS = 50
"""How many people who hold something are read anew in one pass, with two calls each:
a tenth of the 1,250 calls that an org of 250 a minute takes in 5 minutes."""

IN_TURN = 15
"""How many of them are those who were read the longest ago: 4,320 a day."""

RECONCILED = "reconciled:{}"
ABSENT = "absent:{}"
BEHIND = "to look at:{}"
"""What is remembered: when it was done last on Okta's clock, whom one reading did not
show, and for whom there was no room in a pass."""

OKTA = "okta"
LEFT = Refused("Their Okta account is no longer active.")


async def reconcile(office: Office) -> int:
    """Bring rows in line with what changed in Okta; return how many grants ended.

    Raises DirectoryError when a listing fails: then nothing was ended on it.
    """
    began = office.clock()
    since = await office.database.read(_since, office, began)
    left = await office.directory.people_changed(since)
    changed = {group.id for group in await office.directory.guarded_groups(since)}
    ended = 0
    for person in left:
        ended += await office.database.run(_left, office, person, began)
    ended += await _look_for_removed(office, changed, began)
    await note_additions(office, changed, began)
    await office.database.run(send_digests, office, began)
    await office.database.run(_end, office, began)
    return ended


def _since(session: Session, office: Office, now: datetime) -> datetime:
    last = directory.remembered(session, RECONCILED.format(office.name))
    return (last.at if last else now - FIRST) - OVERLAP


def _end(session: Session, office: Office, began: datetime) -> None:
    """Remember when it began, and tell the admins where that is not the time.

    On Okta's clock: what changed there is asked for by it, and ours may be ahead.
    """
    skew = office.directory.skew()
    directory.remember(session, RECONCILED.format(office.name), {}, began + skew)
    if abs(skew) <= TOLD_FROM:
        return
    apart = say_duration(timedelta(seconds=round(abs(skew).total_seconds())))
    said = (
        f"My clock is {apart} "
        f"{'behind' if skew > timedelta() else 'ahead of'} Okta's of {office.name}, "
        "so access ends at the wrong time. Set the clock of my machine."
    )
    key = f"clock:{office.name}:{began:%Y-%m-%d}"
    tell_people(session, office.name, "admins", said, key=key, now=began)


def _left(session: Session, office: Office, person: Person, now: datetime) -> int:
    """End what somebody holds who left, and deny what they wait for."""
    if person.status in STILL_HOLDS:
        return 0
    held = select(AccessGrant).where(
        AccessGrant.integration == office.name,
        AccessGrant.grantee_id == person.id,
        col(AccessGrant.status).in_((GrantStatus.GRANTING, GrantStatus.ACTIVE)),
    )
    waits = select(AccessRequest).where(
        AccessRequest.integration == office.name,
        (AccessRequest.grantee_id == person.id)
        | (AccessRequest.requester_id == person.id),
        AccessRequest.status == RequestStatus.PENDING,
    )
    grants = session.exec(held).all()
    for grant in grants:
        end(session, grant, Cause.PERSON_LEFT, OKTA, now)
    for request in session.exec(waits).all():
        requests.refuse(session, request, LEFT, now)
    return len(grants)


async def _look_for_removed(office: Office, changed: set[str], now: datetime) -> int:
    """End grants whose membership two readings did not show; return how many."""
    absent: dict[str, str] = {}
    gone: list[AccessGrant] = []
    marks = await office.database.read(_marks, office.name)
    for person_id, grants in await office.database.run(
        _to_look_at, office, changed, marks, now
    ):
        person = await _read(office, person_id, now)
        for grant in grants:
            if person is None or grant.group_id in (person.groups or ()):
                continue
            first = marks.get(grant.id)
            absent[grant.id] = first or now.isoformat()
            if first and await _is_gone(office, grant, first, now):
                gone.append(grant)
    ended = await _end_within_brake(office, gone, now)
    kept = {each: at for each, at in absent.items() if each not in ended}
    await office.database.run(directory.remember, ABSENT.format(office.name), kept, now)
    return len(ended)


async def _read(office: Office, person_id: str, now: datetime) -> Person | None:
    """Read who holds something, and their groups; None where that cannot be told."""
    try:
        person = await ask_for_person(office.directory, person_id, now)
    except DirectoryError:
        return None
    if person is None or person.groups is None:
        return None
    await office.database.run(directory.remember_person, office.name, person, now)
    return person


async def _is_gone(
    office: Office, grant: AccessGrant, first: str, now: datetime
) -> bool:
    """Tell whether the group itself, read some time later, shows them neither."""
    if now - datetime.fromisoformat(first) < office.timing.absent:
        return False
    try:
        if await office.directory.group(grant.group_id) is None:
            return False
        members = await office.directory.members(grant.group_id, None)
    except DirectoryError:
        return False
    return grant.grantee_id not in {member.id for member in members}


async def _end_within_brake(
    office: Office, gone: Sequence[AccessGrant], now: datetime
) -> set[str]:
    """End those that are gone, unless they are so many that an admin must say so."""
    if not gone:
        return set()
    if not await office.database.run(is_let, office, len(gone), now):
        return set()
    ended = set()
    for grant in gone:
        try:
            await office.database.run(_ended_outside, office, grant, now)
        except StaleState:
            continue
        ended.add(grant.id)
    return ended


def _ended_outside(
    session: Session, office: Office, grant: AccessGrant, now: datetime
) -> None:
    """Write that a membership was removed outside; tell who held it, and the owner."""
    who, what = queries.names_of(session, grant)
    moves.move(
        session,
        grant,
        GrantStatus.REVOKED,
        by=OKTA,
        now=now,
        cause=Cause.ENDED_OUTSIDE,
        ended_at=now,
        ended_by=OKTA,
        **settled(now if grant.unsure_until else None),
    )
    tell_of(session, "ended", grant, now)
    said = f"{who} was removed from {what} in Okta, not by me; their grant has ended."
    tell_people(session, office.name, "owner", said, key=f"outside:{grant.id}", now=now)


def _marks(session: Session, integration: str) -> dict[str, str]:
    remembered = directory.remembered(session, ABSENT.format(integration))
    return dict(remembered.facts) if remembered else {}


def _to_look_at(
    session: Session,
    office: Office,
    changed: set[str],
    marks: Iterable[str],
    now: datetime,
) -> list[tuple[str, list[AccessGrant]]]:
    """Return who is to be read now, each with what they hold.

    Those whom one reading did not show, those whose group changed, and in turn those
    who were read the longest ago. For whom there is no room is remembered.
    """
    active = select(AccessGrant).where(
        AccessGrant.integration == office.name,
        AccessGrant.status == GrantStatus.ACTIVE,
    )
    held: dict[str, list[AccessGrant]] = {}
    for grant in session.exec(active):
        held.setdefault(grant.grantee_id, []).append(grant)
    key, marked = BEHIND.format(office.name), set(marks)
    behind = directory.remembered(session, key)
    urgent = [
        *(p for p, has in held.items() if any(each.id in marked for each in has)),
        *(p for p in (behind.facts if behind else ()) if p in held),
        *(p for p, has in held.items() if any(g.group_id in changed for g in has)),
    ]
    in_order = list(dict.fromkeys(urgent))
    chosen, later = in_order[: A_PASS - IN_TURN], in_order[A_PASS - IN_TURN :]
    directory.remember(session, key, dict.fromkeys(later, ""), now)
    rested = [p for p in session.exec(_longest_unread(office)) if p in held]
    chosen += [p for p in rested if p not in chosen][:IN_TURN]
    return [(person_id, held[person_id]) for person_id in chosen]


def _longest_unread(office: Office) -> Any:
    """Select those who hold something, those read the longest ago first."""
    holds = select(AccessGrant.grantee_id).where(
        AccessGrant.integration == office.name,
        col(AccessGrant.status).in_(LIVE),
    )
    return (
        select(OktaPerson.id)
        .where(OktaPerson.integration == office.name, col(OktaPerson.id).in_(holds))
        .order_by(func.coalesce(OktaPerson.read_at, OktaPerson.forgotten_at))
        .limit(2 * A_PASS)
    )
