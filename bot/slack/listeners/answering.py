"""Answering: Approve, for less or with a reason, and Deny with one.

Every click is decided anew, on facts read lately: who answers, and whether
today's file still allows what was asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core.durations import parse_duration
from bot.core.words import DirectoryError, Refused, RequestStatus, StaleState
from bot.slack import looking, pictures
from bot.slack.listeners.desk import (
    NOT_SERVED,
    Body,
    Desk,
    Reply,
    open_view,
    person_at,
    say,
)
from bot.slack.views import card, modal, words
from bot.slack.views.blocks import Block
from bot.slack.views.modal import written
from bot.store import directory
from bot.store.tables import AccessRequest
from bot.workflow.people import NOT_NOW, read_person
from bot.workflow.reading import Office, read_group
from bot.workflow.requests import Reply as Answered
from bot.workflow.requests import answer
from bot.workflow.seats import is_seated

NOT_KNOWN = Refused("I do not know this request any more.")

AT_ONCE = 3
"""How often an answer is tried that others' answers overtake."""


@dataclass(frozen=True)
class Stale:
    """What of a request is too old to decide on: people by id, and its group."""

    people: frozenset[str] = frozenset()
    group: bool = False


@dataclass(frozen=True)
class Question:
    """A request, where it belongs, the step that was answered, what is stale."""

    office: Office
    request: AccessRequest
    step: int
    stale: Stale


async def approve(desk: Desk, body: Body) -> Reply:
    """Approve, or say why not."""
    if desk.closed:
        return say(body, desk.closed)
    value = str(body["actions"][0].get("value") or "")
    question = await _question(desk, value)
    if isinstance(question, Refused):
        return say(body, question.reason)
    if question.request.terms.get("reason") == "required":
        return await _open_answer(desk, body, modal.approval)
    return await _answer(desk, body, value, approves=True)


async def approve_less(desk: Desk, body: Body) -> Reply:
    """Open the modal that approves for less time, or with a reason."""
    if desk.closed:
        return say(body, desk.closed)
    return await _open_answer(desk, body, modal.approval)


async def submit_approval(desk: Desk, body: Body) -> Reply:
    """Approve for as long as was chosen, or say why not."""
    if desk.closed:
        return say(body, desk.closed)
    value = str(body["view"].get("private_metadata") or "")
    try:
        duration = parse_duration(written(body, modal.DURATION))
    except ValueError as error:
        return say(body, str(error))
    reason = written(body, modal.REASON)
    return await _answer(
        desk, body, value, approves=True, reason=reason, duration=duration
    )


async def deny(desk: Desk, body: Body) -> Reply:
    """Open the modal that takes a reason, while there is something to deny."""
    return await _open_answer(desk, body, modal.denial)


async def _open_answer(
    desk: Desk, body: Body, draw: Callable[[pictures.Asked, str], Block]
) -> Reply:
    """Open a modal that answers, while there is something to answer."""
    value = str(body["actions"][0].get("value") or "")
    question = await _question(desk, value)
    if isinstance(question, Refused):
        return say(body, question.reason)
    request = question.request
    person = await person_at(desk, body, question.office)
    if isinstance(person, Refused):
        return say(body, person.reason)
    asked = await desk.database.read(looking.asked_of, request)
    if request.status is not RequestStatus.PENDING:
        return say(body, _already(asked))
    return await open_view(desk, body, draw(asked, value))


async def submit_denial(desk: Desk, body: Body) -> Reply:
    """Deny with the reason that was written, or say why not."""
    value = str(body["view"].get("private_metadata") or "")
    reason = written(body, modal.REASON)
    return await _answer(desk, body, value, approves=False, reason=reason)


