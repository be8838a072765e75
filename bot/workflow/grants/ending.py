"""What ends a grant: people, the clock, a failure, a hand in the database.

Each moves the row to where the worker removes the member; none calls Okta.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.owners import Rung, ladder, stands_on
from bot.core.words import Cause, GrantStatus, Refused
from bot.store import directory, evidence, moves, queries
from bot.store.claims import settled
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow.notices import tell_people, tell_requester
from bot.workflow.reading import Office, policy_for
from bot.workflow.warnings import next_due, warnings

BOT = "bot"
TOO_LATE = Refused("Okta could not be reached in time, so nothing was given.")
NOT_AS_WRITTEN = Refused("The record of this approval is not as it was written.")


def give_back(
    session: Session, grant_id: str, person_id: str, now: datetime
) -> AccessGrant | Refused:
    """End a grant early, as only who holds it may; also while it is being given."""
    grant = session.get(AccessGrant, grant_id)
    if grant is None or grant.grantee_id != person_id:
        return Refused("Only who holds this access can end it.")
    if grant.status not in (GrantStatus.GRANTING, GrantStatus.ACTIVE):
        return Refused("This access has ended already.")
    end(session, grant, Cause.GIVEN_BACK, f"okta:{person_id}", now)
    return grant


def settle_gone(
    session: Session,
    office: Office,
    grant_id: str,
    person_id: str,
    now: datetime,
    *,
    is_shown: bool,
) -> AccessGrant | Refused:
    """Take a grant as ended whose group is gone from Okta, as its owner says.

    Only an integration owner or an admin may say so, never of their own access,
    and only while it cannot be removed and they were asked. `is_shown` tells what
    Okta shows at the click.

    NB. What still shows in Okta would stay there: a grant whose removal is only
    late is nobody's to settle, whatever a crafted click says.
    """
    grant = session.get(AccessGrant, grant_id)
    person = directory.person(session, office.name, person_id)
    if grant is None or person is None or grant.status is not GrantStatus.REVOKING:
        return Refused("This has been settled already.")
    request = request_of(session, grant)
    if person_id in (grant.grantee_id, request.requester_id):
        return Refused("Somebody else must say so of your own access.")
    if is_shown or not queries.is_asked_whether_gone(session, grant):
        return Refused("Okta still shows this group, so I go on removing it.")
    policy = policy_for(session, office.catalogue, office.integration)
    rungs = ladder(policy, Rung(name="resource"))[1:]
    stands = any(stands_on(policy, rung, person) is True for rung in rungs)
    if not (person.may_receive and stands):
        return Refused("Only an integration owner or an admin can say so.")
    moves.move(
        session,
        grant,
        GrantStatus.REVOKED,
        by=f"okta:{person_id}",
        now=now,
        cause=Cause.GONE,
        ended_at=now,
        ended_by=person_id,
        # What may still land is watched for: the group may be there after all.
        **settled(now if grant.unsure_until else None),
    )
    tell_of(session, "ended", grant, now)
    return grant


def pass_time(session: Session, grant: AccessGrant, now: datetime) -> bool:
    """Expire an active grant whose end has come, else warn; tell if it expired."""
    if grant.expires_at <= now:
        end(session, grant, Cause.EXPIRED, "clock", now, fence=grant.fence)
        return True
    request = request_of(session, grant)
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


def fail(session: Session, grant: AccessGrant, why: Refused, now: datetime) -> None:
    """End a grant that was not given; undo it first where an add may have landed."""
    if evidence.added_pair(session, grant) is not None:
        columns = settled(now) | {"problem": why.reason, "fence": grant.fence}
        end(session, grant, Cause.FAILED, BOT, now, **columns)
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
    tell_failed(session, grant, now)


def end_untrusted(session: Session, grant: AccessGrant, now: datetime) -> None:
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
        fail(session, grant, NOT_AS_WRITTEN, now)
    elif grant.status is not GrantStatus.REVOKING:
        problem = NOT_AS_WRITTEN.reason
        end(session, grant, Cause.FAILED, BOT, now, problem=problem)


def end(
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


def tell_of(session: Session, kind: str, grant: AccessGrant, now: datetime) -> None:
    """Tell who asked; nobody did where a hand in the database made the grant."""
    request = session.get(AccessRequest, grant.request_id)
    if request is not None:
        tell_requester(session, kind, request, now, grant=grant)


def tell_failed(session: Session, grant: AccessGrant, now: datetime) -> None:
    tell_of(session, "failed", grant, now)
    who, what = queries.names_of(session, grant)
    tell_people(
        session,
        grant.integration,
        "owner",
        f"{who} was not given {what}, though it was approved. {grant.problem or ''}",
        key=f"failed:{grant.id}",
        now=now,
    )


def request_of(session: Session, grant: AccessGrant) -> AccessRequest:
    return session.get_one(AccessRequest, grant.request_id)
