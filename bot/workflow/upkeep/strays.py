"""Memberships that our app gave and no row explains: taken back, or given an end.

No grant stands for them: an event of the audit says until when, another that they
are gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from sqlmodel import Session, col, select

from bot.core.words import DirectoryError, DirectoryGone, SettingError
from bot.store import audit, directory, queries
from bot.store.tables import Event, Upkeep
from bot.workflow.notices import tell_people
from bot.workflow.reading import Office

GIVEN_AN_END = "stray membership: given an end"
TAKEN_BACK = "stray membership: taken back"
GONE = "stray membership: gone"
GIVEN_ANEW = "stray membership: given anew"
ANOTHERS = "stray membership: changed by others"
FORGOTTEN = "stray membership: forgotten"
"""What the audit says of one, in the order in which it may be said."""


class Whose(StrEnum):
    """Whose a membership is, by the newest change of it in Okta's log."""

    OURS = "ours"  # nobody has changed it since our app gave it
    NOBODYS = "nobody's"  # it was removed, by us or by others
    OTHERS = "others'"  # somebody has given it anew


ENDING = "stray memberships:{}"
"""What is remembered: the numbers of the events that gave an end, with that end."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Who is where, and since when by Okta's log."""

    person_id: str
    group_id: str
    at: datetime


Look = Callable[[Membership], Awaitable[Whose]]
"""How whose a membership is can be looked up."""


