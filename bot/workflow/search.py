"""What a person may ask for, found as they type, from rows alone."""

from sqlmodel import Session, col, select

from bot.core.policy import may_see
from bot.core.words import Group, Person
from bot.store import directory
from bot.store.tables import OktaGroup
from bot.workflow.reading import Office, policy_for


def groups_for(
    session: Session, office: Office, person: Person, typed: str, most: int = 100
) -> list[Group]:
    """Return groups that `person` may ask for and whose name holds `typed`.

    Names that begin with it come first, then those in which a word does.
    """
    policy = policy_for(session, office.catalogue, office.integration)
    sought = typed.strip().casefold()
    query = select(OktaGroup).where(
        OktaGroup.integration == office.name,
        col(OktaGroup.gone_at).is_(None),
        col(OktaGroup.name).icontains(sought, autoescape=True),
    )
    found = (directory.as_group(row) for row in session.exec(query))
    allowed = [group for group in found if may_see(policy, person, group)]
    return sorted(allowed, key=lambda group: _nearness(group.name, sought))[:most]


def _nearness(name: str, sought: str) -> tuple[int, str]:
    folded = name.casefold()
    words = folded.replace("_", "-").replace(" ", "-").split("-")
    if folded.startswith(sought):
        return 0, folded
    return (1 if any(word.startswith(sought) for word in words) else 2), folded
