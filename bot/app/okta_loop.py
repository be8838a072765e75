"""The loop that changes Okta: removals first, and never behind Slack."""

from functools import partial

from sqlalchemy import case
from sqlmodel import col

from bot.app.parts import Parts
from bot.core.words import GrantStatus
from bot.engine.worker import Line, StillHeld, Worker
from bot.store.tables import AccessGrant, AccessRequest
from bot.workflow import grants, requests


def okta_worker(parts: Parts) -> Worker:
    """Return the loop that changes Okta: removals first, and never behind Slack."""
    status = col(AccessGrant.status)
    ends_first = case(
        (status == GrantStatus.REVOKING, 0), (status == GrantStatus.ACTIVE, 1), else_=2
    )
    giving = [status != GrantStatus.GRANTING] if parts.revoke_only else []
    lines = [
        Line(
            table=AccessGrant,
            carry_out=partial(_carry_out_grant, parts),
            only=giving,
            first=[ends_first],
        )
    ]
    if not parts.revoke_only:
        carry_out = partial(_carry_out_request, parts)
        lines.append(Line(table=AccessRequest, carry_out=carry_out))
    return parts.worker("okta", lines)


async def _carry_out_grant(
    parts: Parts, grant: AccessGrant, still_held: StillHeld
) -> None:
    await grants.carry_out(parts.office(grant.integration), grant, still_held)


async def _carry_out_request(
    parts: Parts, request: AccessRequest, _still_held: StillHeld
) -> None:
    await requests.carry_out(parts.office(request.integration), request)
