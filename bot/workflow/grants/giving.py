"""Giving: the decision anew, the intent, the add, and the reading back."""

from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from bot.core.catalogue import Step
from bot.core.owners import Rung, is_complete, stands_on
from bot.core.policy import (
    Policy,
    Question,
    deciding_flow,
    is_automatic,
    may_answer,
    steps_of,
)
from bot.core.words import (
    AUTOMATIC,
    LIVE,
    Allowed,
    DirectoryError,
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    GrantStatus,
    Group,
    Person,
    Refused,
    StaleState,
)
from bot.store import audit, directory, evidence, moves
from bot.store.claims import settled
from bot.store.tables import AccessGrant, AccessRequest
from bot.store.verification import is_whole_since
from bot.workflow import reading, requests
from bot.workflow.grants.bursts import end_within_limits
from bot.workflow.grants.ending import (
    BOT,
    TOO_LATE,
    end_untrusted,
    fail,
    request_of,
)
from bot.workflow.grants.taking import StillHeld, is_in, is_member, member
from bot.workflow.notices import tell_requester
from bot.workflow.people import read_person
from bot.workflow.reading import (
    Matter,
    NotYet,
    Office,
    policy_for,
    wait_out_our_own_end,
)
from bot.workflow.seats import matter, read_step, read_tier
from bot.workflow.warnings import next_due

NOT_THEIRS = Refused("Who approved this may not decide about this group any more.")
NO_RULE = Refused("No rule of today gives this without an approver.")


