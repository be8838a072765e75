"""What Okta still shows of what the bot gave, before it goes for good."""

from functools import partial

from sqlmodel import Session, col, select

from bot.app.parts import okta_of, policy_in_force
from bot.okta.directory import OktaDirectory
from bot.settings import Clock, Timing
from bot.store import evidence, queries
from bot.store.database import Database
from bot.store.tables import AccessGrant


async def still_shown(database: Database) -> list[str]:
    """Return the memberships of ended grants that Okta shows and nobody else gave.

    What was given by others before or after us is not ours, and not told.
    """
    clock, timing, found = Clock(), Timing(), []
    for integration in database.look(policy_in_force).integrations:
        pairs = database.look(partial(_given, integration=integration.name))
        async with okta_of(integration, clock, timing) as client:
            okta = OktaDirectory(client)
            for person_id in sorted(pairs):
                person = await okta.person(person_id)
                held = await okta.groups_of(person_id) if person else frozenset()
                left = held & pairs[person_id]
                for group_id in sorted(left):
                    pair = integration.name, person_id, group_id
                    who, what = database.look(queries.names, *pair)
                    found.append(f"{who} in {what}")
    return found


def _given(session: Session, integration: str) -> dict[str, set[str]]:
    """Return what we added and never saw gone, by person: what is still unsure."""
    pairs: dict[str, set[str]] = {}
    unsure = select(AccessGrant).where(
        AccessGrant.integration == integration,
        col(AccessGrant.unsure_until).is_not(None),
    )
    for grant in session.exec(unsure):
        if evidence.added_pair(session, grant) is not None:
            pairs.setdefault(grant.grantee_id, set()).add(grant.group_id)
    return pairs
