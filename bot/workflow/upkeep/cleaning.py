"""What is kept of people is forgotten some days after their last access ended."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.store import audit, directory
from bot.store.tables import AccessGrant, OktaPerson, PersonLink
from bot.workflow.notices import tell_people
from bot.workflow.reading import Office
from bot.workflow.upkeep.idle import is_idle


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


def _to_forget(
    session: Session, office: Office, after: timedelta, now: datetime
) -> list[str]:
    """Return who held something, ended `after` ago, and was not met since."""
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
            *is_idle(office.name),
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
        by="bot",
        now=now,
        integration=office.name,
        person_id=person_id,
    )
    return True


def _key_of(link: PersonLink) -> tuple[str, str, str]:
    return link.team_id, link.slack_id, link.integration
