"""For admins: the activity page by page, revoking, freezing and unfreezing."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot.core.policy import is_admin
from bot.core.words import Person, Refused
from bot.slack import looking
from bot.slack.calls import call
from bot.slack.errors import SlackError
from bot.slack.listeners.desk import (
    Body,
    Desk,
    Reply,
    meet,
    open_view,
    people_at,
    say,
    user_of,
)
from bot.slack.typed import as_group, as_user
from bot.slack.views import admin
from bot.slack.views.admin import AT_A_TIME, KINDS, Activity, Line
from bot.slack.views.modal import written
from bot.slack.views.text import clean
from bot.store import directory
from bot.store.tables import Event
from bot.workflow.freezing import Frozen, freeze
from bot.workflow.notices import show_home
from bot.workflow.people import identify
from bot.workflow.reading import Office, policy_for
from bot.workflow.revoking import being_removed, being_taken_back, revoke

ALL = "all"
SECONDS = "in seconds"
ADMINS_ONLY = Refused("Only admins can do that.")
NO_GROUP = "I know no group called “{}”."
NOBODY = "I know nobody called {}, or more than one: mention them, as in @rita."

People = Mapping[str, Person]
Place = dict[str, Any]
"""Where a page is: `kind`, `groups`, `people`, `before`, and `about` in words."""


@dataclass(frozen=True)
class At:
    """An office, and who is at it."""

    office: Office
    person: Person


@dataclass(frozen=True)
class AtPerson(At):
    """The same, about somebody else."""

    target: Person


async def activity(desk: Desk, body: Body, people: People, rest: str) -> Reply:
    """Open what happened last, of everything or of a group or a person."""
    admins = await desk.database.read(admin_of, desk, people)
    if not admins:
        return say(body, ADMINS_ONLY.reason)
    place: Place = {}
    if rest:
        found = await meant(desk, admins, rest)
        place["about"] = as_group(rest)
        place["groups"] = [id_ for _, what, id_ in found if what is Frozen.GROUP]
        place["people"] = [id_ for _, what, id_ in found if what is Frozen.PERSON]
        if not place["groups"] and not place["people"]:
            return say(body, NO_GROUP.format(as_group(rest)))
    page = await desk.database.read(_page, place)
    return await open_view(desk, body, admin.activity(page))


async def turn(desk: Desk, body: Body) -> Reply:
    """Show another page, or the same through another filter."""
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    view, action = body.get("view") or {}, body["actions"][0]
    if view.get("callback_id") != admin.ACTIVITY:
        return await activity(desk, body, people, "")
    if not await desk.database.read(admin_of, desk, people):
        return say(body, ADMINS_ONLY.reason)
    place = json.loads(view.get("private_metadata") or "{}")
    if action["action_id"] != admin.OLDER:
        place.pop("before", None)
    if action["action_id"] == admin.KIND:
        kind = str((action.get("selected_option") or {}).get("value") or "")
        place["kind"] = kind if kind in KINDS else ""
    page = await desk.database.read(_page, place)
    desk.later(_redraw(desk, view, page))
    return Reply()


async def open_revoke(desk: Desk, body: Body) -> Reply:
    """Open the form that revokes."""
    refused = await _refused(desk, body)
    return refused or await open_view(desk, body, admin.revoking())


async def open_freeze(desk: Desk, body: Body) -> Reply:
    """Open the form that freezes."""
    refused = await _refused(desk, body)
    return refused or await open_view(desk, body, admin.freezing())


async def submit_revoke(desk: Desk, body: Body) -> Reply:
    """End what the form names."""
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    what = written(body, admin.WHAT).strip() or ALL
    typed = f"<@{written(body, admin.WHO)}> {what}"
    return await revoke_access(desk, body, people, typed)


async def submit_freeze(desk: Desk, body: Body) -> Reply:
    """Freeze what the form names."""
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    who, what = written(body, admin.WHO), written(body, admin.WHAT).strip()
    typed = f"<@{who}>" if who else what
    return await set_freeze(desk, body, people, typed, on=True)


async def unfreeze(desk: Desk, body: Body) -> Reply:
    """Lift the freeze that a button names."""
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    name, _, rest = str(body["actions"][0].get("value") or "").partition(":")
    what, _, id_ = rest.partition(":")
    admins = await desk.database.read(admin_of, desk, people)
    at = next((each for each in admins if each.office.name == name), None)
    if at is None or what not in tuple(Frozen):
        return say(body, ADMINS_ONLY.reason)
    by = f"okta:{at.person.id}"
    await desk.write(freeze, name, Frozen(what), id_, by=by, now=desk.clock(), on=False)
    await desk.write(freshen_home, body, desk.clock())
    return Reply()


async def revoke_access(desk: Desk, body: Body, people: People, rest: str) -> Reply:
    """End what somebody holds of a group, or all of it; for admins."""
    words = rest.split(None, 1)
    if len(words) < 2:
        return say(body, "Type it as /access revoke @user GROUP, or @user all.")
    admins = await desk.database.read(admin_of, desk, people)
    if not admins:
        return say(body, ADMINS_ONLY.reason)
    found = await _people_meant(desk, admins, words[0])
    if not found:
        return say(body, NOBODY.format(clean(words[0], 100)))
    name = as_group(words[1])
    pairs = [
        (at, group_id)
        for at in found
        for group_id in await desk.database.read(_groups_meant, at.office.name, name)
    ]
    if not pairs:
        return say(body, NO_GROUP.format(clean(name, 100)))
    count = leaving = slow = 0
    for at, group_id in pairs:
        by, now = f"okta:{at.person.id}", desk.clock()
        pair = at.office.name, at.target.id, group_id
        count += await desk.write(revoke, *pair, by=by, now=now)
        leaving += await desk.database.read(being_removed, *pair)
        slow += await desk.database.read(being_taken_back, *pair)
    if count:
        when = f"{SECONDS}, for {slow} without a grant in minutes" if slow else SECONDS
        return say(body, f"Done: {count} ended or denied. Okta follows {when}.")
    if leaving:
        return say(body, "It is being removed in Okta already.")
    return say(body, "They hold and await nothing of that here.")


async def set_freeze(
    desk: Desk, body: Body, people: People, rest: str, *, on: bool
) -> Reply:
    """Freeze or unfreeze a group, a person or everything; for admins."""
    admins = await desk.database.read(admin_of, desk, people)
    if not admins:
        return say(body, ADMINS_ONLY.reason)
    word = "Frozen" if on else "Unfrozen"
    if not rest:
        return say(body, "Name a group, mention a person, or say all.")
    found = await meant(desk, admins, rest)
    if not found:
        return say(body, NO_GROUP.format(clean(as_group(rest), 100)))
    for at, what, id_ in found:
        await desk.write(
            freeze,
            at.office.name,
            what,
            id_,
            by=f"okta:{at.person.id}",
            now=desk.clock(),
            on=on,
        )
    says = "Ends go on, and people keep what they hold." if on else ""
    return say(body, f"{word}: {clean(rest, 100)}. {says}".strip())


def freshen_home(session: Session, body: Body, now: datetime) -> None:
    """Draw the home tab of who is at the door again."""
    show_home(session, user_of(body), now)


def admin_of(session: Session, desk: Desk, people: People) -> list[At]:
    """Return the offices where a person is an admin."""
    found = []
    for name, person in people.items():
        office = desk.offices[name]
        policy = policy_for(session, office.catalogue, office.integration)
        if is_admin(policy, person):
            found.append(At(office, person))
    return found


async def meant(
    desk: Desk, admins: list[At], typed: str
) -> list[tuple[At, Frozen, str]]:
    """Return what an admin means: everything, a person or a group, with its id."""
    if typed.casefold() == ALL:
        return [(at, Frozen.EVERYTHING, "") for at in admins]
    is_person = typed.startswith(("<@", "@"))
    people = await _people_meant(desk, admins, typed) if is_person else []
    if people:
        return [(at, Frozen.PERSON, at.target.id) for at in people]
    name, found = as_group(typed), []
    for at in admins:
        ids = await desk.database.read(_group_ids, at.office.name, name)
        found += [(at, Frozen.GROUP, id_) for id_ in ids]
    return found


async def _people_meant(desk: Desk, admins: list[At], typed: str) -> list[AtPerson]:
    """Return whom an admin means, in each office where they are known.

    Somebody who was mentioned and never came here is looked up now.
    """
    slack_id, name = as_user(typed)
    found = []
    for at in admins:
        people = await desk.database.read(_known, desk, at.office, slack_id, name)
        if slack_id and not people:
            met = await meet(desk, slack_id)
            who = await identify(at.office, desk.team_id, slack_id, desk.clock())
            people = [who] if met and isinstance(who, Person) else []
        if len(people) == 1:
            found.append(AtPerson(at.office, at.person, people[0]))
    return found


def _known(
    session: Session, desk: Desk, office: Office, slack_id: str, name: str
) -> list[Person]:
    if not slack_id:
        return directory.people_called(session, office.name, name)
    link = directory.link_of_account(session, desk.team_id, slack_id, office.name)
    person = link and directory.person(session, office.name, link.person_id)
    return [person] if person else []


def _groups_meant(session: Session, integration: str, name: str) -> list[str | None]:
    """Return the groups so called; None alone for all there are."""
    return [None] if name == ALL else [*_group_ids(session, integration, name)]


def _group_ids(session: Session, integration: str, name: str) -> list[str]:
    return [group.id for group in directory.groups_called(session, integration, name)]


async def _refused(desk: Desk, body: Body) -> Reply | None:
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    if not await desk.database.read(admin_of, desk, people):
        return say(body, ADMINS_ONLY.reason)
    return None


async def _redraw(desk: Desk, view: Body, page: Activity) -> None:
    with suppress(SlackError):  # it was closed meanwhile, or turned again
        await call(
            desk.client.views_update,
            desk.timing.slack_call,
            view_id=view["id"],
            hash=view["hash"],
            view=admin.activity(page),
        )


def _page(session: Session, place: Place) -> Activity:
    """Return the page at `place`, with what leads to the next one."""
    shown = select(Event).order_by(col(Event.seq).desc()).limit(AT_A_TIME + 1)
    if place.get("before"):
        shown = shown.where(col(Event.seq) < int(place["before"]))
    if place.get("kind"):
        shown = shown.where(col(Event.kind).startswith(place["kind"]))
    if place.get("groups"):
        shown = shown.where(col(Event.group_id).in_(place["groups"]))
    if place.get("people"):
        shown = shown.where(col(Event.person_id).in_(place["people"]))
    events = list(session.exec(shown))
    lines = [_line(session, event) for event in events[:AT_A_TIME]]
    page = Activity(
        lines=lines,
        kind=place.get("kind", ""),
        about=place.get("about", ""),
        is_newest=not place.get("before"),
        more=len(events) > AT_A_TIME,
    )
    before = lines[-1].seq if lines else 0
    return replace(page, place=json.dumps(place | {"before": before}))


def _line(session: Session, event: Event) -> Line:
    name = event.integration or ""
    kind, _, actor = event.actor.partition(":")
    by = looking.who(session, name, actor).name if kind == "okta" else event.actor
    about = [
        looking.who(session, name, event.person_id).name if event.person_id else "",
        looking.group_name(session, name, event.group_id) if event.group_id else "",
    ]
    told = " · ".join(each for each in about if each)
    return Line(event.seq, event.at, by, event.kind, told)
