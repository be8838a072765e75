"""An access request, from asked to decided.

    asking     the wish, decided on rows, and the terms it is held to
    extending  asking for more of what is held
    routing    decided again on fresh reads, and its next step put to people
    waiting    reminders, nudges, and who is asked too as time passes
    answering  approve and deny, step by step
    approving  a complete approval: the birth of a grant, or a later end of one
    ending     cancelled, lapsed, denied by policy

Each verb is one transaction: it decides on rows, writes, and leaves what is to
be told as rows. `carry_out` is the worker's one way in.
"""

from bot.store.tables import AccessRequest
from bot.workflow.reading import Office
from bot.workflow.requests.answering import LAPSED, Reply, answer
from bot.workflow.requests.asking import (
    NOT_READ,
    Wish,
    as_asked,
    ask,
    steps_kept,
    still_allowed,
)
from bot.workflow.requests.ending import (
    DECIDED,
    NOT_AS_WRITTEN,
    cancel,
    lapse,
    refuse,
)
from bot.workflow.requests.extending import extend
from bot.workflow.requests.routing import route, steps_for
from bot.workflow.requests.waiting import nudge, pass_time

__all__ = [
    "DECIDED",
    "LAPSED",
    "NOT_AS_WRITTEN",
    "NOT_READ",
    "Reply",
    "Wish",
    "answer",
    "as_asked",
    "ask",
    "cancel",
    "carry_out",
    "extend",
    "lapse",
    "nudge",
    "refuse",
    "route",
    "steps_for",
    "steps_kept",
    "still_allowed",
]


async def carry_out(office: Office, request: AccessRequest) -> None:
    """Do what is due for a pending request: route it, remind, or let it lapse."""
    now = office.clock()
    if now >= request.lapse_at:
        await office.database.run(lapse, request, now)
    elif request.step == 0:
        await route(office, request, now)
    else:
        await pass_time(office, request, now)
