"""While a request waits for its answer: reminders, nudges, and who is asked too."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from bot.core.durations import say_duration
from bot.core.words import Refused, RequestStatus
from bot.store import claims, directory, moves
from bot.store.claims import settled
from bot.store.tables import AccessRequest, Answer
from bot.workflow.notices import slack_of, tell
from bot.workflow.reading import Office
from bot.workflow.requests.ending import DECIDED
from bot.workflow.seats import (
    Seating,
    matter,
    read_tier,
    seat_kept,
    send_cards,
    step_of,
)

MORNING, EVENING = 8, 20
"""The hours of an approver's day, on their own clock: nobody is reminded outside."""


async def pass_time(office: Office, request: AccessRequest, now: datetime) -> None:
    """Do what the clock says for a request that is put to people.

    Ask more people when a tier's time has come, remind those who were asked.
    """
    tier = _due_tier(request, now)
    if tier is not None:
        group = await office.database.read(
            directory.group, office.name, request.group_id
        )
        grantee = await office.database.read(
            directory.person, office.name, request.grantee_id
        )
        found = Seating()
        if group is not None and grantee is not None:
            about = matter(request, group, grantee)
            rule = step_of(request.routing).escalate[tier]
            found = await read_tier(office, rule, about, now)
        await office.database.run(_escalated, request, found, now)
    elif _next_reminder(request, request.routing) <= now:
        await office.database.run(_reminded, request, now)
    else:
        due = next_due(request, request.routing, now)
        await office.database.run(claims.put_back, request, due)


def next_due(
    request: AccessRequest, routing: dict[str, Any], now: datetime
) -> datetime:
    """Return when something is to be done for a request that waits for an answer."""
    times = [request.lapse_at, _next_reminder(request, routing)]
    step = step_of(routing)
    tiers = step.escalate[routing.get("tiers", 0) :]
    times += [_since(request, routing) + tier.after for tier in tiers]
    return max(now, min(times))


def nudge(
    session: Session, request_id: str, person_id: str, now: datetime
) -> AccessRequest | Refused:
    """Remind those who were asked, as only the requester may, and not too often."""
    request = session.get(AccessRequest, request_id)
    if request is None or person_id not in (request.requester_id, request.grantee_id):
        return Refused("Only who asked can nudge.")
    if request.status is not RequestStatus.PENDING:
        return DECIDED
    if request.step == 0:
        return Refused("I am still finding out who can answer.")
    wait = _next_reminder(request, request.routing) - now
    if wait > timedelta():
        return Refused(
            "They were asked or reminded a little while ago. "
            f"You can nudge them in {say_duration(wait)}."
        )
    _remind(session, request, now, by=f"okta:{person_id}", what="nudged")
    return request


def _reminded(session: Session, request: AccessRequest, now: datetime) -> None:
    """Remind those who have not answered, if it is day where they are."""
    routing = _remind(
        session, request, now, by="clock", what="reminded", fence=request.fence
    )
    due = next_due(request, routing, now)
    claims.put_back(session, request, due)


def _remind(
    session: Session,
    request: AccessRequest,
    now: datetime,
    *,
    by: str,
    what: str,
    fence: int | None = None,
) -> dict[str, Any]:
    count = request.routing.get("reminders", 0) + 1
    routing = {**request.routing, "reminders": count, "reminded_at": now.isoformat()}
    moves.advance(session, request, what, by=by, now=now, fence=fence, routing=routing)
    answered = set(
        session.exec(select(Answer.person_id).where(Answer.request_id == request.id))
    )
    for person_id in routing["people"]:
        slack_id = slack_of(session, request.integration, person_id)
        if person_id in answered or slack_id is None:
            continue
        if by != "clock" or _is_day(session, slack_id, now):
            key = f"reminder:{request.id}:{count}:{slack_id}"
            facts = {"nudge": by != "clock"}
            tell(
                session,
                "reminder",
                slack_id,
                key=key,
                now=now,
                request=request,
                facts=facts,
            )
    return routing


def _escalated(
    session: Session, request: AccessRequest, found: Seating, now: datetime
) -> None:
    """Write who is asked too, with a card for each; the others keep their say."""
    before = request.routing
    known = set(before["people"])
    more = [person.id for person in found.people if person.id not in known]
    routing = {
        **before,
        "tiers": before.get("tiers", 0) + 1,
        "people": [*before["people"], *more],
        "seats": [*before["seats"], *(seat_kept(seat) for seat in found.seats)],
    }
    moves.advance(
        session,
        request,
        "escalated",
        by="clock",
        now=now,
        fence=request.fence,
        data={"people": more},
        routing=routing,
        **settled(next_due(request, routing, now)),
    )
    send_cards(session, request, found, now)
    moves.redraw(session, request, now)


def _due_tier(request: AccessRequest, now: datetime) -> int | None:
    at = request.routing.get("tiers", 0)
    tiers = step_of(request.routing).escalate
    due = at < len(tiers) and now >= _since(request, request.routing) + tiers[at].after
    return at if due else None


def _since(request: AccessRequest, routing: dict[str, Any]) -> datetime:
    """Return when the step was put to its people."""
    since = routing.get("since")
    return datetime.fromisoformat(since) if since else request.asked_at


def _every(request: AccessRequest) -> timedelta:
    day = timedelta(days=1).total_seconds()
    return timedelta(seconds=request.terms.get("remind_every", day))


def _next_reminder(request: AccessRequest, routing: dict[str, Any]) -> datetime:
    last = routing.get("reminded_at")
    began = datetime.fromisoformat(last) if last else _since(request, routing)
    return began + _every(request)


def _is_day(session: Session, slack_id: str, now: datetime) -> bool:
    local = now.astimezone(directory.zone_of(session, slack_id))
    return MORNING <= local.hour < EVENING
