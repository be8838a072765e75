"""Asking: by a typed line, or by the form and its submit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core.durations import parse_duration, say_duration
from bot.core.words import Person, Refused
from bot.slack.listeners.desk import (
    NOT_SERVED,
    Body,
    Desk,
    Reply,
    person_at,
    say,
    user_of,
)
from bot.slack.listeners.form import NOTHING, open_with
from bot.slack.listeners.offering import (
    BUNDLE,
    Choice,
    bundle_called,
    groups_called,
    groups_of,
)
from bot.slack.typed import Typed, length_until, read_ask
from bot.slack.views import modal
from bot.slack.views.modal import written
from bot.slack.views.text import clean, listed
from bot.store import directory
from bot.store.tables import AccessRequest
from bot.workflow.people import identify
from bot.workflow.reading import Office
from bot.workflow.requests import Wish, ask

COMMAND = "/access"
ASK = "okta-group"

HELP = (
    f"{COMMAND} {ASK} opens a form to ask for an Okta group for a while. "
    f"{COMMAND} {ASK} GROUP DURATION JUSTIFICATION asks at once, such as "
    f"{COMMAND} {ASK} prod-db-read 4h OPS-12 look at slow queries. "
    "Put a name with spaces in quotes. Until 17:00 is a duration too. "
    "My home tab shows what you hold."
)
NO_GROUP = "There is no group “{}” that you can ask for."
ON_ITS_WAY = (
    "You asked for {} for {}. I am finding out who can answer and will write to you."
)
FIELDS = {
    "duration": modal.DURATION,
    "justification": modal.JUSTIFICATION,
    "grantee": modal.GRANTEE,
}

Wished = tuple[Office, Wish]
"""What is wished for, and where."""


async def ask_typed(
    desk: Desk, body: Body, people: Mapping[str, Person], rest: str
) -> Reply:
    """Ask for what was typed, or open the form with it."""
    typed = read_ask(rest)
    if typed.until is not None:
        zone = await desk.database.read(directory.zone_of, user_of(body))
        length = length_until(typed.until, desk.clock(), zone)
        typed = replace(typed, duration=length)
    return await _answer_typed(desk, body, people, typed)


async def submit(desk: Desk, body: Body) -> Reply:
    """Ask for what the modal holds; a refusal stands on the field it is about."""
    if desk.closed:
        return say(body, desk.closed)
    try:
        duration = parse_duration(written(body, modal.DURATION))
    except ValueError as error:
        return _on_field(Refused(str(error), "duration"))
    wishes: list[Wished] = []
    for value in modal.chosen(body, modal.GROUP):
        found = await _wishes(desk, body, value, duration)
        if isinstance(found, Refused):
            return _on_field(found)
        wishes += found
    if len(wishes) != 1:
        return await _ask_several(desk, body, wishes)
    ((office, wish),) = wishes
    asked = await desk.write(ask, office, wish, desk.clock())
    return _on_field(asked) if isinstance(asked, Refused) else Reply()


async def _wishes(
    desk: Desk, body: Body, value: str, duration: timedelta
) -> list[Wished] | Refused:
    """Return what one choice of the form wishes for: a group, or those of a bundle."""
    name, _, chosen = value.partition(":")
    office = desk.offices.get(name.removeprefix(BUNDLE))
    if office is None:
        return NOT_SERVED
    person = await person_at(desk, body, office)
    if isinstance(person, Refused):
        return person
    grantee = await _grantee(desk, office, written(body, modal.GRANTEE))
    if isinstance(grantee, Refused):
        return Refused(grantee.reason, "grantee")
    wish = Wish(
        requester_id=person.id,
        group_id=chosen,
        duration=duration,
        justification=written(body, modal.JUSTIFICATION),
        delivery=f"view:{body['view']['id']}",
        grantee_id=grantee.id if grantee else None,
    )
    if not name.startswith(BUNDLE):
        return [(office, wish)]
    groups = await desk.database.read(groups_of, office, person, chosen)
    return [(office, replace(wish, group_id=group.id)) for group in groups]


async def _ask_several(desk: Desk, body: Body, wishes: list[Wished]) -> Reply:
    came = await desk.write(_ask_each, wishes, desk.clock())
    return _on_field(came) if isinstance(came, Refused) else say(body, came)


def _ask_each(session: Session, wishes: list[Wished], now: datetime) -> str | Refused:
    """Ask for several groups, one request each; return what came of each."""
    asked: list[str] = []
    refused: list[tuple[str, Refused]] = []
    for office, wish in wishes:
        own = replace(wish, delivery=f"{wish.delivery}:{wish.group_id}")
        came = ask(session, office, own, now)
        group = directory.group(session, office.name, wish.group_id)
        name = group.name if group else wish.group_id
        if isinstance(came, Refused):
            refused.append((name, came))
        else:
            asked.append(name)
    if not asked:
        return refused[0][1] if refused else NOTHING
    said = f"You asked for {listed(asked)}."
    return " ".join([said, *(f"Not for {each}: {why.reason}" for each, why in refused)])


async def _grantee(
    desk: Desk, office: Office, slack_id: str
) -> Person | Refused | None:
    """Return for whom it is asked; None where nobody else was chosen."""
    if not slack_id:
        return None
    return await identify(office, desk.team_id, slack_id, desk.clock())


async def _answer_typed(
    desk: Desk, body: Body, people: Mapping[str, Person], typed: Typed
) -> Reply:
    """Ask at once when all was typed; else open the modal with what was."""
    if not typed.group:
        return await open_with(desk, body, people, typed)
    found = await desk.database.read(groups_called, desk.offices, people, typed.group)
    if not found:
        return await _ask_bundle_typed(desk, body, people, typed)
    if len(found) > 1 or typed.duration is None:
        chosen = found[0] if len(found) == 1 else None
        return await open_with(desk, body, people, typed, chosen)
    return await _ask_at_once(desk, body, typed, found[0])


async def _ask_bundle_typed(
    desk: Desk, body: Body, people: Mapping[str, Person], typed: Typed
) -> Reply:
    """Ask for the bundle that was typed; else say that there is no such group."""
    for name, person in people.items():
        office = desk.offices[name]
        called = bundle_called(office, typed.group)
        if not called:
            continue
        groups = await desk.database.read(groups_of, office, person, called)
        if not groups:
            continue
        wish = Wish(
            requester_id=person.id,
            group_id="",
            duration=typed.duration,
            justification=typed.justification,
            delivery=f"command:{body['trigger_id']}",
        )
        wishes = [(office, replace(wish, group_id=group.id)) for group in groups]
        came = await desk.write(_ask_each, wishes, desk.clock())
        return say(body, came.reason if isinstance(came, Refused) else came)
    return say(body, NO_GROUP.format(clean(typed.group, 100)))


async def _ask_at_once(desk: Desk, body: Body, typed: Typed, choice: Choice) -> Reply:
    office, person, group = choice
    wish = Wish(
        requester_id=person.id,
        group_id=group.id,
        duration=typed.duration,
        justification=typed.justification,
        delivery=f"command:{body['trigger_id']}",
    )
    asked = await desk.write(ask, office, wish, desk.clock())
    if isinstance(asked, AccessRequest):
        length = say_duration(timedelta(seconds=asked.duration_seconds))
        return say(body, ON_ITS_WAY.format(clean(group.name, 100), length))
    if asked.field not in FIELDS:
        return say(body, asked.reason)
    people = {office.name: person}
    return await open_with(desk, body, people, typed, choice, note=asked.reason)


def _on_field(refused: Refused) -> Reply:
    block = FIELDS.get(refused.field, modal.GROUP)
    errors = {block: clean(refused.reason, 300)}
    return Reply({"response_action": "errors", "errors": errors})
