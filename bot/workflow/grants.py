"""A grant, from approved to proven ended.

Intent, effect, outcome: what is about to be done is committed, Okta is called,
what happened is committed. A crash at any point leaves a row that says what to
do next. `carry_out` is the worker's one way in; the verbs that people and the
clock speak are the transactions beside it.

NB. Nothing is given on a row that is not as it was written, and nothing is
removed that the chain does not say we added.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.core.owners import stands_on
from bot.core.policy import Question, may_answer
from bot.core.words import (
    AccessBotError,
    Allowed,
    Cause,
    DirectoryError,
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    GrantStatus,
    Group,
    Refused,
    SettingError,
    StaleState,
)
from bot.store import audit, claims, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow import reading, requests
from bot.workflow.notices import tell_people, tell_requester
from bot.workflow.people import read_person
from bot.workflow.reading import NotYet, Office, policy_for, wait_out_our_own_end

BOT = "bot"
NOT_AS_WRITTEN = Refused("The record of this approval is not as it was written.")
NOT_THEIRS = Refused("Who approved this may not decide about this group any more.")
TOO_LATE = Refused("Okta could not be reached in time, so nothing was given.")

StillHeld = Callable[[], None]
"""Raises StaleState when the claim has run out: asked just before sending."""


async def carry_out(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Do what is due for `grant`, and commit what happened.

    Raises DirectoryError when Okta did not do its part: the row stays as it
    is, to be tried again. Raises StaleState when someone else acted first.
    """
    match grant.status:
        case GrantStatus.GRANTING:
            await _give(office, grant, still_held)
        case GrantStatus.ACTIVE:
            if await office.database.run(_time_passed, grant, office.clock()):
                await _take(office, grant, still_held)
        case GrantStatus.REVOKING:
            await _take(office, grant, still_held)
        case GrantStatus.REVOKED | GrantStatus.FAILED:
            await _watch(office, grant, still_held)


def give_back(
    session: Session, grant_id: str, person_id: str, now: datetime
) -> AccessGrant | Refused:
    """End a grant early, as only who holds it may; also while it is being given."""
    grant = session.get(AccessGrant, grant_id)
    if grant is None or grant.grantee_id != person_id:
        return Refused("Only who holds this access can end it.")
    if grant.status not in (GrantStatus.GRANTING, GrantStatus.ACTIVE):
        return Refused("This access has ended already.")
    _end(session, grant, Cause.GIVEN_BACK, f"okta:{person_id}", now)
    return grant


def look_after(session: Session, office: Office) -> int:
    """See that every live grant is as it was written and will be looked at again.

    One that is not is ended and the admins are told; returns how many. What
    lives and is due never, or after its end, is made due.
    """
    broken, now = 0, office.clock()
    for grant in queries.live_grants(session, office.name):
        if not audit.is_sealed(session, grant):
            _end_untrusted(session, grant, now)
            broken += 1
    claims.make_due(session, office.name, now)
    return broken


def next_due(grant: AccessGrant, request: AccessRequest, now: datetime) -> datetime:
    """Return when the next warning or the end of an active grant comes."""
    return min(
        (instant for instant in warnings(grant, request) if instant > now),
        default=grant.expires_at,
    )


def warnings(grant: AccessGrant, request: AccessRequest) -> list[datetime]:
    """Return when the grantee is warned: as the terms say, within half of the grant.

    If no wait is that short, once at a quarter of it.
    """
    whole = timedelta(seconds=grant.duration_seconds)
    waits = [timedelta(seconds=wait) for wait in request.terms["warn_before"]]
    short = [wait for wait in waits if wait < whole / 2] or [whole / 4]
    return sorted(grant.expires_at - wait for wait in short)


