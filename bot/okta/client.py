"""Calls to one Okta org: paced, repeated where that is safe, errors sorted.

The caller sees JSON, or one of the errors of `bot.core.words`; nothing of the
transport leaks. A read that comes in pages is complete or raises: a part of a
listing is never taken for the whole.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import stamina

from bot.core.words import DirectoryError, DirectoryRefused, DirectoryUnavailable
from bot.okta.answers import PAGING_LOST, READ_ONLY, TIMED_OUT, Answer, sort_answer
from bot.okta.pacing import Lane, Share, TooLate
from bot.okta.timing import OktaTiming
from bot.okta.tokens import Token, Tokens
from bot.okta.wire import Call, Wire, org_origin, user_agent

__all__ = ["Answer", "Lane", "OktaClient", "OktaTiming"]

Item = TypeVar("Item")

SCOPES = ("okta.groups.manage", "okta.users.read")
"""The scopes of the bot's main job."""

TRIES = 3
"""How often in all a call is sent that is safe to repeat."""

PAGE_SIZES = (200, 50)
"""Okta: "We recommend using a limit <= 200"; smaller when it times out."""

MOST_PAGES = 20_000


AGREE = timedelta(seconds=10)
"""Clocks that are no further apart than this agree."""


@dataclass
class _Sending:
    """A call in the making, and whether one of its attempts may have landed."""

    call: Call
    safe: bool
    unsure: bool = False

    def may_repeat(self, error: Exception) -> bool:
        """Whether `error` of an attempt is worth another, and that one is safe."""
        if not isinstance(error, DirectoryUnavailable) or isinstance(error, TooLate):
            return False
        if error.code == READ_ONLY or (error.status and error.status < 500):
            return False
        return self.safe or not error.landed


