"""A grant, from approved to proven ended.

    giving  the intent, the add, the reading back
    bursts  ends that would come at one time, spread over the minutes before
    ending  what people, the clock and distrust move to where it is removed
    mistrust  whether what lives is as it was written
    taking  the removal, its proof, and the watch for what may still land

Intent, effect, outcome: what is about to be done is committed, Okta is called,
what happened is committed. A crash at any point leaves a row that says what to
do next.

NB. Nothing is given on a row that is not as it was written, and nothing is
removed that the chain does not say we added.
"""

from bot.core.words import GrantStatus
from bot.store.tables import AccessGrant
from bot.workflow.grants.bursts import finish_of
from bot.workflow.grants.ending import give_back, pass_time, settle_gone
from bot.workflow.grants.giving import give
from bot.workflow.grants.mistrust import end_unconfirmed, look_after, look_for_lost
from bot.workflow.grants.taking import StillHeld, is_shown, take, watch
from bot.workflow.reading import Office
from bot.workflow.warnings import next_due, warnings

__all__ = [
    "StillHeld",
    "carry_out",
    "end_unconfirmed",
    "finish_of",
    "give_back",
    "is_shown",
    "look_after",
    "look_for_lost",
    "next_due",
    "settle_gone",
    "warnings",
]


async def carry_out(office: Office, grant: AccessGrant, still_held: StillHeld) -> None:
    """Do what is due for `grant`, and commit what happened.

    Raises DirectoryError when Okta did not do its part: the row stays as it
    is, to be tried again. Raises StaleState when someone else acted first.
    """
    match grant.status:
        case GrantStatus.GRANTING:
            await give(office, grant, still_held)
        case GrantStatus.ACTIVE:
            if await office.database.run(pass_time, grant, office.clock()):
                await take(office, grant, still_held)
        case GrantStatus.REVOKING:
            await take(office, grant, still_held)
        case GrantStatus.REVOKED | GrantStatus.FAILED:
            await watch(office, grant, still_held)
