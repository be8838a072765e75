"""The loop that changes Okta: ends first, and never behind Slack."""

from functools import partial

from sqlmodel import col

from bot.app.parts import Parts
from bot.core.words import GrantStatus
from bot.engine.worker import AT_ONCE, Line, StillHeld, Worker
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow import grants, requests

ROOM_FOR_ENDS = 2
"""Places that giving and routing never take from taking away."""


def okta_worker(parts: Parts) -> Worker:
    """Return the loop. Revoke-only, it does nothing but end what is held."""
    carry_out_grant = partial(_carry_out_grant, parts)
    gives = col(AccessGrant.status) == GrantStatus.GRANTING
    ends = Line(table=AccessGrant, carry_out=carry_out_grant, only=[~gives])
    if parts.revoke_only:
        return parts.worker("okta", [ends])
    others = AT_ONCE - ROOM_FOR_ENDS
    given = Line(
        table=AccessGrant, carry_out=carry_out_grant, only=[gives], at_once=others
    )
    asked = Line(
        table=AccessRequest,
        carry_out=partial(_carry_out_request, parts),
        at_once=others,
    )
    return parts.worker("okta", [ends, given, asked])


async def _carry_out_grant(
    parts: Parts, grant: AccessGrant, still_held: StillHeld
) -> None:
    await grants.carry_out(parts.office(grant.integration), grant, still_held)


async def _carry_out_request(
    parts: Parts, request: AccessRequest, _still_held: StillHeld
) -> None:
    await requests.carry_out(parts.office(request.integration), request)
