"""The groups of the org into rows: whole now and then, and by what changed between.

A listing is believed whole or not at all, and only a whole one tells which
groups are gone. What is read of a group replaces no later reading of it. What is
worked out over a whole listing is worked out before it is written: everybody who
writes would wait for it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.core.owners import attribute_values
from bot.core.policy import Policy, is_about
from bot.core.words import LIVE, DirectoryError, Group
from bot.store import directory
from bot.store.tables import AccessGrant, OktaGroup
from bot.workflow.groups import keep_groups
from bot.workflow.notices import tell_people
from bot.workflow.reading import KNOWN, OWNER_GROUPS, Office, policy_for
from bot.workflow.upkeep.meeting import meet_roles
from bot.workflow.upkeep.pinning import pin_names

SHRUNK_TO = 0.5
"""A listing with a smaller share of the groups than this is not believed."""

OVERLAP = timedelta(minutes=5)
"""How far a reading of changes goes back before the last one began."""

AT_ONCE = 250
"""How many groups are written in one transaction: others wait meanwhile."""

MOST_HELD = 50
"""How many held groups are read anew beside those that changed."""

DISCOVERED = "discovered:{}"
CHANGED = "changes discovered:{}"
"""What is remembered of an integration: when the last reading of each kind began, on
Okta's clock, by which the changes since are asked for."""


