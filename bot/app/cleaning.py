"""What clean-up would do now, for the command that shows it."""

from bot.app.parts import accounts_of, office_of, okta_of, policy_in_force
from bot.settings import Clock, Timing
from bot.store.database import Database
from bot.workflow.upkeep.accounts import Planned, preview


async def preview_cleanup(database: Database) -> list[tuple[str, Planned]]:
    """Return what is planned in each integration whose clean-up ends accounts."""
    catalogue, clock, timing = database.look(policy_in_force), Clock(), Timing()
    found: list[tuple[str, Planned]] = []
    for integration in catalogue.integrations:
        cleanup = integration.user_cleanup
        if cleanup is None or cleanup.action == "forget":
            continue
        async with okta_of(integration, clock, timing) as client:
            office = office_of(
                integration,
                client,
                database=database,
                catalogue=catalogue,
                timing=timing,
                clock=clock,
            )
            async with accounts_of(integration, clock, timing) as accounts:
                planned = await preview(office, accounts)
        found += [(integration.name, each) for each in planned]
    return found
