"""An access request, from asked to decided.

    asking     the wish, decided on rows, and the terms it is held to
    routing    decided again on fresh reads, and put to those who own the group
    answering  approve and deny, and the birth of the grant
    ending     cancelled, lapsed, denied by policy

Each verb is one transaction: it decides on rows, writes, and leaves what is to
be told as rows. `carry_out` is the worker's one way in.
"""

from bot.store import claims
from bot.store.tables import AccessRequest
from bot.workflow.reading import Office
from bot.workflow.requests.answering import LAPSED, Reply, answer
from bot.workflow.requests.asking import NOT_READ, Wish, ask, still_allowed
from bot.workflow.requests.ending import (
    DECIDED,
    NOT_AS_WRITTEN,
    POLICY,
    cancel,
    lapse,
    refuse,
)
from bot.workflow.requests.routing import route, routed_rung

__all__ = [
    "DECIDED",
    "LAPSED",
    "NOT_AS_WRITTEN",
    "NOT_READ",
    "POLICY",
    "Reply",
    "Wish",
    "answer",
    "ask",
    "cancel",
    "carry_out",
    "lapse",
    "refuse",
    "route",
    "routed_rung",
    "still_allowed",
]


async def carry_out(office: Office, request: AccessRequest) -> None:
    """Do what is due for a pending request: route it, or let it lapse."""
    now = office.clock()
    if now >= request.lapse_at:
        await office.database.run(lapse, request, now)
    elif request.step == 0:
        await route(office, request, now)
    else:
        await office.database.run(claims.put_back, request, request.lapse_at)
