"""What people do in Slack, and what each deed leads to.

Every listener identifies who is there, commits one transaction, and answers
last. What it leaves to be done or told is rows for the worker.

    desk       who is at the door, and how each is answered
    commands   what is typed after /access
    asking     by a typed line, or by what the form holds
    form       the form to ask with; offering, what is found as one types
    answering  Approve, for less or with a reason, and Deny
    holding    Nudge, and Extend
    admin      the activity, and the forms that revoke and freeze
    ending     Cancel, End now, and what an owner says is gone
    presence   the home tab and changes of accounts
"""

import secrets
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse

from bot.core.words import StaleState
from bot.slack.copies import adopt
from bot.slack.listeners import (
    admin,
    answering,
    asking,
    commands,
    ending,
    form,
    holding,
    offering,
    presence,
)
from bot.slack.listeners.desk import Body, Desk, Listener, Reply, say, tell
from bot.slack.views import admin as admin_views
from bot.slack.views import card, home, modal, notices

__all__ = ["Desk", "register"]

ACTIONS = {
    card.APPROVE: answering.approve,
    card.LESS: answering.approve_less,
    card.DENY: answering.deny,
    notices.CANCEL: ending.cancel,
    notices.END: ending.end,
    notices.GONE: ending.settle_gone,
    notices.NUDGE: holding.nudge,
    notices.EXTEND: holding.extend,
    notices.CARRY_ON: ending.carry_on,
    notices.DISCARD: ending.discard,
    notices.KEEP: ending.keep,
    notices.MUTE: ending.mute,
    notices.AGAIN: form.ask_again,
    home.ASK: form.open_form,
    modal.GROUP: form.choose,
    admin_views.KIND: admin.turn,
    admin_views.OLDER: admin.turn,
    admin_views.NEWEST: admin.turn,
    admin_views.REVOKE: admin.open_revoke,
    admin_views.FREEZE: admin.open_freeze,
    admin_views.UNFREEZE: admin.unfreeze,
}
SHORTCUT = "request_access"
VIEWS = {
    modal.ASK: asking.submit,
    modal.DENIAL: answering.submit_denial,
    modal.APPROVAL: answering.submit_approval,
    modal.EXTENSION: holding.submit_extension,
    admin_views.REVOKING: admin.submit_revoke,
    admin_views.FREEZING: admin.submit_freeze,
}

log = structlog.get_logger(__name__)

BoltListener = Callable[..., Awaitable[BoltResponse]]


def register(app: AsyncApp, desk: Desk) -> None:
    """Let `app` listen to everything people do, on behalf of `desk`."""
    app.command(asking.COMMAND)(_answered_last(desk, commands.command))
    app.shortcut(SHORTCUT)(_answered_last(desk, form.open_form))
    app.options(modal.GROUP)(_answered_last(desk, offering.suggest))
    for callback_id, listener in VIEWS.items():
        app.view(callback_id)(_answered_last(desk, listener))
    for action_id, listener in ACTIONS.items():
        app.action(action_id)(_answered_last(desk, listener))
    app.event("app_home_opened")(_answered_last(desk, presence.open_home))
    app.event("user_change")(_answered_last(desk, presence.change_account))
    app.error(_tell_failure(desk))


def _answered_last(desk: Desk, listener: Listener) -> BoltListener:
    """Return `listener` for Bolt: it answers when all it does is committed."""

    async def listen(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        reply = await listener(desk, body)
        answered = await ack(**reply.ack)
        _tell_after(desk, body, reply)
        if body.get("message"):
            desk.later(_adopt(desk, body))
        return answered

    return listen


async def _adopt(desk: Desk, body: Body) -> None:
    await desk.write(adopt, body, desk.clock())


def _tell_failure(desk: Desk) -> BoltListener:
    """Return what answers when a listener failed: one sentence and a reference.

    NB. An exception may carry what people wrote: the log has its type and
    place, under the reference that the person is told, and nothing else of it.
    """

    async def fail(error: Exception, body: dict[str, Any]) -> BoltResponse:
        reply = say(body, _sentence(error))
        _tell_after(desk, body, reply)
        return BoltResponse(status=200, body=dict(reply.ack) or "")

    return fail


def _sentence(error: Exception) -> str:
    if isinstance(error, StaleState):
        return "Someone else was faster."
    if isinstance(error, BoltUnhandledRequestError):
        return "I do not know this button any more. Start anew with /access."
    reference = secrets.token_hex(4)
    place = traceback.extract_tb(error.__traceback__)[-1:]
    log.error(
        "listener failed",
        action="listen",
        reference=reference,
        error=type(error).__name__,
        place=[f"{frame.filename}:{frame.lineno}" for frame in place],
    )
    return (
        f"Something went wrong (reference {reference}). Please try again; if it "
        "happens again, tell an admin the reference."
    )


def _tell_after(desk: Desk, body: dict[str, Any], reply: Reply) -> None:
    if reply.told:
        desk.later(tell(desk, body, reply.told))
