"""What every listener stands on: who is at the door, and how each is answered.

A listener is a function of the desk and Slack's body that returns a `Reply`:
the ack comes last because it is what is returned. What is to be told after it
is told by a task the desk keeps.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from sqlmodel import Session

from bot.core.words import Person, Refused
from bot.settings import Clock, Timing
from bot.slack.accounts import read_account
from bot.slack.calls import call
from bot.slack.errors import SlackError
from bot.slack.views import modal
from bot.slack.views.blocks import Block, paragraph
from bot.slack.views.text import clean, escape
from bot.store import audit, directory
from bot.store.database import Database
from bot.workflow.people import NOT_MET, NOT_NOW, identify, remember_account
from bot.workflow.reading import Office

ONCE_A_MINUTE = timedelta(minutes=1)
MOST_TURNED_AWAY = 10_000

Body = Mapping[str, Any]
P = ParamSpec("P")
T = TypeVar("T")

AT_CLICK = timedelta(seconds=1)
"""For one look at Slack before an ack: with Okta's 1.5 s it stays under 3 s."""

OTHER_TEAM = Refused("People of other workspaces cannot use this.")
NOT_FOUND = Refused("I could not look you up in Slack. Please try again in a moment.")
NOT_SERVED = Refused("The integration this was for is not served any more.")

MOST_TEXT = 3000

PASSING = (NOT_MET, NOT_NOW, NOT_FOUND, NOT_SERVED)
"""Refusals that say nothing of the person."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Reply:
    """What Slack is answered, as the ack's arguments, and what is told after it."""

    ack: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""


Listener = Callable[["Desk", Body], Awaitable[Reply]]