async def give(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Add the member in Okta, read it back, and say so."""
    run, now = office.database.run, office.clock()
    if not await office.database.read(_is_believed, grant):
        await run(end_untrusted, grant, now)
        return
    if now >= grant.deliver_by or (grant.added_at and now >= grant.expires_at):
        await run(fail, grant, TOO_LATE, now)
        return
    pair = grant.grantee_id, grant.group_id
    sent = await office.database.read(evidence.added_pair, grant) == pair
    is_added = sent and grant.added_at is not None
    if is_added or await _is_added(office, grant, sent, still_held):
        await _confirm(office, grant)


async def _is_added(
    office: Office, grant: AccessGrant, sent: bool, still_held: StillHeld
) -> bool:
    """Add the member, unless an earlier add was answered by nobody and yet landed.

    NB. What landed so keeps the end that was written with it: were it sent again,
    each time with an end of its own, access for an hour would last for a day. And
    what shows nothing may never have been sent: it is decided on facts of today.
    """
    run, now = office.database.run, office.clock()
    if sent and await is_member(office, (grant.grantee_id, grant.group_id)):
        if now >= grant.expires_at:
            await run(fail, grant, TOO_LATE, now)
        return now < grant.expires_at
    refused = await _decide_again(office, grant, sent, now)
    if refused is not None:
        await run(fail, grant, refused, now)
        return False
    return await _add(office, grant, sent, still_held)


def _is_believed(session: Session, grant: AccessGrant) -> bool:
    """Tell whether `grant` is sealed, and nothing was cut out since its approval."""
    whole = is_whole_since(session, grant.approved_event)
    return evidence.is_sealed(session, grant) and whole


async def _decide_again(
    office: Office, grant: AccessGrant, sent: bool, now: datetime
) -> Refused | None:
    """Decide on fresh reads, before an add, whether it may be sent.

    Before the first, this is also the one reading of whether they were a member
    before us. Where one was `sent`, it may land while this is read.
    """
    request = await office.database.read(request_of, grant)
    group = await reading.read_group(office, grant.group_id, now)
    for person_id in {request.requester_id, request.grantee_id}:
        await read_person(
            office.database, office.directory, office.name, person_id, now
        )
    await wait_out_our_own_end(office, grant, now)
    allowed = partial(requests.still_allowed, ours=sent)
    terms = await office.database.read(allowed, office, request, now)
    if isinstance(terms, Refused):
        return terms
    if group is None:
        return requests.NOT_READ
    return await _refuse_approval(office, request, group, now)


async def _refuse_approval(
    office: Office, request: AccessRequest, group: Group, now: datetime
) -> Refused | None:
    """Return why what was approved is not approved any more, or None.

    NB. Who approved each step is what the chain tells, and whether they may is
    read anew: that of rows is a moment old, and an owner may just have changed.
    """
    proof = await office.database.read(_to_prove, office, request, group, now)
    if isinstance(proof, Refused):
        return proof
    steps, told = proof
    if request.decided_by == AUTOMATIC:
        return NO_RULE if steps else None
    grantee = await office.database.read(
        directory.person, office.name, request.grantee_id
    )
    if grantee is None:
        return requests.NOT_READ
    about = matter(request, group, grantee)
    for number, step in enumerate(steps, 1):
        approvers = [who for at, who in told if at == number]
        refused = await _refuse_step(office, request, step, approvers, about, now)
        if refused is not None:
            return refused
    return None


def _to_prove(
    session: Session,
    office: Office,
    request: AccessRequest,
    group: Group,
    now: datetime,
) -> tuple[tuple[Step, ...], list[tuple[int, str]]] | Refused:
    """Return the steps that must have been approved, and who approved which.

    Refused where that cannot be told: what nobody was asked for must be known to
    need nobody.
    """
    told = evidence.approvals(session, request.id)
    kept, by_rule = requests.steps_kept(request), request.decided_by == AUTOMATIC
    if kept and not by_rule:
        return kept, told
    asked = requests.as_asked(session, request, group, now)
    if isinstance(asked, Refused):
        return asked
    policy = policy_for(session, office.catalogue, office.integration)
    flow = deciding_flow(policy, asked)
    if isinstance(flow, Refused):
        return flow
    if by_rule and is_automatic(policy, flow, asked, times=0):
        return (), told
    return steps_of(policy, flow), told


async def _refuse_step(
    office: Office,
    request: AccessRequest,
    step: Step,
    approvers: list[str],
    about: Matter,
    now: datetime,
) -> Refused | None:
    """Return why `approvers` are not, or no more, enough for `step`; or None."""
    people = [
        await read_person(office.database, office.directory, office.name, each, now)
        for each in approvers
    ]
    if None in people or not people:
        return Refused("Who approved this is gone from Okta.")
    seating = await read_step(office, step, about, now)
    if isinstance(seating, Refused):
        return seating
    rungs = [seat.rung for seat in seating.seats]
    for tier in step.escalate:
        more = await read_tier(office, tier, about, now)
        rungs += [seat.rung for seat in more.seats]
    owners = frozenset(group for rung in rungs for group in rung.groups)
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration, owners
    )
    stands = [
        _seats_under(policy, rungs, request, person)
        for person in people
        if person is not None
    ]
    return None if is_complete(step, stands) else NOT_THEIRS


def _seats_under(
    policy: Policy, rungs: list[Rung], request: AccessRequest, person: Person
) -> frozenset[int]:
    """Return the numbers of the seats from which `person` may answer today."""
    question = Question(
        requester_id=request.requester_id,
        grantee_id=request.grantee_id,
        is_open=True,
        step=request.step,
        step_shown=request.step,
        own=request.terms.get("own", False),
    )
    return frozenset(
        number
        for number, rung in enumerate(rungs)
        if isinstance(
            may_answer(question, person, is_approver=stands_on(policy, rung, person)),
            Allowed,
        )
    )


async def _add(
    office: Office, grant: AccessGrant, sent: bool, still_held: StillHeld
) -> bool:
    """Commit the intent, send the add, sort what came of it; tell if it landed.

    `sent` tells whether an earlier add may have landed: no answer to this one
    takes that doubt away.
    """
    run, doubt = office.database.run, grant.unsure_until if sent else None
    begun: list[datetime] = []

    def before_send() -> None:
        still_held()
        begun.append(office.clock())

    await run(_intend, office, grant, office.clock())
    try:
        answered = await office.directory.add_member(
            grant.group_id, grant.grantee_id, before_send=before_send
        )
    except (DirectoryRefused, DirectoryGone) as error:
        await run(_not_added, grant, sent, doubt, error, office.clock())
        await run(fail, grant, Refused(str(error)), office.clock())
        return False
    except BaseException as error:  # also where we are stopped as it waits its turn
        if not begun or (isinstance(error, DirectoryUnavailable) and not error.landed):
            await run(_not_added, grant, sent, doubt, error, office.clock())
        raise
    try:
        waits = await run(_added, grant, answered, doubt, office.clock())
    except StaleState:
        await run(_added_too_late, office, grant.id, office.clock())
        raise
    if not waits:
        raise StaleState("it was ended while the add was under way")
    return True


async def _confirm(office: Office, grant: AccessGrant) -> None:
    """Read the membership back; only then does the grant become active."""
    pair = grant.grantee_id, grant.group_id
    person = await member(office, pair)
    if not is_in(person, pair):
        raise NotYet("The new member does not show yet.")
    await office.database.run(_activate, grant, person, office.clock())


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
        expires_at=end_within_limits(
            session, grant, now + timedelta(seconds=grant.duration_seconds)
        ),
        was_member=False,
        unsure_until=now + office.timing.unsure,
    )


def _not_added(
    session: Session,
    grant: AccessGrant,
    sent: bool,
    doubt: datetime | None,
    error: BaseException,
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


def _added_too_late(
    session: Session, office: Office, grant_id: str, now: datetime
) -> None:
    """Have an add undone that landed for a grant which another worker has ended.

    NB. Whoever slept for longer than the lease may send when all doubt is over.
    """
    stored = session.get_one(AccessGrant, grant_id)
    if stored.status in LIVE:
        return
    moves.advance(
        session,
        stored,
        audit.INTENDED,
        by=BOT,
        now=now,
        unsure_until=now + office.timing.unsure,
        **settled(now),
    )


def _activate(
    session: Session, grant: AccessGrant, person: Person, now: datetime
) -> None:
    """Write that the membership is there, as `person` was read; tell who asked."""
    directory.remember_person(session, grant.integration, person, now)
    request = request_of(session, grant)
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
