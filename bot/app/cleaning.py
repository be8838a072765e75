"""What clean-up would do now, for the command that shows it."""

from bot.app.parts import accounts_of, policy_in_force, visit
from bot.store.database import Database
from bot.workflow.upkeep.accounts import Planned, preview


async def preview_cleanup(database: Database) -> list[tuple[str, Planned]]:
    """Return what is planned in each integration whose clean-up ends accounts."""
    catalogue = database.look(policy_in_force)
    found: list[tuple[str, Planned]] = []
    for integration in catalogue.integrations:
        cleanup = integration.user_cleanup
        if cleanup is None or cleanup.action == "forget":
            continue
        async with (
            visit(database, catalogue, integration) as office,
            accounts_of(integration, office.clock, office.timing) as accounts,
        ):
            planned = await preview(office, accounts)
        found += [(integration.name, each) for each in planned]
    return found