def give_end(
    session: Session,
    integration: str,
    stray: Membership,
    until: datetime,
    *,
    by: str,
    now: datetime,
) -> None:
    """Have a stray membership removed once `until` has come."""
    data = {"given": stray.at.isoformat(), "until": until.isoformat()}
    event = _note(session, integration, stray, GIVEN_AN_END, by, now, data)
    ending = {**_ending(session, integration), str(event.seq): until.isoformat()}
    directory.remember(session, ENDING.format(integration), ending, now)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A stray membership with its end, and the number of the event that gave it."""

    seq: int
    stray: Membership
    until: datetime


Outcome = Callable[[Session, Office, Ending, datetime], None]
"""What is written of one whose end has come."""


def endings(session: Session, integration: str) -> list[Ending]:
    """Return those that wait for their end, or to be taken back, soonest first.

    NB. What is remembered may be a hand's: only an event that verifies counts. And
    a membership that a grant gave since is that grant's to end.
    """
    found = [
        Ending(
            seq=event.seq,
            stray=Membership(
                person_id=event.person_id or "",
                group_id=event.group_id or "",
                at=datetime.fromisoformat(event.data["given"]),
            ),
            until=datetime.fromisoformat(event.data["until"]),
        )
        for event in _given_ends(session, integration)
        if not _is_given_anew(session, event)
    ]
    return sorted(found, key=lambda each: each.until)


def count(session: Session) -> dict[str, int]:
    """Return how many wait for their end, of each integration that has any."""
    prefix = ENDING.format("")
    kept = select(Upkeep.name).where(col(Upkeep.name).startswith(prefix))
    names = [each.removeprefix(prefix) for each in session.exec(kept)]
    return {name: len(endings(session, name)) for name in names}


def end_now(
    session: Session,
    integration: str,
    person_id: str,
    group_id: str | None,
    *,
    by: str,
    now: datetime,
) -> int:
    """Have those of a person taken back at once, of all groups when it is None.

    Returns how many there are.
    """
    held = held_by(session, integration, person_id, group_id)
    for each in held:
        _forget(session, integration, each.seq, now)
        give_end(session, integration, each.stray, now, by=by, now=now)
    return len(held)


def held_by(
    session: Session, integration: str, person_id: str, group_id: str | None
) -> list[Ending]:
    """Return those of a person that are not settled, of all groups when it is None."""
    return [
        each
        for each in endings(session, integration)
        if each.stray.person_id == person_id and group_id in (None, each.stray.group_id)
    ]


def has_end(session: Session, integration: str, stray: Membership) -> bool:
    """Tell whether it was given an end, by an event that verifies."""
    given = select(Event).where(
        Event.kind == GIVEN_AN_END,
        Event.integration == integration,
        Event.person_id == stray.person_id,
        Event.group_id == stray.group_id,
    )
    chain = audit.chain_of(session)
    return any(
        event.data["given"] == stray.at.isoformat() and chain.fits(event)
        for event in session.exec(given)
    )


async def take_back(office: Office, stray: Membership, by: str) -> bool:
    """Remove it, and tell whether it is read to be gone; both are written down.

    Raises DirectoryError when Okta did not do its part.
    """
    note = partial(_note, integration=office.name, stray=stray, by=by)
    run = office.database.run
    await run(note, what=TAKEN_BACK, now=office.clock())
    gone = await _remove(office, stray, office.timing.lag)
    if gone:
        await run(note, what=GONE, now=office.clock())
    return gone


async def _remove(office: Office, stray: Membership, within: timedelta) -> bool:
    """Remove it in Okta, and tell whether it is read to be gone within a while.

    Raises DirectoryError when Okta did not do its part, or shows the group no more.
    """
    okta = office.directory
    try:
        await okta.remove_member(
            stray.group_id, stray.person_id, before_send=lambda: None
        )
    except DirectoryGone:
        if await okta.person(stray.person_id) is None:
            return True
        # A group that is not shown is no proof: it may be hidden from us.
        if await okta.group(stray.group_id) is None:
            raise
    return await _is_seen_gone(office, stray, within)


async def _is_seen_gone(office: Office, stray: Membership, within: timedelta) -> bool:
    """Read it back for a while: what Okta shows may lag behind what it did."""
    wait, waited = office.timing.read_back, timedelta()
    while await is_shown(office, stray):
        if waited >= within:
            return False
        await asyncio.sleep(wait.total_seconds())
        waited, wait = waited + wait, 2 * wait
    return True


async def end_strays(office: Office, whose: Look) -> int:
    """Take back those whose end has come; return how many are gone.

    One that somebody else has given since is left to them, and one that was removed
    is gone, by whomever. The owner is told, once a day, of one that Okta does not let
    go, or of which it is not known whose it is.
    """
    if not await office.database.read(_ending, office.name):
        return 0
    gone = 0
    for each in await office.database.read(endings, office.name):
        if each.until > office.clock():
            break
        gone += await _end(office, each, whose)
    await office.database.run(_leave_given_anew, office)
    return gone


async def _end(office: Office, ending: Ending, whose: Look) -> bool:
    """Take one back, write what became of it, and tell whether it is gone."""
    try:
        outcome = await _outcome(office, ending, whose)
    except (DirectoryError, SettingError):
        outcome = _tell_late
    if outcome:
        await office.database.run(outcome, office, ending, office.clock())
    return outcome is _gone


async def _outcome(office: Office, ending: Ending, whose: Look) -> Outcome | None:
    """Remove it where it is ours; return what is to be written of it."""
    stands = await whose(ending.stray)
    if stands is not Whose.OURS:
        return _gone if stands is Whose.NOBODYS else _leave
    is_first = await office.database.run(_intend, office, ending, office.clock())
    if await _remove(office, ending.stray, 3 * office.timing.read_back):
        return _gone
    # What Okta does not show yet, its log tells the next time.
    return None if is_first else _tell_late


def _intend(session: Session, office: Office, ending: Ending, now: datetime) -> bool:
    """Write that it is taken back: once for each end, however often it is tried.

    Tells whether that is now.
    """
    stray, chain = ending.stray, audit.chain_of(session)
    written = select(Event).where(
        Event.kind == TAKEN_BACK,
        Event.integration == office.name,
        Event.person_id == stray.person_id,
        Event.group_id == stray.group_id,
        col(Event.seq) > ending.seq,
    )
    if any(chain.fits(event) for event in session.exec(written)):
        return False
    _note(session, office.name, stray, TAKEN_BACK, "bot", now)
    return True


def _gone(session: Session, office: Office, ending: Ending, now: datetime) -> None:
    _note(session, office.name, ending.stray, GONE, "bot", now)
    _forget(session, office.name, ending.seq, now)


async def is_shown(office: Office, stray: Membership) -> bool:
    """Read whether Okta shows it: not where person or group is gone, or is hidden."""
    try:
        held = await office.directory.groups_of(stray.person_id)
    except DirectoryGone:
        return False
    return stray.group_id in held


def forget(
    session: Session,
    integration: str,
    ending: Ending,
    reason: str,
    *,
    by: str,
    now: datetime,
) -> None:
    """Take it for ended, as an operator says that it is."""
    text = {"reason": reason}
    _note(session, integration, ending.stray, FORGOTTEN, by, now, text=text)
    _forget(session, integration, ending.seq, now)


def _leave(session: Session, office: Office, ending: Ending, now: datetime) -> None:
    """Leave it to whoever gave it anew; the owner is told: an admin meant it to end."""
    stray = ending.stray
    _note(session, office.name, stray, ANOTHERS, "bot", now)
    _forget(session, office.name, ending.seq, now)
    who, what = queries.names(session, office.name, stray.person_id, stray.group_id)
    said = (
        f"{who} stays in {what} of {office.name}: an admin gave that an end, but "
        "somebody else has given it anew since, so I leave it to them. If it is to "
        "end, remove it in Okta."
    )
    key = f"stray left:{ending.seq}"
    tell_people(session, office.name, "owner", said, key=key, now=now)


def _leave_given_anew(session: Session, office: Office) -> None:
    """Forget those that a grant has given since."""
    for event in _given_ends(session, office.name):
        if _is_given_anew(session, event):
            now = office.clock()
            audit.record(
                session,
                GIVEN_ANEW,
                by="bot",
                now=now,
                integration=office.name,
                person_id=event.person_id,
                group_id=event.group_id,
            )
            _forget(session, office.name, event.seq, now)


def _given_ends(session: Session, integration: str) -> list[Event]:
    chain = audit.chain_of(session)
    events = [session.get(Event, int(seq)) for seq in _ending(session, integration)]
    return [
        event
        for event in events
        if event is not None and event.kind == GIVEN_AN_END and chain.fits(event)
    ]


def waiting(session: Session) -> list[int]:
    """Return the numbers of the events that gave an end which is not settled."""
    prefix = ENDING.format("")
    rows = session.exec(select(Upkeep).where(col(Upkeep.name).startswith(prefix)))
    return [
        event.seq
        for row in rows.all()
        for event in _given_ends(session, row.name.removeprefix(prefix))
    ]


def _is_given_anew(session: Session, event: Event) -> bool:
    since = select(Event.seq).where(
        Event.kind == f"grant {audit.INTENDED}",
        Event.integration == event.integration,
        Event.person_id == event.person_id,
        Event.group_id == event.group_id,
        col(Event.seq) > event.seq,
    )
    return session.exec(since.limit(1)).first() is not None


def _ending(session: Session, integration: str) -> Mapping[str, str]:
    kept = directory.remembered(session, ENDING.format(integration))
    return kept.facts if kept else {}


def _forget(session: Session, integration: str, seq: int, now: datetime) -> None:
    left = {k: v for k, v in _ending(session, integration).items() if k != str(seq)}
    directory.remember(session, ENDING.format(integration), left, now)


def _tell_late(session: Session, office: Office, ending: Ending, now: datetime) -> None:
    stray = ending.stray
    who, what = queries.names(session, office.name, stray.person_id, stray.group_id)
    said = (
        f"A membership in {office.name} that an admin gave an end could not be taken "
        f"back: {who} in {what}. I try again every few minutes; if you can, remove it "
        "in Okta. If it is gone there, as with a group that was deleted, type: "
        "access-bot recover --forget --reason WHY"
    )
    key = f"stray:{stray.person_id}:{stray.group_id}:{now:%Y-%m-%d}"
    tell_people(session, office.name, "owner", said, key=key, now=now)


def _note(
    session: Session,
    integration: str,
    stray: Membership,
    what: str,
    by: str,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
) -> Event:
    return audit.record(
        session,
        what,
        by=by,
        now=now,
        data=data,
        text=text,
        integration=integration,
        person_id=stray.person_id,
        group_id=stray.group_id,
    )