@dataclass(kw_only=True)
class Desk:
    """Where Slack's people come to.

    `offices` are the integrations by name; a reload puts others there. While
    `closed` holds a sentence, nobody asks or approves and is told it; what
    people hold can still be ended. `wake` wakes the worker.
    """

    database: Database
    offices: Mapping[str, Office]
    client: AsyncWebClient
    clock: Clock
    timing: Timing
    team_id: str
    wake: Callable[[], None]
    closed: str = ""
    turned_away: dict[str, datetime] = field(default_factory=dict, init=False)
    _after: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def write(
        self, f: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Commit one transaction and wake the worker for what it left."""
        result = await self.database.run(f, *args, **kwargs)
        self.wake()
        return result

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` once the answer is on its way; `finish()` waits for it."""
        task = asyncio.create_task(work)
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    async def finish(self) -> None:
        """Wait for all that is told after an ack."""
        while self._after:
            await asyncio.wait(self._after)


def user_of(body: Body) -> str:
    """Return the Slack id of who is behind a delivery: the payload's own word."""
    event = body.get("event") or {}
    user = body.get("user_id") or body.get("user") or event.get("user")
    return str(user.get("id", "") if isinstance(user, Mapping) else user or "")


def team_of(body: Body) -> str:
    """Return the team of who is behind a delivery; empty when it does not say.

    NB. `team.id` of a click is where the app is installed, also when the person
    belongs to another workspace: only the user's own team counts.
    """
    user = body.get("user")
    if isinstance(user, Mapping):
        return str(user.get("team_id") or "")
    return str(body.get("team_id") or "")


async def person_at(desk: Desk, body: Body, office: Office) -> Person | Refused:
    """Return the Okta person who is at the door, or why they may not come in.

    Guests, strangers, bots and other teams are refused here, whatever they do.
    """
    if not _is_ours(desk, body):
        return _turned_away(desk, body, OTHER_TEAM)
    (found,) = await _identify(desk, [office], user_of(body))
    return _turned_away(desk, body, found) if isinstance(found, Refused) else found


async def people_at(desk: Desk, body: Body) -> dict[str, Person] | Refused:
    """Return the person by integration; the first refusal where there is none."""
    if not _is_ours(desk, body):
        return _turned_away(desk, body, OTHER_TEAM)
    offices = list(desk.offices.values())
    found = await _identify(desk, offices, user_of(body))
    people = {
        office.name: person
        for office, person in zip(offices, found, strict=True)
        if isinstance(person, Person)
    }
    refusals = [each for each in found if isinstance(each, Refused)]
    if people:
        return people
    return _turned_away(desk, body, next(iter(refusals), NOT_SERVED))


async def meet(desk: Desk, slack_id: str) -> bool:
    """Know a Slack account as a row, asking Slack once for one never met."""
    known = await desk.database.read(directory.account, desk.team_id, slack_id)
    if known is not None:
        return True
    try:
        account = await read_account(
            desk.client, desk.team_id, slack_id, desk.clock(), within=AT_CLICK
        )
    except SlackError as error:
        log.warning("account not read", action="meet", why=str(error))
        return False
    await desk.database.run(remember_account, account)
    return True


def _turned_away(desk: Desk, body: Body, why: Refused) -> Refused:
    """Have it written down who was refused at the door, and return why.

    NB. Once a minute for each account: a flood of clicks is no flood of events.
    """
    slack_id, now = user_of(body), desk.clock()
    last = desk.turned_away.get(slack_id)
    if why not in PASSING and (last is None or now - last > ONCE_A_MINUTE):
        if len(desk.turned_away) >= MOST_TURNED_AWAY:
            desk.turned_away.clear()
        desk.turned_away[slack_id] = now
        desk.later(_note_refusal(desk, body, why))
    return why


async def _note_refusal(desk: Desk, body: Body, why: Refused) -> None:
    await desk.database.run(
        audit.record,
        "turned away",
        by=f"slack:{team_of(body)[:30]}/{user_of(body)[:30]}",
        now=desk.clock(),
        data={"door": str(body.get("type") or "command")[:30]},
        text={"reason": why.reason},
    )


def _is_ours(desk: Desk, body: Body) -> bool:
    """Tell whether a delivery is of somebody in the workspace we listen to."""
    return team_of(body) == desk.team_id and bool(user_of(body))


async def _identify(
    desk: Desk, offices: Sequence[Office], slack_id: str
) -> list[Person | Refused]:
    """Return who an account is in each of `offices`; one never met is met now."""
    found = await _as_known(desk, offices, slack_id)
    if NOT_MET not in found:
        return found
    if not await meet(desk, slack_id):
        return [NOT_FOUND for _ in offices]
    return await _as_known(desk, offices, slack_id)


async def _as_known(
    desk: Desk, offices: Sequence[Office], slack_id: str
) -> list[Person | Refused]:
    now = desk.clock()
    return await asyncio.gather(
        *(identify(office, desk.team_id, slack_id, now) for office in offices)
    )


async def open_view(desk: Desk, body: Body, view: Block) -> Reply:
    """Open a modal, the only call of the network before an ack.

    A delivery that was answered before has used its trigger: that is no error.
    """
    try:
        await call(
            desk.client.views_open,
            desk.timing.slack_call,
            trigger_id=body["trigger_id"],
            view=view,
        )
    except SlackError as error:
        log.warning("view not opened", action="open", why=str(error))
        if "exchanged_trigger_id" in str(error):
            return Reply()
        return say(body, "Slack did not open the form. Please try again.")
    return Reply()


def say(body: Body, sentence: str) -> Reply:
    """Return the answer that tells a person one sentence, wherever they are."""
    if "command" in body:
        return Reply(
            {
                "response_type": "ephemeral",
                "text": escape(clean(sentence, 2000)),
                "blocks": [paragraph(clean(sentence, 2000))],
            }
        )
    match body.get("type"):
        case "view_submission":
            return Reply({"response_action": "update", "view": modal.told(sentence)})
        case "block_suggestion":
            return Reply({"options": []})
        case "block_actions":
            return Reply(told=sentence)
    return Reply()


def show(body: Body, text: str, blocks: list[Block]) -> Reply:
    """Return the answer to a command that shows more than a sentence."""
    if "command" not in body:
        return say(body, text)
    return Reply(
        {"response_type": "ephemeral", "text": text[:MOST_TEXT], "blocks": blocks}
    )


async def tell(desk: Desk, body: Body, sentence: str) -> None:
    """Tell who clicked one sentence: where they clicked, to them alone."""
    channel = (body.get("channel") or {}).get("id")
    try:
        if channel:
            await call(
                desk.client.chat_postEphemeral,
                desk.timing.slack_call,
                channel=channel,
                user=user_of(body),
                text=escape(clean(sentence, 2000)),
                blocks=[paragraph(clean(sentence, 2000))],
            )
        else:
            await open_view(desk, body, modal.told(sentence))
    except SlackError as error:
        log.warning("person not told", action="tell", why=str(error))
