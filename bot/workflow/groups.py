"""Groups as read, kept as rows, with word of what changed about them that matters.

Every reading of a group comes this way, so that no change is overwritten unseen:
that a group which is held became one that is never given, and that an owner
attribute names somebody else.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from bot.core.catalogue import ResourceOwner
from bot.core.owners import attribute_values
from bot.core.words import Group, Person
from bot.store import audit, directory
from bot.workflow.notices import recipients_of, slack_of, tell
from bot.workflow.people import Door

GUARDS = {
    "carries_admin_role": "carries an Okta admin role now",
    "rule_managed": "is filled by an active Okta group rule now",
    "feeds_rule": "puts its members into other groups by an active rule now",
}
MOST_NAMED = 5
"""How many changes one message names; the audit has each."""

Told = dict[str, list[str]]
"""What each Slack person is to be told, a sentence each."""


def keep_groups(
    session: Session, door: Door, groups: Sequence[Group], now: datetime
) -> None:
    """Keep each of `groups` as read at `now`; what matters is an event, and told."""
    ids = [group.id for group in groups]
    held = directory.held_among(session, door.name, ids)
    compared = ids if door.integration.resource_owner else held
    known = directory.groups_among(session, door.name, compared)
    directory.remember_groups(session, door.name, groups, now)
    told: Told = {}
    for group in groups:
        before = known.get(group.id)
        if before is None or (before.read_at or now) > now:
            continue
        if group.id in held:
            _note_guards(session, door, before, group, told, now)
        _note_owners(session, door, before, group, told, now)
    _tell_all(session, told, now)


def _note_guards(
    session: Session, door: Door, before: Group, group: Group, told: Told, now: datetime
) -> None:
    for guard, says in GUARDS.items():
        if getattr(group, guard) is not True or getattr(before, guard) is True:
            continue
        audit.record(
            session,
            "guard gained",
            by="bot",
            now=now,
            data={"guard": guard},
            text={"group": group.name},
            integration=door.name,
            group_id=group.id,
        )
        _note(
            told,
            _in_charge(session, door, "owner", "admins"),
            f"“{group.name}” {says}, and people hold it by me. They keep it until it "
            "ends, unless you end it; nobody can ask for it any more.",
        )


def _note_owners(
    session: Session, door: Door, before: Group, group: Group, told: Told, now: datetime
) -> None:
    for mapping in door.integration.resource_owner:
        was = attribute_values(before, mapping.key)
        values = attribute_values(group, mapping.key)
        if set(was) == set(values):
            continue
        audit.record(
            session,
            "owner attribute changed",
            by="bot",
            now=now,
            data={"attribute": mapping.key},
            text={"group": group.name, "from": _said(was), "to": _said(values)},
            integration=door.name,
            group_id=group.id,
        )
        old = {
            slack_of(session, door.name, person.id)
            for person in _people_behind(session, door, mapping, was)
        }
        _note(
            told,
            _in_charge(session, door, "owner") | {each for each in old if each},
            f"The owner attribute “{mapping.key}” of “{group.name}” changed from "
            f"{_said(was)} to {_said(values)}.",
        )


def _in_charge(session: Session, door: Door, *roles: str) -> set[str]:
    return {
        recipient
        for role in roles
        for recipient in recipients_of(session, door.name, role)
    }


def _note(told: Told, recipients: Iterable[str], sentence: str) -> None:
    for recipient in recipients:
        told.setdefault(recipient, []).append(sentence)


def _tell_all(session: Session, told: Told, now: datetime) -> None:
    """Tell each person once what is noted for them, in few words when it is much."""
    newest = audit.head(session)
    for recipient, sentences in sorted(told.items()):
        named, more = sentences[:MOST_NAMED], len(sentences[MOST_NAMED:])
        if more:
            named.append(f"And {more} more changes of this kind; the audit has each.")
        tell(
            session,
            "alert",
            recipient,
            key=f"group changes:{newest and newest.seq}:{recipient}",
            now=now,
            facts={"text": " ".join(named)},
        )


def _people_behind(
    session: Session, door: Door, mapping: ResourceOwner, values: Iterable[str]
) -> list[Person]:
    """Return the linked people whom `values` of an owner attribute name, by rows."""
    behind = [_named_by(session, door, mapping, value) for value in values]
    if not behind:
        return []
    people = directory.linked_people(session, door.name)
    return [
        person for person in people if any(is_behind(person) for is_behind in behind)
    ]


def _named_by(
    session: Session, door: Door, mapping: ResourceOwner, value: str
) -> Callable[[Person], bool]:
    """Return what tells whether a person is whom `value` names."""
    folded = value.casefold()
    if mapping.attribute == "user":
        return lambda person: (
            folded in (person.login.casefold(), person.email.casefold())
            or person.id == value
        )
    if mapping.attribute == "group":
        called = directory.groups_called(session, door.name, value)
        ids = frozenset(group.id for group in called)
        return lambda person: not ids.isdisjoint(person.groups or ())
    key = mapping.attribute.removeprefix("profile.")
    return lambda person: str(person.profile.get(key)).casefold() == folded


def _said(values: Iterable[str]) -> str:
    return ", ".join(f"“{value}”" for value in values) or "nobody"