async def _answer(
    desk: Desk,
    body: Body,
    value: str,
    *,
    approves: bool,
    reason: str = "",
    duration: timedelta | None = None,
) -> Reply:
    question = await _question(desk, value)
    if isinstance(question, Refused):
        return say(body, question.reason)
    person, fresh, seated = await asyncio.gather(
        person_at(desk, body, question.office),
        _refresh(desk, question),
        _is_seated(desk, question),
    )
    if isinstance(person, Refused):
        return say(body, person.reason)
    if not fresh or seated is None:
        return say(body, NOT_NOW.reason)
    given = Answered(
        request_id=question.request.id,
        person_id=person.id,
        approves=approves,
        step_shown=question.step,
        reason=reason,
        duration=duration,
    )
    result = await _decide(desk, question.office, given, is_seated=seated)
    if isinstance(result, Refused):
        return say(body, await _why_not(desk, question.request, result))
    return Reply()


async def _decide(
    desk: Desk, office: Office, given: Answered, *, is_seated: bool
) -> AccessRequest | Refused:
    """Answer; when somebody else did at the same moment, on what they left.

    Two who approve one step at once both count: the second is decided anew.
    """
    for _ in range(AT_ONCE):
        with suppress(StaleState):
            return await desk.write(
                answer, office, given, desk.clock(), is_seated=is_seated
            )
    return Refused("Someone else was faster.")


async def _question(desk: Desk, value: str) -> Question | Refused:
    """Return what a button or a modal is about, by the opaque id it carries."""
    shown = card.read_button_value(value)
    if shown is None:
        return NOT_KNOWN
    request_id, step = shown
    since = desk.clock() - desk.timing.facts_stay_fresh
    request, stale = await desk.database.read(_request_and_stale, request_id, since)
    if request is None:
        return NOT_KNOWN
    office = desk.offices.get(request.integration)
    return NOT_SERVED if office is None else Question(office, request, step, stale)


async def _refresh(desk: Desk, question: Question) -> bool:
    """Read anew what is too old to decide on; tell whether all is fresh now."""
    office, stale, now = question.office, question.stale, desk.clock()
    reads: list[Awaitable[object]] = [
        read_person(office.database, office.directory, office.name, each, now)
        for each in stale.people
    ]
    if stale.group:
        reads.append(read_group(office, question.request.group_id, now))
    try:
        async with asyncio.timeout(desk.timing.okta_read_at_click.total_seconds()):
            await asyncio.gather(*reads)
    except (TimeoutError, DirectoryError):
        return False
    return True


async def _is_seated(desk: Desk, question: Question) -> bool | None:
    """Tell whether who answers an extension is who did; None where Okta is too slow."""
    request, step = question.request, question.step
    if request.extends is None or request.step != step or step == 0:
        return True
    try:
        async with asyncio.timeout(desk.timing.okta_read_at_click.total_seconds()):
            return await is_seated(question.office, request, desk.clock())
    except (TimeoutError, DirectoryError):
        return None


async def _why_not(desk: Desk, request: AccessRequest, refused: Refused) -> str:
    """Return the refusal, or who decided and when where somebody has."""
    now = await desk.database.read(_request, request.id)
    if now is None or now.status is RequestStatus.PENDING:
        return refused.reason
    return _already(await desk.database.read(looking.asked_of, now))


def _already(asked: pictures.Asked) -> str:
    return f"This has been answered already. {words.plain_outcome(asked)}"


def _request(session: Session, request_id: str) -> AccessRequest | None:
    return session.get(AccessRequest, request_id)


def _request_and_stale(
    session: Session, request_id: str, since: datetime
) -> tuple[AccessRequest | None, Stale]:
    """Return a request, and what was not read since then of what it is about."""
    request = session.get(AccessRequest, request_id)
    if request is None:
        return None, Stale()
    name = request.integration
    people = {
        person_id
        for person_id in {request.requester_id, request.grantee_id}
        if directory.person(session, name, person_id, since) is None
    }
    group = directory.group(session, name, request.group_id, since)
    return request, Stale(frozenset(people), group is None)
