"""Freezing: an admin stops asking, approving, extending and what was not yet tried.

Ends go on, and people keep what they hold.
"""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from bot.store import audit, directory
from bot.store.tables import Upkeep
from bot.workflow.reading import FROZEN


class Frozen(StrEnum):
    """What can be frozen."""

    EVERYTHING = "everything"
    GROUP = "groups"
    PERSON = "people"


def frozen(session: Session) -> list[str]:
    """Return what is frozen now, each in a few words."""
    found = []
    prefix = FROZEN.format("")
    rows = session.exec(select(Upkeep).where(col(Upkeep.name).startswith(prefix)))
    for row in rows:
        name, facts = row.name.removeprefix(prefix), row.facts
        found += [f"everything in {name}"] if facts.get(Frozen.EVERYTHING) else []
        for id_ in facts.get(Frozen.GROUP, ()):
            group = directory.group(session, name, id_)
            found.append(f"the group {group.name if group else id_} in {name}")
        for id_ in facts.get(Frozen.PERSON, ()):
            person = directory.person(session, name, id_)
            found.append(f"{person.login if person else id_} in {name}")
    return found


def is_all_frozen(session: Session) -> bool:
    """Tell whether everything of any integration is frozen now."""
    prefix = FROZEN.format("")
    rows = session.exec(select(Upkeep).where(col(Upkeep.name).startswith(prefix)))
    return any(row.facts.get(Frozen.EVERYTHING) for row in rows)


def freeze(
    session: Session,
    integration: str,
    what: Frozen,
    id_: str,
    *,
    by: str,
    now: datetime,
    on: bool = True,
) -> bool:
    """Freeze, or with `on` False unfreeze; False when it is so already.

    `id_` is that of a group or person, and empty for everything.
    """
    key = FROZEN.format(integration)
    remembered = directory.remembered(session, key)
    facts = dict(remembered.facts) if remembered else {}
    if what is Frozen.EVERYTHING:
        if bool(facts.get(what)) is on:
            return False
        facts[what] = on
    else:
        ids = set(facts.get(what, ()))
        if (id_ in ids) is on:
            return False
        facts[what] = sorted(ids | {id_} if on else ids - {id_})
    directory.remember(session, key, facts, now)
    audit.record(
        session,
        "frozen" if on else "unfrozen",
        by=by,
        now=now,
        data={"what": str(what)},
        integration=integration,
        group_id=id_ if what is Frozen.GROUP else None,
        person_id=id_ if what is Frozen.PERSON else None,
    )
    return True
