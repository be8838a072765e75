"""Names in places of authority, led to the id they had when they were first read.

A pinned name stays with its id, whatever is later called so.
"""

from datetime import datetime

from sqlmodel import Session

from bot.core.catalogue import GroupSelector, UserSelector
from bot.core.policy import named_in_authority, names_in_authority
from bot.store import audit, directory
from bot.store.tables import Pin
from bot.workflow.notices import tell_people
from bot.workflow.reading import NAMED_ONCE, Office, groups_called

Selector = UserSelector | GroupSelector


async def pin_names(office: Office, now: datetime) -> None:
    """Lead every name in a place of authority to its one id, and pin it there."""
    for selector in named_in_authority(office.catalogue, office.integration):
        ids = await _ids(office, selector)
        await office.database.run(_pin, office, selector, ids, now)
    await office.database.run(_remember_names, office, now)


def _remember_names(session: Session, office: Office, now: datetime) -> None:
    names = names_in_authority(office.catalogue, office.integration)
    key = NAMED_ONCE.format(office.name)
    directory.remember(session, key, {"names": names}, now)


async def _ids(office: Office, selector: Selector) -> set[str]:
    if isinstance(selector, UserSelector):
        person = await office.directory.person(selector.user)
        return {person.id} if person else set()
    found = await groups_called(office.directory, selector.group)
    return {group.id for group in found}


def _pin(
    session: Session, office: Office, selector: Selector, ids: set[str], now: datetime
) -> None:
    """Pin a name to the id it leads to; a pinned one stays, and the admins are told.

    NB. A group renamed to a name in this file must not become an authority.
    """
    is_user = isinstance(selector, UserSelector)
    kind = "user" if is_user else "group"
    name = selector.user if isinstance(selector, UserSelector) else selector.group
    pin = session.get(Pin, (office.name, kind, name))
    if pin is None and len(ids) == 1:
        [found] = ids
        session.add(
            Pin(integration=office.name, kind=kind, name=name, id=found, pinned_at=now)
        )
        audit.record(
            session,
            "name pinned",
            by="bot",
            now=now,
            data={"kind": kind, "id": found},
            text={"name": name},
            integration=office.name,
        )
    elif pin is None or ids != {pin.id}:
        _tell_astray(session, office, name, ids, pin, now)


def _tell_astray(
    session: Session,
    office: Office,
    name: str,
    ids: set[str],
    pin: Pin | None,
    now: datetime,
) -> None:
    leads = f"leads to {len(ids)} in Okta" if len(ids) != 1 else "leads elsewhere now"
    stays = f"It stays with {pin.id}." if pin else "Nobody is let in by it."
    tell_people(
        session,
        office.name,
        "admins",
        f"“{name}” in access.yaml {leads}. {stays}",
        key=f"astray:{office.name}:{name}:{','.join(sorted(ids))}",
        now=now,
    )
