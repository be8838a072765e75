"""Holding: asking for more of what is held, and waiting for what is asked."""

from sqlmodel import Session

from bot.core.words import Person, Refused
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
from bot.slack.views import modal
from bot.slack.views.modal import written
from bot.slack.views.text import clean
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow import requests
from bot.workflow.reading import Office

NOT_KNOWN = Refused("I do not know this any more.")
NO_MORE = Refused("This cannot be extended any more.")


async def nudge(desk: Desk, body: Body) -> Reply:
    """Remind those who were asked, if that is not too soon."""
    request_id = str(body["actions"][0].get("value") or "")
    found = await _at(desk, body, AccessRequest, request_id)
    if isinstance(found, Refused):
        return say(body, found.reason)
    _, person = found
    nudged = await desk.write(requests.nudge, request_id, person.id, desk.clock())
    if isinstance(nudged, Refused):
        return say(body, nudged.reason)
    return say(body, "I reminded them.")


async def extend(desk: Desk, body: Body) -> Reply:
    """Open the modal that asks for more, while there is more to be had."""
    if desk.closed:
        return say(body, desk.closed)
    grant_id = str(body["actions"][0].get("value") or "")
    found = await _at(desk, body, AccessGrant, grant_id)
    if isinstance(found, Refused):
        return say(body, found.reason)
    shown = await desk.database.read(_held, desk, grant_id)
    if shown is None or not shown[0].more:
        return say(body, NO_MORE.reason)
    return await open_view(desk, body, modal.extension(*shown))


async def submit_extension(desk: Desk, body: Body) -> Reply:
    """Ask for more; a refusal stands on the field."""
    if desk.closed:
        return say(body, desk.closed)
    grant_id = str(body["view"].get("private_metadata") or "")
    found = await _at(desk, body, AccessGrant, grant_id)
    if isinstance(found, Refused):
        return _on_field(found)
    office, person = found
    asked = await desk.write(
        requests.extend,
        office,
        grant_id,
        person.id,
        written(body, modal.JUSTIFICATION),
        desk.clock(),
        f"view:{body['view']['id']}",
    )
    return _on_field(asked) if isinstance(asked, Refused) else Reply()


async def _at(
    desk: Desk,
    body: Body,
    table: type[AccessRequest] | type[AccessGrant],
    row_id: str,
) -> tuple[Office, Person] | Refused:
    """Return where a row belongs, and who is at the door there."""
    row = await desk.database.read(_row, table, row_id)
    if row is None:
        return NOT_KNOWN
    office = desk.offices.get(row.integration)
    if office is None:
        return NOT_SERVED
    person = await person_at(desk, body, office)
    return person if isinstance(person, Refused) else (office, person)


def _row(
    session: Session, table: type[AccessRequest] | type[AccessGrant], row_id: str
) -> AccessRequest | AccessGrant | None:
    return session.get(table, row_id)  # type: ignore[return-value]


def _held(
    session: Session, desk: Desk, grant_id: str
) -> tuple[pictures.Held, str, str] | None:
    """Return a grant, why it was asked for, and what its flow wants to hear."""
    grant = session.get(AccessGrant, grant_id)
    request = session.get(AccessRequest, grant.request_id) if grant else None
    if grant is None or request is None:
        return None
    flow = desk.offices[grant.integration].catalogue.flow(request.flow)
    hint = (flow.justification.hint or "") if flow else ""
    held = looking.held_of(session, desk.offices, grant)
    return held, request.justification or "", hint


def _on_field(refused: Refused) -> Reply:
    errors = {modal.JUSTIFICATION: clean(refused.reason, 300)}
    return Reply({"response_action": "errors", "errors": errors})
