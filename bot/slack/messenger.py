"""Carries out notices: posts them, draws them again, and writes that it did.

The row is the truth and the message a picture of it, loaded just before it is
sent. A post without an answer may have arrived and is sent again: at least
once, and at most once more.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import stamina
import structlog
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from bot.core.words import RequestStatus
from bot.settings import Clock, Timing
from bot.slack.calls import Method, call, name_of
from bot.slack.copies import marked
from bot.slack.errors import SlackRefused, SlackSaidNo, SlackUnavailable
from bot.slack.loading import load
from bot.slack.pacing import Pace
from bot.slack.pictures import AboutGrant, AboutRequest, Alert, Dropped, Home
from bot.slack.views import draw, home
from bot.store import notices, queries
from bot.store.database import Database
from bot.store.tables import AccessRequest, Notice, SlackAccount
from bot.workflow.notices import show_home, slack_of, tell, tell_people
from bot.workflow.reading import Office

StillHeld = Callable[[], None]
"""Raises StaleState when the claim has run out: asked just before sending."""

CHANNELS = ("C", "G")
"""What the id of a channel begins with."""

SHARED = (
    *("is_ext_shared", "is_pending_ext_shared", "is_shared", "is_org_shared"),
    "is_archived",
)

SOON = timedelta(milliseconds=300)
"""After how long it is seen whether what goes first has gone."""

MOST_TRIES = 5

AT_ROWS = 1
"""How many messages read or write rows at a time. Twenty cards are drawn again on
a click: what the click gives must not wait behind them for a reader or the writer."""

log = structlog.get_logger(__name__)


class Messenger:
    """Sends what rows say people are to be told.

    `offices` are the integrations by name; a reload puts others there.
    """

    def __init__(
        self,
        database: Database,
        client: AsyncWebClient,
        offices: Mapping[str, Office],
        clock: Clock,
        timing: Timing,
    ) -> None:
        self.offices = offices
        self._database = database
        self._client = client
        self._clock = clock
        self._timing = timing
        self._closed_until: dict[str, datetime] = {}
        self._pace = Pace()
        self._rows = asyncio.Semaphore(AT_ROWS)

    async def carry_out(self, notice: Notice, still_held: StillHeld) -> None:
        """Show `notice` in Slack as its row is now, and commit that it was shown.

        Raises SlackUnavailable (try again), SlackRefused (our token is no good)
        or StaleState (another worker has it). What Slack refuses for good, and
        a warning that would come too late, is dropped.
        """
        async with self._rows:
            loaded = await self._database.read(
                load, self.offices, notice, self._clock()
            )
        if isinstance(loaded, Dropped):
            await self._drop(notice, loaded.why)
            return
        if notice.ts is None and await self._database.read(_is_behind, notice):
            raise SlackUnavailable("what they were told before goes first", SOON)
        try:
            barred = await self._barred(notice, still_held)
            if barred:
                await self._fall_back(notice, barred)
                return
            sent = await self._show(notice, loaded.picture, still_held)
        except SlackSaidNo as error:
            if notice.ts is None and notice.recipient[:1] in CHANNELS:
                await self._fall_back(notice, f"Slack says {error.code}")
            else:
                await self._drop(notice, error.code)
            return
        # It was shown: a database that is locked now must not have it shown again.
        async for attempt in stamina.retry_context(on=DBAPIError, attempts=4):
            with attempt:
                async with self._rows:
                    await self._database.run(
                        _settle, notice, loaded.version, sent, now=self._clock()
                    )

    async def _barred(self, notice: Notice, still_held: StillHeld) -> str:
        """Return why a channel may not get a card; nothing where it may.

        NB. What is asked for, and why, is nobody else's: a channel that another
        company reads gets nothing, nor does one of which it cannot be told.
        """
        if notice.ts is not None or notice.recipient[:1] not in CHANNELS:
            return ""
        try:
            told = await self._call(
                self._client.conversations_info, still_held, channel=notice.recipient
            )
        except (SlackSaidNo, SlackRefused) as error:
            return f"Slack does not let me see it ({error})"
        if told["channel"].get("is_member") is not True:
            return "I am not in it"
        shared = [flag for flag in SHARED if told["channel"].get(flag)]
        return f"it is {shared[0].removeprefix('is_')}" if shared else ""

    async def _fall_back(self, notice: Notice, why: str) -> None:
        """Send the card to each approver instead of the channel; tell the admins."""
        log.warning("channel gets no card", action="post", why=why)
        await self._database.run(_to_approvers, notice, why, self._clock())

    async def _show(
        self,
        notice: Notice,
        picture: AboutRequest | AboutGrant | Alert | Home,
        still_held: StillHeld,
    ) -> Mapping[str, Any]:
        if isinstance(picture, Home):
            view = home.draw(picture)
            await self._call(
                self._client.views_publish,
                still_held,
                user_id=notice.recipient,
                view=view,
            )
            return {}
        text, blocks = draw(picture)
        message = {"text": text, "blocks": marked(blocks, notice.id)}
        if notice.ts is None:
            thread = picture.thread if isinstance(picture, AboutRequest) else None
            message |= {"thread_ts": thread} if thread else {}
            return await self._post(notice.recipient, message, still_held)
        return await self._call(
            self._client.chat_update,
            still_held,
            channel=notice.channel,
            ts=notice.ts,
            **message,
        )

    async def _post(
        self, recipient: str, message: Mapping[str, Any], still_held: StillHeld
    ) -> Mapping[str, Any]:
        wait = self._pace.take(recipient, self._clock())
        if wait:
            raise SlackUnavailable("one message a second to a channel", wait)
        return await self._call(
            self._client.chat_postMessage,
            still_held,
            channel=recipient,
            unfurl_links=False,
            unfurl_media=False,
            **message,
        )

    async def _call(
        self, method: Method, still_held: StillHeld, **arguments: Any
    ) -> Mapping[str, Any]:
        """Call `method`, unless Slack told us to leave it alone for a while."""
        name, now = name_of(method), self._clock()
        closed_until = self._closed_until.get(name, now)
        if closed_until > now:
            raise SlackUnavailable(f"{name}: told to wait", closed_until - now)
        still_held()
        try:
            return await call(method, self._timing.slack_call, **arguments)
        except SlackUnavailable as error:
            if error.retry_after is not None:
                self._closed_until[name] = self._clock() + error.retry_after
            raise

    async def _drop(self, notice: Notice, why: str) -> None:
        log.warning(
            "notice dropped", action="drop", notice=notice.id, kind=notice.kind, why=why
        )
        await self._database.run(_let_go, notice, why, self._clock())


def _is_behind(session: Session, notice: Notice) -> bool:
    """Tell whether its reader is still to be sent what was to be told before.

    One that Slack keeps refusing holds up nobody for long.
    """
    earlier = select(Notice.id).where(
        Notice.recipient == notice.recipient,
        col(Notice.id) < notice.id,
        col(Notice.due_at).is_not(None),
        col(Notice.ts).is_(None),
        col(Notice.dropped).is_(None),
        Notice.kind != "home",
        Notice.tries < MOST_TRIES,
    )
    return session.exec(earlier.limit(1)).first() is not None


def _let_go(session: Session, notice: Notice, why: str, now: datetime) -> None:
    """Drop `notice`; where nobody else has a card of its request, that is told."""
    notices.drop(session, notice, why)
    if notice.kind != "card" or notice.ts is not None:
        return
    request = session.get_one(AccessRequest, notice.request_id)
    if request.status is not RequestStatus.PENDING or _has_card(session, request):
        return
    who, what = queries.names_of(session, request)
    said = (
        f"{who} asks for {what}, and nobody who may answer could be told in Slack "
        f"({why}). It waits until {request.lapse_at:%d %B, %H:%M} UTC: "
        "name an approver in access.yaml who is in Slack, and have them ask again."
    )
    key = f"untold:{request.id}"
    tell_people(session, request.integration, "owner", said, key=key, now=now)


def _has_card(session: Session, request: AccessRequest) -> bool:
    cards = select(Notice.id).where(
        Notice.request_id == request.id,
        Notice.kind == "card",
        col(Notice.dropped).is_(None),
    )
    return session.exec(cards.limit(1)).first() is not None


def _to_approvers(session: Session, notice: Notice, why: str, now: datetime) -> None:
    notices.drop(session, notice, why)
    request = session.get_one(AccessRequest, notice.request_id)
    if notice.kind != "card" or request.status is not RequestStatus.PENDING:
        return
    for person_id in request.routing.get("people", ())[: request.terms.get("told")]:
        slack_id = slack_of(session, request.integration, person_id)
        if slack_id is not None:
            key = f"card:{request.id}:{slack_id}"
            tell(session, "card", slack_id, key=key, now=now, request=request)
    said = (
        f"The channel {notice.recipient} of “{request.flow}” gets no cards: {why}. "
        "They go to each approver until that is mended."
    )
    key = f"channel:{notice.recipient}:{now:%Y-%m-%d}"
    tell_people(session, request.integration, "admins", said, key=key, now=now)


def _settle(
    session: Session,
    notice: Notice,
    version: int,
    sent: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write that `notice` was shown; what its reader sees at home may be old now."""
    notices.shown(
        session,
        notice,
        version=version,
        channel=sent.get("channel", notice.channel),
        ts=sent.get("ts", notice.ts),
        now=now,
    )
    if notice.grant_id is not None or notice.request_id is not None:
        _freshen_home(session, notice.recipient, now)


def _freshen_home(session: Session, slack_id: str, now: datetime) -> None:
    """Draw the home tab again of someone who has opened it before."""
    opened = session.exec(
        select(SlackAccount.slack_id).where(
            SlackAccount.slack_id == slack_id,
            col(SlackAccount.opened_home_at).is_not(None),
        )
    ).first()
    if opened is not None:
        show_home(session, slack_id, now)