async def discover(
    office: Office,
    *,
    believe_fewer: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int | None:
    """Read all of the org's groups, names of authority and their people into rows.

    Returns how many groups may be known. A reading that fails raises, and one
    that shrank too much is dropped unless `believe_fewer`, and None: the old
    picture stays, and the admins are told. `progress` is told how many were read
    so far.
    """
    began = office.clock()
    listed = await _listed(office, progress, began)
    groups = [g for g in listed if office.integration.discovery.fits(g.name)]
    if not believe_fewer and await _shrank(office, len(groups), began):
        return None
    await _keep(office, groups, began)
    await _end_listing(office, groups, began)
    await pin_names(office, began)
    await meet_roles(office, began)
    await _remember(office, DISCOVERED, began)
    await office.database.read(_map_flows, office)
    return len(groups)


async def discover_changes(office: Office) -> int:
    """Read the groups that changed lately, and those that are held, into rows.

    Returns how many. Does nothing before the first whole reading; one that
    fails raises, and the next goes back as far.
    """
    began = office.clock()
    since = await office.database.read(_last_reading, office.name)
    if since is None:
        return 0
    changed = await office.directory.guarded_groups(since - OVERLAP)
    groups = await office.database.read(_of_interest, office, changed)
    groups += await _held(office, {group.id for group in groups})
    await _keep(office, groups, began)
    await _remember(office, CHANGED, began)
    await office.database.read(_map_flows, office)
    return len(groups)


async def _listed(
    office: Office, progress: Callable[[int], None] | None, now: datetime
) -> list[Group]:
    """Return all groups, or raise with the admins told, once a day."""
    try:
        return await office.directory.guarded_groups(None, progress)
    except DirectoryError as error:
        await office.database.run(_tell_unread, office, error, now)
        raise


async def _keep(office: Office, groups: Sequence[Group], now: datetime) -> None:
    """Keep what was read, some at a time, those that carry authority known first."""
    owners = await office.database.read(_owner_groups, office, groups)
    if owners:
        await office.database.run(_add_owner_groups, office, owners, now)
    for at in range(0, len(groups), AT_ONCE):
        some = groups[at : at + AT_ONCE]
        await office.database.run(keep_groups, office, some, now)


async def _held(office: Office, known: set[str]) -> list[Group]:
    """Return the held groups as they are now, less those `known` and gone."""
    ids = await office.database.read(_held_ids, office.name, known)
    read = [await office.directory.guarded_group(id_) for id_ in ids]
    return [group for group in read if group is not None]


async def _remember(office: Office, name: str, began: datetime) -> None:
    name, at = name.format(office.name), began + office.directory.skew()
    await office.database.run(directory.remember, name, {}, at)


def _tell_unread(
    session: Session, office: Office, error: DirectoryError, now: datetime
) -> None:
    tell_people(
        session,
        office.name,
        "admins",
        f"I could not read the groups of {office.name}, so I keep the old picture: "
        f"{error}",
        key=f"unread:{office.name}:{now:%Y-%m-%d}",
        now=now,
    )


async def _shrank(office: Office, found: int, now: datetime) -> bool:
    """Tell whether a listing is too short to be believed; the admins are told."""
    known = await office.database.read(_count_known, office)
    if found >= known * SHRUNK_TO:
        return False
    await office.database.run(_tell_shrunk, office, known, found, now)
    return True


def _count_known(session: Session, office: Office) -> int:
    names = session.exec(
        select(OktaGroup.name).where(
            OktaGroup.integration == office.name, col(OktaGroup.gone_at).is_(None)
        )
    )
    return sum(office.integration.discovery.fits(name) for name in names)


def _tell_shrunk(
    session: Session, office: Office, known: int, found: int, now: datetime
) -> None:
    tell_people(
        session,
        office.name,
        "admins",
        f"Okta listed {found} groups where {known} were known, so I keep the old "
        "picture. Check the admin role of the bot's Okta app; if so many are really "
        "gone, run: access-bot sync --believe-fewer",
        key=f"shrank:{office.name}:{known}:{found}:{now:%Y-%m-%d}",
        now=now,
    )


async def _end_listing(office: Office, groups: list[Group], now: datetime) -> None:
    """Take a complete listing for what is there, and whom attributes name today."""
    owners = await asyncio.to_thread(_named_as_owners, office, groups)
    await office.database.run(_keep_listing, office, owners, now)
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    fit = await asyncio.to_thread(_fit_automatic, policy, groups)
    await office.database.run(_know_automatic, office, fit, now)


def _keep_listing(
    session: Session, office: Office, owners: set[str], now: datetime
) -> None:
    directory.forget_unlisted(session, office.name, now)
    _remember_owner_groups(session, office, owners, now)


def _named_as_owners(office: Office, groups: Sequence[Group]) -> set[str]:
    """Return what owner attributes name, with the ids of all that are called so."""
    ids: dict[str, set[str]] = {}
    for group in groups:
        ids.setdefault(group.name, set()).add(group.id)
    named = _owner_values(office, groups)
    return named.union(*(ids.get(value, ()) for value in named))


def _fit_automatic(policy: Policy, groups: Iterable[Group]) -> dict[str, str]:
    """Return the names of the groups that an automatic flow is about, by id."""
    flows = [each for each in policy.flows if each.is_automatic or each.automatic_when]
    return {
        group.id: group.name
        for group in groups
        if any(is_about(policy, flow.groups, group) for flow in flows)
    }


def _know_automatic(
    session: Session, office: Office, fit: Mapping[str, str], now: datetime
) -> None:
    """Keep which groups may be given without an approver; tell of those that wait.

    NB. Else whoever names a group in Okta, and not who wrote the file, would decide
    that it is given by itself. They are those that were there when a file came in
    force; one that is new or renamed since waits until an admin changes the file.
    """
    key = KNOWN.format(office.name)
    before = directory.remembered(session, key)
    facts = before.facts if before else {}
    if facts.get("file") != office.catalogue.hash:
        kept = {"file": office.catalogue.hash, "groups": sorted(fit)}
        directory.remember(session, key, kept, now)
        return
    for id_ in sorted(fit.keys() - set(facts["groups"])):
        tell_people(
            session,
            office.name,
            "admins",
            f"“{fit[id_]}” fits an automatic flow and was not there when access.yaml "
            "came in force. Each request for it is put to you, until you put a changed "
            "access.yaml in force.",
            key=f"slipped:{office.name}:{id_}:{office.catalogue.hash}",
            now=now,
        )


def _owner_groups(
    session: Session, office: Office, groups: Sequence[Group]
) -> set[str]:
    """Return what these name as owners beyond what is known to be one."""
    met = _met_owners(session, office)
    owners = _owner_values(office, groups) - met
    for value in tuple(owners):
        called = directory.groups_called(session, office.name, value)
        owners.update(group.id for group in called)
    both = owners | met
    owners.update(group.id for group in groups if group.name in both)
    return owners - met


def _add_owner_groups(
    session: Session, office: Office, owners: set[str], now: datetime
) -> None:
    """Know these as groups that own others, before anyone can ask for one."""
    met = _met_owners(session, office)
    _remember_owner_groups(session, office, met | owners, now)


def _met_owners(session: Session, office: Office) -> set[str]:
    remembered = directory.remembered(session, OWNER_GROUPS.format(office.name))
    return set(remembered.facts.get("groups", ())) if remembered else set()


def _owner_values(office: Office, groups: Iterable[Group]) -> set[str]:
    """Return the names and ids of groups that the owner attributes of these hold."""
    return {
        value
        for mapping in office.integration.resource_owner
        if mapping.attribute == "group"
        for group in groups
        for value in attribute_values(group, mapping.key)
    }


def _remember_owner_groups(
    session: Session, office: Office, owners: set[str], now: datetime
) -> None:
    key = OWNER_GROUPS.format(office.name)
    directory.remember(session, key, {"groups": sorted(owners)}, now)


def _last_reading(session: Session, integration: str) -> datetime | None:
    """Return when the last reading began; None before the first whole one."""
    whole = directory.remembered(session, DISCOVERED.format(integration))
    changes = directory.remembered(session, CHANGED.format(integration))
    if whole is None:
        return None
    return max(whole.at, changes.at) if changes else whole.at


def _of_interest(session: Session, office: Office, changed: list[Group]) -> list[Group]:
    """Return those that may be known, and those that are, whatever they are called."""
    fits = office.integration.discovery.fits
    return [
        group
        for group in changed
        if fits(group.name) or directory.group(session, office.name, group.id)
    ]


def _held_ids(session: Session, integration: str, apart_from: set[str]) -> list[str]:
    """Return the ids of held groups, those that were not read for longest first."""
    held = (
        select(OktaGroup.id)
        .join(
            AccessGrant,
            (col(AccessGrant.group_id) == OktaGroup.id)
            & (col(AccessGrant.integration) == OktaGroup.integration),
        )
        .where(OktaGroup.integration == integration, col(AccessGrant.status).in_(LIVE))
        .group_by(OktaGroup.id)
        .order_by(func.min(OktaGroup.read_at))
    )
    ids = [id_ for id_ in session.exec(held) if id_ not in apart_from]
    return ids[:MOST_HELD]


def _map_flows(session: Session, office: Office) -> None:
    """Have the sets of the typeahead ready before somebody types."""
    policy = policy_for(session, office.catalogue, office.integration)
    office.flow_maps.of(session, policy)
