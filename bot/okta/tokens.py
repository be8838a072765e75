"""The access token: asked for once, shared by all, renewed ahead of its end.

Each documented refusal of Okta's token endpoint becomes one sentence with its
remedy. The token and the assertion are in no log and no error.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.core.words import DirectoryUnavailable
from bot.okta.answers import Answer
from bot.okta.credentials import Credentials
from bot.okta.pacing import Lane
from bot.okta.refusals import remedy_for
from bot.okta.timing import OktaTiming
from bot.okta.wire import Call, Wire

PATH = "/oauth2/v1/token"

_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
_LATER = frozenset({"temporarily_unavailable", "server_error"})
"""Refusals that ask to be repeated, the first of them with status 400."""


@dataclass(frozen=True)
class Token:
    """An access token, good until `ends_at` of the loop's clock."""

    value: str = field(repr=False)
    renew_at: float
    ends_at: float
    scopes: frozenset[str]


class Tokens:
    """Gives every caller the same token, and asks Okta for it once."""

    def __init__(
        self,
        wire: Wire,
        credentials_reader: Callable[[], str],
        scopes: tuple[str, ...],
        *,
        timing: OktaTiming,
        clock: Callable[[], datetime],
    ) -> None:
        self._wire = wire
        self._read = credentials_reader
        self._scopes = scopes
        self._timing = timing
        self._clock = clock
        self._skew = timedelta(0)
        self._text: str | None = None
        self._credentials: Credentials | None = None
        self._token: Token | None = None
        self._asking: asyncio.Task[Token] | None = None

    async def token(self) -> Token:
        """Return a token that is good now.

        Raises SettingError when Okta refuses the app, DirectoryUnavailable
        (nothing landed) when it cannot answer.
        """
        now = asyncio.get_running_loop().time()
        current = self._token
        if current is None or now >= current.ends_at:
            return await asyncio.shield(self._ask_once())
        if now >= current.renew_at:
            self._ask_once()
        return current

    async def client_id(self) -> str:
        """Return the client id beside the key; SettingError where there is none."""
        return (self._credentials or await self._load()).client_id

    def discard(self, token: Token) -> None:
        """Okta no longer takes `token`: the next caller gets another one."""
        if self._token is token:
            self._token = None

    async def close(self) -> None:
        """Give up asking, if a token is being asked for."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _ask_once(self) -> asyncio.Task[Token]:
        """Return the asking under way, or begin one."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        return self._asking

    def _asked(self, task: asyncio.Task[Token]) -> None:
        self._asking = None
        # A failure nobody waits for is met again by the next caller.
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    async def _ask(self) -> Token:
        """Ask; on invalid_client mend the clock, then the key, once each."""
        answer = await self._exchange()
        if _invalid_client(answer) and self._set_clock(answer):
            answer = await self._exchange()
        if _invalid_client(answer) and await self._read_again():
            answer = await self._exchange()
        return self._token_of(answer)

    async def _exchange(self) -> Answer:
        """Send one assertion of its own: Okta burns each with its request."""
        credentials = self._credentials or await self._load()
        now = self._clock() + self._skew
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(self._scopes),
            "client_assertion_type": (
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            ),
            "client_assertion": credentials.assertion(self._wire.origin + PATH, now),
        }
        try:
            return await self._wire.send(
                Call(
                    method="POST",
                    target=PATH,
                    lane=Lane.REVOKE,
                    deadline=self._wire.deadline(),
                    form=form,
                )
            )
        except DirectoryUnavailable as error:
            raise _no_token(str(error), error.retry_after) from error

    async def _load(self) -> Credentials:
        """Read and parse the key: seldom, and off the loop, which it would block."""
        text = await asyncio.to_thread(self._read)
        credentials = await asyncio.to_thread(Credentials.parse, text)
        self._text, self._credentials = text, credentials
        return credentials

    async def _read_again(self) -> bool:
        """Return whether the secret reference now holds another key."""
        before = self._text
        await self._load()
        return self._text != before

    def _set_clock(self, answer: Answer) -> bool:
        """Return whether our clock was found wrong, and is now Okta's."""
        if answer.date is None:
            return False
        skew = answer.date - self._clock()
        if abs(skew - self._skew) <= self._timing.skew:
            return False
        self._skew = skew
        return True

    def _token_of(self, answer: Answer) -> Token:
        if answer.ok and answer.is_json and isinstance(answer.data, dict):
            return self._read_token(answer.data)
        error = _error(answer)
        if answer.ok or answer.status >= 500 or not error or error in _LATER:
            raise _no_token(f"Okta answered {answer.status} to POST {PATH}.")
        raise remedy_for(
            error,
            str(answer.data.get("error_description") or ""),
            host=urlsplit(self._wire.origin).netloc,
            scopes=self._scopes,
            skew=self._skew,
        )

    def _read_token(self, data: dict[str, Any]) -> Token:
        value, lasts = data.get("access_token"), data.get("expires_in")
        usable = isinstance(value, str) and _TOKEN.fullmatch(value)
        if not usable or not isinstance(lasts, int) or not 0 < lasts <= 86_400:
            raise _no_token("Okta's token is not of the documented shape.")
        ahead = min(self._timing.renew_ahead.total_seconds(), lasts / 2)
        ends_at = asyncio.get_running_loop().time() + lasts
        scopes = str(data.get("scope") or "").split()
        return Token(str(value), ends_at - ahead, ends_at, frozenset(scopes))


def _error(answer: Answer) -> str:
    """Return the OAuth error of `answer`, or nothing where it has none."""
    found = answer.data.get("error") if isinstance(answer.data, dict) else None
    return found if isinstance(found, str) else ""


def _invalid_client(answer: Answer) -> bool:
    return _error(answer) == "invalid_client"


def _no_token(why: str, retry_after: timedelta | None = None) -> DirectoryUnavailable:
    return DirectoryUnavailable(why, landed=False, retry_after=retry_after)