async def _give(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Add the member in Okta, read it back, and say so."""
    run, now = office.database.run, office.clock()
    if not await office.database.read(audit.is_sealed, grant):
        await run(_end_untrusted, grant, now)
        return
    if now >= grant.deliver_by or (grant.added_at and now >= grant.expires_at):
        await run(_fail, grant, TOO_LATE, now)
        return
    sent = await office.database.read(audit.may_have_added, grant)
    if not sent:
        refused = await _decide_again(office, grant, now)
        if refused is not None:
            await run(_fail, grant, refused, now)
            return
    if grant.added_at is None and not await _add(office, grant, sent, still_held):
        return
    await _confirm(office, grant)


async def _decide_again(
    office: Office, grant: AccessGrant, now: datetime
) -> Refused | None:
    """Decide on fresh reads, before the first add, whether it may be sent.

    This is also the one reading of whether they were a member before us.
    """
    request = await office.database.read(_request_of, grant)
    group = await reading.read_group(office, grant.group_id, now)
    for person_id in {request.requester_id, request.grantee_id}:
        await read_person(
            office.database, office.directory, office.name, person_id, now
        )
    await wait_out_our_own_end(office, grant, now)
    terms = await office.database.read(requests.still_allowed, office, request, now)
    if isinstance(terms, Refused):
        return terms
    if group is None:
        return requests.NOT_READ
    return await _refuse_approver(office, request, group, now)


async def _refuse_approver(
    office: Office, request: AccessRequest, group: Group, now: datetime
) -> Refused | None:
    """Return why who approved may not approve any more, or None."""
    approver = await read_person(
        office.database, office.directory, office.name, request.decided_by or "", now
    )
    if approver is None:
        return Refused("Who approved this is gone from Okta.")
    apart = frozenset({request.requester_id, request.grantee_id})
    found = await reading.read_route(office, group, apart, now)
    if isinstance(found, Refused):
        return found
    rung = found[0].rung
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration, rung.groups
    )
    question = Question(
        requester_id=request.requester_id,
        grantee_id=request.grantee_id,
        is_open=True,
        step=request.step,
        step_shown=request.step,
    )
    is_approver = stands_on(policy, rung, approver)
    allowed = may_answer(question, approver, is_approver=is_approver)
    return None if isinstance(allowed, Allowed) else NOT_THEIRS


async def _add(
    office: Office, grant: AccessGrant, sent: bool, still_held: StillHeld
) -> bool:
    """Commit the intent, send the add, sort what came of it; tell if it landed.

    `sent` tells whether an earlier add may have landed: no answer to this one
    takes that doubt away.
    """
    run, doubt = office.database.run, grant.unsure_until if sent else None
    await run(_intend, office, grant, office.clock())
    try:
        answered = await office.directory.add_member(
            grant.group_id, grant.grantee_id, before_send=still_held
        )
    except DirectoryUnavailable as error:
        if not error.landed:
            await run(_not_added, grant, sent, doubt, error, office.clock())
        raise
    except (DirectoryRefused, DirectoryGone) as error:
        await run(_not_added, grant, sent, doubt, error, office.clock())
        await run(_fail, grant, Refused(str(error)), office.clock())
        return False
    except (SettingError, StaleState) as error:  # before anything was sent
        await run(_not_added, grant, sent, doubt, error, office.clock())
        raise
    if not await run(_added, grant, answered, doubt, office.clock()):
        raise StaleState("it was ended while the add was under way")
    return True


async def _confirm(office: Office, grant: AccessGrant) -> None:
    """Read the membership back; only then does the grant become active."""
    if not await _is_member(office, grant):
        raise NotYet("The new member does not show yet.")
    await office.database.run(_activate, grant, office.clock())


async def _take(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Remove the member in Okta until it is read back as gone."""
    run = office.database.run
    try:
        if not await office.database.read(audit.may_have_added, grant):
            await run(_revoked, grant, "", office.clock())
            return
        answered = await _remove(office, grant, still_held)
        if await _is_member(office, grant):
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


async def _watch(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
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


async def _is_member(office: Office, grant: AccessGrant) -> bool:
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


def _request_of(session: Session, grant: AccessGrant) -> AccessRequest:
    return session.get_one(AccessRequest, grant.request_id)


def _intend(
    session: Session, office: Office, grant: AccessGrant, now: datetime
) -> None:
    """Write what is about to be sent: the end, the origin, and the doubt."""
    moves.advance(
        session,
        grant,
        audit.INTENDED,
        by=BOT,
        now=now,
        fence=grant.fence,
        expires_at=now + timedelta(seconds=grant.duration_seconds),
        was_member=False,
        unsure_until=now + office.timing.unsure,
    )


def _not_added(
    session: Session,
    grant: AccessGrant,
    sent: bool,
    doubt: datetime | None,
    error: AccessBotError,
    now: datetime,
) -> None:
    """Take back the doubt of an add that certainly did not land."""
    answered = error.request_id if isinstance(error, DirectoryError) else ""
    moves.advance(
        session,
        grant,
        audit.NOT_ADDED,
        by=BOT,
        now=now,
        fence=grant.fence,
        data={"okta_request": answered, "doubt": sent},
        unsure_until=doubt,
    )


def _added(
    session: Session,
    grant: AccessGrant,
    answered: str,
    doubt: datetime | None,
    now: datetime,
) -> bool:
    """Write that Okta confirmed the add; tell whether the grant still waits for it.

    NB. An earlier add without an answer may land after this one was undone.
    """
    stored = session.get_one(AccessGrant, grant.id)
    waits = stored.version == grant.version
    moves.advance(
        session,
        grant if waits else stored,
        audit.ADDED,
        by=BOT,
        now=now,
        fence=grant.fence,
        data={"okta_request": answered, "doubt": doubt is not None},
        added_at=now,
        unsure_until=doubt,
    )
    return waits


def _activate(session: Session, grant: AccessGrant, now: datetime) -> None:
    request = _request_of(session, grant)
    moves.move(
        session,
        grant,
        GrantStatus.ACTIVE,
        by=BOT,
        now=now,
        fence=grant.fence,
        active_at=now,
        **settled(next_due(grant, request, now)),
    )
    tell_requester(session, "granted", request, now, grant=grant)


def _fail(session: Session, grant: AccessGrant, why: Refused, now: datetime) -> None:
    """End a grant that was not given; undo it first where an add may have landed."""
    if audit.may_have_added(session, grant):
        columns = settled(now) | {"problem": why.reason, "fence": grant.fence}
        _end(session, grant, Cause.FAILED, BOT, now, **columns)
        return
    moves.move(
        session,
        grant,
        GrantStatus.FAILED,
        by=BOT,
        now=now,
        fence=grant.fence,
        text={"problem": why.reason},
        cause=Cause.FAILED,
        problem=why.reason,
        ended_at=now,
        **settled(None),
    )
    _tell_failed(session, grant, now)


def _end_untrusted(session: Session, grant: AccessGrant, now: datetime) -> None:
    """End a grant that is not as it was written, and tell the admins."""
    tell_people(
        session,
        grant.integration,
        "admins",
        f"The record of grant {grant.id} was changed outside this program. "
        "Nothing is given on it; run `access-bot audit verify`.",
        key=f"untrusted:{grant.id}",
        now=now,
    )
    if grant.status is GrantStatus.GRANTING:
        _fail(session, grant, NOT_AS_WRITTEN, now)
    elif grant.status is not GrantStatus.REVOKING:
        problem = NOT_AS_WRITTEN.reason
        _end(session, grant, Cause.FAILED, BOT, now, problem=problem)


def _end(
    session: Session,
    grant: AccessGrant,
    cause: Cause,
    by: str,
    now: datetime,
    **columns: Any,
) -> None:
    """Move a grant to where the worker removes it, due at once."""
    columns = {"due_at": now} | columns
    moves.move(
        session,
        grant,
        GrantStatus.REVOKING,
        by=by,
        now=now,
        cause=cause,
        ended_by=by,
        revoking_at=now,
        **columns,
    )


def _time_passed(session: Session, grant: AccessGrant, now: datetime) -> bool:
    """Expire an active grant whose end has come, else warn; tell if it expired."""
    if grant.expires_at <= now:
        _end(session, grant, Cause.EXPIRED, "clock", now, fence=grant.fence)
        return True
    request = _request_of(session, grant)
    due = [instant for instant in warnings(grant, request) if instant <= now]
    if due:
        again = f":{due[-1].isoformat()}"
        tell_requester(session, "warning", request, now, grant=grant, again=again)
    moves.advance(
        session,
        grant,
        "warned",
        by="clock",
        now=now,
        fence=grant.fence,
        **settled(next_due(grant, request, now)),
    )
    return False


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
        _tell_failed(session, grant, now)
    else:
        _tell(session, "ended", grant, now)


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


def _tell(session: Session, kind: str, grant: AccessGrant, now: datetime) -> None:
    """Tell who asked; nobody did where a hand in the database made the grant."""
    request = session.get(AccessRequest, grant.request_id)
    if request is not None:
        tell_requester(session, kind, request, now, grant=grant)


def _tell_failed(session: Session, grant: AccessGrant, now: datetime) -> None:
    _tell(session, "failed", grant, now)
    tell_people(
        session,
        grant.integration,
        "owner",
        f"Access to the Okta group {grant.group_id} was approved but not given. "
        f"{grant.problem or ''}",
        key=f"failed:{grant.id}",
        now=now,
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
