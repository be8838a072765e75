"""What the bot does when nobody is looking: discover, and clean up.

A listing is believed whole or not at all. Names in places of authority are
pinned to the id they lead to when they are first read, and stay there.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.core.catalogue import GroupSelector, UserSelector
from bot.core.owners import attribute_values
from bot.core.words import LIVE, DirectoryGone, Group, Person, RequestStatus
from bot.store import audit, directory
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    OktaGroup,
    OktaPerson,
    PersonLink,
    Pin,
    SlackAccount,
    Upkeep,
)
from bot.workflow.notices import EVERYBODY, tell_people
from bot.workflow.people import link_all, remember_account
from bot.workflow.reading import OWNER_GROUPS, Office, groups_called

BOT = "bot"
SHRUNK_TO = 0.5
"""A listing with a smaller share of the groups than this is not believed."""

DISCOVERED = "discovered:{}"
"""What discovery remembers of an integration: that it was done, and when."""

Selector = UserSelector | GroupSelector


async def discover(office: Office) -> int:
    """Read the org's groups, names of authority and their people into rows.

    Returns how many groups may be known. A reading that fails raises, and one
    that shrank too much is told and dropped: the old picture stays.
    """
    now = office.clock()
    groups = [
        group
        for group in await office.directory.guarded_groups()
        if office.integration.discovery.fits(group.name)
    ]
    if await office.database.run(_shrank, office, len(groups), now):
        return 0
    await office.database.run(_remember_groups, office, groups, now)
    await _pin_names(office, now)
    for role, selectors in (
        ("owner", office.integration.owner),
        ("admins", office.catalogue.admins),
    ):
        people = await _people_named(office, selectors)
        await office.database.run(directory.remember_names, office.name, people, now)
        await link_all(office, people, now)
        await office.database.run(_remember_role, office, role, people, now)
    await office.database.run(_remember, DISCOVERED.format(office.name), {}, now)
    return len(groups)


def meet(session: Session, accounts: Iterable[SlackAccount]) -> int:
    """Keep the Slack accounts of a complete listing; return how many."""
    met = 0
    for account in accounts:
        remember_account(session, account)
        met += 1
    return met


async def clean_up(office: Office) -> int:
    """Forget people some days after their last access ended; return how many.

    Only who holds nothing and awaits nothing is forgotten, and only when Okta
    shows no membership of theirs that we gave.
    """
    rule, now, forgotten = office.integration.user_cleanup, office.clock(), 0
    if rule is None:
        return 0
    for person_id in await office.database.read(_to_forget, office, rule.after, now):
        person = await office.directory.person(person_id)
        held = await office.directory.groups_of(person_id) if person else frozenset()
        gone = await office.database.run(_forget, office, person_id, held, now)
        forgotten += gone
    return forgotten


def _shrank(session: Session, office: Office, found: int, now: datetime) -> bool:
    """Tell whether a listing is too short to be believed; the admins are told."""
    names = session.exec(
        select(OktaGroup.name).where(
            OktaGroup.integration == office.name, col(OktaGroup.gone_at).is_(None)
        )
    )
    known = sum(office.integration.discovery.fits(name) for name in names)
    if found >= known * SHRUNK_TO:
        return False
    tell_people(
        session,
        office.name,
        "admins",
        f"Okta listed {found} groups where {known} were known, so I keep the old "
        "picture. Check the admin role of the bot's Okta app.",
        key=f"shrank:{office.name}:{known}:{found}:{now:%Y-%m-%d}",
        now=now,
    )
    return True


def _remember_groups(
    session: Session, office: Office, groups: list[Group], now: datetime
) -> None:
    """Keep a complete listing: who is in it, who is gone, whom attributes name."""
    directory.remember_groups(session, office.name, groups, now)
    session.flush()
    missing = select(OktaGroup).where(
        OktaGroup.integration == office.name,
        col(OktaGroup.gone_at).is_(None),
        OktaGroup.read_at < now,
    )
    for row in session.exec(missing):
        row.gone_at = now
        session.add(row)
    ids: dict[str, set[str]] = {}
    for group in groups:
        ids.setdefault(group.name, set()).add(group.id)
    owners = {
        id_
        for mapping in office.integration.resource_owner
        if mapping.attribute == "group"
        for group in groups
        for value in attribute_values(group, mapping.key)
        for id_ in {value, *ids.get(value, ())}
    }
    key = OWNER_GROUPS.format(office.name)
    _remember(session, key, {"groups": sorted(owners)}, now)


async def _pin_names(office: Office, now: datetime) -> None:
    """Lead every name in a place of authority to its one id, and pin it there."""
    for selector in _authority(office):
        ids = await _ids(office, selector)
        await office.database.run(_pin, office, selector, ids, now)


def _authority(office: Office) -> set[Selector]:
    """Return every person and group that access.yaml names."""
    named: list[object] = [*office.catalogue.admins, *office.integration.owner]
    for flow in office.catalogue.flows_of(office.name):
        rule = flow.requesters
        named += [*rule.any, *rule.all, *rule.none]
    return {each for each in named if isinstance(each, UserSelector | GroupSelector)}


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
            by=BOT,
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


async def _people_named(office: Office, selectors: Iterable[Selector]) -> list[Person]:
    """Return the people behind `selectors`, members of groups included."""
    users = await office.database.read(directory.pins, office.name, "user")
    groups = await office.database.read(directory.pins, office.name, "group")
    found: dict[str, Person] = {}
    for selector in selectors:
        if isinstance(selector, UserSelector):
            person = await office.directory.person(users.get(selector.user, ""))
            people = [person] if person else []
        else:
            people = await _members(office, groups.get(selector.group))
        found |= {person.id: person for person in people}
    return list(found.values())


async def _members(office: Office, pinned: str | None) -> list[Person]:
    """Return the members of a pinned group; nobody while it is gone from Okta."""
    try:
        return await office.directory.members(pinned) if pinned else []
    except DirectoryGone:
        return []


def _remember_role(
    session: Session, office: Office, role: str, people: list[Person], now: datetime
) -> None:
    key = EVERYBODY.format(office.name)
    known = directory.remembered(session, key)
    facts = dict(known.facts) if known else {}
    _remember(session, key, facts | {role: [person.id for person in people]}, now)


def _remember(
    session: Session, name: str, facts: dict[str, object], now: datetime
) -> None:
    session.merge(Upkeep(name=name, at=now, facts=facts))


def _to_forget(
    session: Session, office: Office, after: timedelta, now: datetime
) -> list[str]:
    """Return who held something, ended `after` ago, and was not met since."""
    waits = select(AccessRequest.grantee_id).where(
        AccessRequest.integration == office.name,
        AccessRequest.status == RequestStatus.PENDING,
    )
    holds = select(AccessGrant.grantee_id).where(
        AccessGrant.integration == office.name,
        col(AccessGrant.status).in_(LIVE) | col(AccessGrant.unsure_until).is_not(None),
    )
    ended = (
        select(AccessGrant.grantee_id)
        .join(
            OktaPerson,
            (col(OktaPerson.id) == AccessGrant.grantee_id)
            & (col(OktaPerson.integration) == AccessGrant.integration),
        )
        .where(
            AccessGrant.integration == office.name,
            col(OktaPerson.read_at) <= now - after,
            col(AccessGrant.grantee_id).not_in(waits),
            col(AccessGrant.grantee_id).not_in(holds),
        )
        .group_by(AccessGrant.grantee_id)
        .having(func.max(AccessGrant.ended_at) <= now - after)
    )
    return list(session.exec(ended))


def _forget(
    session: Session,
    office: Office,
    person_id: str,
    held: frozenset[str],
    now: datetime,
) -> bool:
    """Erase what is kept of a person; False, with the admins told, if we still may not.

    The audit stays. Who is back since is left alone.
    """
    rule = office.integration.user_cleanup
    if rule is None or person_id not in _to_forget(session, office, rule.after, now):
        return False
    given = select(AccessGrant.group_id).where(
        AccessGrant.integration == office.name, AccessGrant.grantee_id == person_id
    )
    added = session.exec(given.where(col(AccessGrant.added_at).is_not(None)))
    left = held.intersection(added)
    if left:
        tell_people(
            session,
            office.name,
            "admins",
            f"The Okta user {person_id} is in {', '.join(sorted(left))} again, "
            "added by someone else, so I keep what I know of them.",
            key=f"kept:{office.name}:{person_id}:{','.join(sorted(left))}",
            now=now,
        )
        return False
    session.delete(session.get_one(OktaPerson, (office.name, person_id)))
    link = directory.link_of_person(session, office.name, person_id)
    if link is not None:
        session.delete(session.get_one(PersonLink, _key_of(link)))
    audit.record(
        session,
        "person forgotten",
        by=BOT,
        now=now,
        integration=office.name,
        person_id=person_id,
    )
    return True


def _key_of(link: PersonLink) -> tuple[str, str, str]:
    return link.team_id, link.slack_id, link.integration