class OktaClient:
    """One org as one app sees it. Use it in one event loop, and close it."""

    def __init__(
        self,
        org_url: str,
        credentials_reader: Callable[[], str],
        scopes: Sequence[str] = SCOPES,
        *,
        timing: OktaTiming | None = None,
        user_agent: str = user_agent(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        transport: httpx.AsyncBaseTransport | None = None,
        share: Share = lambda: 1.0,
    ) -> None:
        """Prepare a client; nothing is read or sent yet.

        `credentials_reader` returns the secret behind the credentials, and is
        called again once when Okta no longer accepts them. `share` says how much
        of what Okta's limits leave is ours, other processes apart. Raises SettingError
        when `org_url` is not the https address of an org.
        """
        self.timing = timing or OktaTiming()
        self.clock = clock
        self.learnt: set[str] = set()  # error codes that stay true of the org
        self._wire = Wire(
            org_origin(org_url),
            timing=self.timing,
            clock=clock,
            user_agent=user_agent,
            transport=transport,
            share=share,
        )
        self._tokens = Tokens(
            self._wire,
            credentials_reader,
            tuple(scopes),
            timing=self.timing,
            clock=clock,
        )

    @property
    def skew(self) -> timedelta | None:
        """How far Okta's clock was ahead of ours at its last answer; None before."""
        return self._wire.skew

    @property
    def apart(self) -> timedelta:
        """How far Okta's clock is ahead of ours; nothing where the two agree.

        Okta says its time to the second, and an answer takes a while.
        """
        skew = self.skew or timedelta()
        return skew if abs(skew) > AGREE else timedelta()

    @property
    def origin(self) -> str:
        """The org's address, as it is called."""
        return self._wire.origin

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop asking for tokens, and close the connections."""
        await self._tokens.close()
        await self._wire.close()

    async def token(self) -> Token:
        """Return the token in use, asking for one where there is none.

        Raises SettingError with its remedy when Okta refuses the app.
        """
        return await self._tokens.token()

    async def client_id(self) -> str:
        """Return which app this asks as; SettingError where its key cannot be read."""
        return await self._tokens.client_id()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        lane: Lane = Lane.READ,
        safe: bool | None = None,
        deadline: float | None = None,
        before_send: Callable[[], None] | None = None,
    ) -> Answer:
        """Return Okta's answer to one call, in the 200s and in JSON if it has a body.

        `safe` says that repeating the call does no harm; by default only a GET
        is. `deadline` is an instant of the running loop's clock, as for
        `asyncio.timeout_at`: a call that cannot go before it raises
        DirectoryUnavailable with `landed` False. `before_send` is called right
        before each send; if it raises, nothing is sent and its error is raised.

        Raises DirectoryRefused, DirectoryGone or DirectoryUnavailable; of a
        write of which any attempt may have landed always the last, with
        `landed` True. Raises SettingError when Okta refuses the app itself.
        """
        call = Call(
            method=method,
            target=f"{path}?{httpx.QueryParams(query)}" if query else path,
            lane=lane,
            deadline=self._wire.deadline() if deadline is None else deadline,
            headers=headers or {},
            json=json,
            before_send=before_send,
        )
        return await self._send(call, safe=method == "GET" if safe is None else safe)

    async def pages(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        lane: Lane = Lane.READ,
        deadline: float | None = None,
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield the pages of a listing, one after the other, to its very end.

        Raises DirectoryUnavailable where it cannot go on: what was yielded so
        far is then not the whole. Okta: "Follow the Link header".
        """
        seen: set[str] = set()
        answer = await self.request(
            "GET", path, query=query, lane=lane, deadline=deadline
        )
        while True:
            page = objects(answer, path)
            yield page
            if answer.next is None:
                return
            target = self._next(answer, path, seen, empty=not page)
            answer = await self._follow(target, lane=lane, deadline=deadline)

    async def listing(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        read: Callable[[dict[str, Any]], Item],
        lane: Lane = Lane.READ,
        progress: Callable[[int], None] | None = None,
    ) -> list[Item]:
        """Return a whole listing, or raise: a part of it is never returned.

        Each object is kept as what `read` makes of it: a page of JSON is many
        times as large. It starts again, with smaller pages, when Okta times out
        or no longer knows where it was. `progress` is told how many there are
        so far.
        """
        first, smaller = PAGE_SIZES
        try:
            return await self._listing(path, query, first, read, lane, progress)
        except (DirectoryUnavailable, DirectoryRefused) as error:
            if error.code != TIMED_OUT and error.code not in PAGING_LOST:
                raise
        return await self._listing(path, query, smaller, read, lane, progress)

    async def _listing(
        self,
        path: str,
        query: Mapping[str, str | int] | None,
        size: int,
        read: Callable[[dict[str, Any]], Item],
        lane: Lane,
        progress: Callable[[int], None] | None,
    ) -> list[Item]:
        found: list[Item] = []
        async for page in self.pages(path, {**(query or {}), "limit": size}, lane=lane):
            found += map(read, page)
            if progress is not None:
                progress(len(found))
        return found

    async def _follow(
        self, target: str, *, lane: Lane, deadline: float | None
    ) -> Answer:
        call = Call(
            method="GET",
            target=target,
            lane=lane,
            deadline=self._wire.deadline() if deadline is None else deadline,
        )
        return await self._send(call, safe=True)

    def _next(self, answer: Answer, path: str, seen: set[str], *, empty: bool) -> str:
        """Return the target of the next page, or raise where it cannot be believed."""
        target = self._own_target(answer.next or "", path)
        if target is None:
            raise _broken(answer, f"The next page of GET {path} is somewhere else.")
        if empty or target in seen or len(seen) >= MOST_PAGES:
            raise _broken(answer, f"The pages of GET {path} come to no end.")
        seen.add(target)
        return target

    def _own_target(self, link: str, path: str) -> str | None:
        # NB. The bearer token goes with it, so a link is followed to the same
        # listing of the same org, or not at all.
        try:
            url = httpx.URL(self.origin).join(link)
        except httpx.InvalidURL:
            return None
        if _origin(url) != _origin(httpx.URL(self.origin)) or url.userinfo:
            return None
        if url.path != httpx.URL(path).path:
            return None
        return url.raw_path.decode("ascii")

    async def _send(self, call: Call, *, safe: bool) -> Answer:
        sending = _Sending(call, safe)
        try:
            return await self._repeat(sending)
        except DirectoryError as error:
            if sending.unsure and not _may_have_landed(error):
                raise _unsure(error) from error
            raise

    async def _repeat(self, sending: _Sending) -> Answer:
        waits = self.timing
        attempts = stamina.retry_context(
            on=sending.may_repeat,
            attempts=TRIES,
            timeout=None,  # the deadline of the call ends it
            wait_initial=waits.backoff,
            wait_max=waits.backoff_most,
            wait_jitter=waits.backoff,
        )
        async for attempt in attempts:
            with attempt:
                return await self._attempt(sending)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, sending: _Sending) -> Answer:
        call = sending.call
        token = await self._token_by(call.deadline)
        try:
            answer = await self._wire.send(_bearing(call, token))
            if answer.wants_new_token:
                self._tokens.discard(token)
                token = await self._token_by(call.deadline)
                answer = await self._wire.send(_bearing(call, token))
            return sort_answer(answer, str(call))
        except DirectoryUnavailable as error:
            sending.unsure |= error.landed and call.method != "GET"
            raise

    async def _token_by(self, deadline: float) -> Token:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._tokens.token()
        except TimeoutError:
            raise TooLate(
                "Okta gave no token before the deadline of this call.", landed=False
            ) from None


def objects(answer: Answer, what: str) -> list[dict[str, Any]]:
    """Return the JSON objects in the list that `answer` is, or raise."""
    data = answer.data
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise _broken(answer, f"Okta's answer to {what} is not the documented list.")
    return data


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return (url.scheme, url.host, url.port)


def _bearing(call: Call, token: Token) -> Call:
    headers = {**call.headers, "Authorization": f"Bearer {token.value}"}
    return replace(call, headers=headers)


def _broken(answer: Answer, message: str) -> DirectoryUnavailable:
    return DirectoryUnavailable(
        message, status=answer.status, request_id=answer.request_id
    )


def _may_have_landed(error: DirectoryError) -> bool:
    return isinstance(error, DirectoryUnavailable) and error.landed


def _unsure(error: DirectoryError) -> DirectoryUnavailable:
    """Return what `error` is after an attempt without an answer: not certain."""
    return DirectoryUnavailable(
        f"{error} An earlier attempt may have landed.",
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        landed=True,
        retry_after=getattr(error, "retry_after", None),
    )
