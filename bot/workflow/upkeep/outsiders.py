"""People whom others add to a group that the bot holds: reported, and left alone.

Once a day the integration owner is told of each such group, unless they muted it.
Nobody is adopted and nobody removed: who was added by hand is somebody else's.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from bot.core.words import LIVE, DirectoryError, Person
from bot.store import audit, directory
from bot.store.tables import AccessGrant, OktaGroup, Upkeep
from bot.workflow.notices import recipients_of, tell
from bot.workflow.reading import Office

MEMBERS = "members:{}:{}"
"""What is remembered of a held group: its members, who was added by others since the
last digest, when that was, and whether it is muted."""

MOST_WATCHED = 1_000
"""A group with more members is not watched for additions."""

MOST_NAMED = 10


async def note_additions(office: Office, changed: Iterable[str], now: datetime) -> None:
    """Note who was added by others to those of the `changed` groups that are held.

    Of a group that cannot be read now nothing is noted: the next pass looks again.
    """
    held = await office.database.read(_held, office.name)
    unseen = await office.database.read(_unseen, office.name, held)
    for group_id in sorted((held & set(changed)) | unseen):
        try:
            members = await office.directory.members(group_id, MOST_WATCHED + 1)
        except DirectoryError:
            continue
        if len(members) <= MOST_WATCHED:
            await office.database.run(_note, office, group_id, members, now)


def send_digests(session: Session, office: Office, now: datetime) -> None:
    """Tell the owner, once a day, of each group that others added people to."""
    rows = session.exec(
        select(Upkeep).where(
            col(Upkeep.name).startswith(MEMBERS.format(office.name, ""))
        )
    ).all()
    for row in rows:
        added = row.facts.get("added") or []
        since = datetime.fromisoformat(row.facts["since"])
        if not added or now - since < office.timing.day:
            continue
        group_id = row.name.rpartition(":")[2]
        if not row.facts.get("muted"):
            _tell(session, office, group_id, added, now)
        row.facts = row.facts | {"added": [], "since": now.isoformat()}
        session.add(row)


def mute(
    session: Session, integration: str, group_id: str, *, by: str, now: datetime
) -> bool:
    """Report additions to a group no more; False where they are not reported."""
    row = session.get(Upkeep, MEMBERS.format(integration, group_id))
    if row is None or row.facts.get("muted"):
        return False
    row.facts = row.facts | {"muted": True}
    session.add(row)
    audit.record(
        session, "muted", by=by, now=now, integration=integration, group_id=group_id
    )
    return True


def is_heard(session: Session, integration: str, group_id: str) -> bool:
    """Tell whether additions to a group are reported."""
    row = session.get(Upkeep, MEMBERS.format(integration, group_id))
    return row is not None and not row.facts.get("muted")


def _held(session: Session, integration: str) -> set[str]:
    live = select(AccessGrant.group_id).where(
        AccessGrant.integration == integration, col(AccessGrant.status).in_(LIVE)
    )
    return set(session.exec(live))


def _unseen(session: Session, integration: str, held: set[str]) -> set[str]:
    return {
        group_id
        for group_id in held
        if session.get(Upkeep, MEMBERS.format(integration, group_id)) is None
    }


def _note(
    session: Session,
    office: Office,
    group_id: str,
    members: list[Person],
    now: datetime,
) -> None:
    """Keep who is in a group; who is new there and not by us was added outside."""
    key, ids = MEMBERS.format(office.name, group_id), {each.id for each in members}
    row = session.get(Upkeep, key)
    if row is None:
        facts = {"members": sorted(ids), "added": [], "since": now.isoformat()}
        directory.remember(session, key, facts, now)
        return
    ours = set(
        session.exec(
            select(AccessGrant.grantee_id).where(
                AccessGrant.integration == office.name,
                AccessGrant.group_id == group_id,
                col(AccessGrant.added_at).is_not(None)
                | col(AccessGrant.status).in_(LIVE),
            )
        )
    )
    new = ids - set(row.facts["members"]) - ours
    added = set(row.facts.get("added") or ()) & ids | new
    if new and not row.facts.get("added"):
        row.facts = row.facts | {"since": now.isoformat()}
    row.facts = row.facts | {"members": sorted(ids), "added": sorted(added)}
    row.at = now
    session.add(row)
    directory.remember_names(
        session, office.name, [each for each in members if each.id in new], now
    )


def _tell(
    session: Session, office: Office, group_id: str, added: list[str], now: datetime
) -> None:
    group = session.get(OktaGroup, (office.name, group_id))
    people = [directory.person(session, office.name, each) for each in added]
    names = [person.login if person else "?" for person in people][:MOST_NAMED]
    more = len(added) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    said = (
        f"Added to “{group.name if group else group_id}” in Okta since yesterday, not "
        f"by me: {listed}. I leave them as they are."
    )
    facts = {"text": said, "integration": office.name, "group": group_id}
    for recipient in recipients_of(session, office.name, "owner"):
        key = f"outside:{office.name}:{group_id}:{now:%Y-%m-%d}:{recipient}"
        tell(session, "outside", recipient, key=key, now=now, facts=facts)
