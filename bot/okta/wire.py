"""One attempt of one call: its turn, its deadline, its answer.

Here httpx begins and ends: whatever goes wrong on the way becomes a
DirectoryUnavailable. It repeats only what Okta said it did not do (429), and
follows no redirect: the bearer token goes to the org's own origin alone.
"""

import asyncio
import ipaddress
import platform
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import metadata
from typing import Any

import httpx

from bot.core.words import DirectoryUnavailable, SettingError
from bot.okta.answers import Answer, read_answer
from bot.okta.pacing import MOST_IN_FLIGHT, Lane, Pacer, Share, Turn, bucket_of
from bot.okta.timing import OktaTiming

_ADMIN_HOST = re.compile(r"-admin(?=\.okta[a-z-]*\.[a-z]+$)")

_HOST = re.compile(rb"[a-z0-9.-]+|[0-9a-f:]+")

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom TLS trusts: read from disk once, not for each client."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is to be sent, how urgently, and until when it may wait for its turn.

    `target` is a path with its query, both as they go over the wire.
    `deadline` is an instant of the running loop's clock.
    """

    method: str
    target: str
    lane: Lane
    deadline: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    before_send: Callable[[], None] | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def bucket(self) -> str:
        return bucket_of(self.method, self.path)

    def __str__(self) -> str:
        """Name the call without the ids and logins in it."""
        return f"{self.method} {self.bucket.removesuffix(' write')}"


class Wire:
    """Sends calls to one org, each in its turn and within its deadline."""

    def __init__(
        self,
        origin: str,
        *,
        timing: OktaTiming,
        clock: Callable[[], datetime],
        user_agent: str,
        transport: httpx.AsyncBaseTransport | None = None,
        share: Share = lambda: 1.0,
    ) -> None:
        self.origin = origin
        self._timing = timing
        self._clock = clock
        self._pacer = Pacer(timing, share)
        self.skew: timedelta | None = None
        self._http = httpx.AsyncClient(
            base_url=origin,
            headers={"Accept": "application/json", "User-Agent": user_agent},
            timeout=httpx.Timeout(
                timing.deadline.total_seconds(),
                connect=timing.connect.total_seconds(),
            ),
            limits=httpx.Limits(max_connections=MOST_IN_FLIGHT),
            follow_redirects=False,
            # A proxy of the environment is for the world outside this machine.
            trust_env=not _is_loopback(httpx.URL(origin).host),
            verify=_trusted(),
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def deadline(self) -> float:
        """Return until when a call waits that was given no deadline of its own."""
        patience: timedelta = self._timing.patience
        return asyncio.get_running_loop().time() + patience.total_seconds()

    async def send(self, call: Call) -> Answer:
        """Return Okta's answer to `call`, whatever its status but 429.

        Raises DirectoryUnavailable when there is none: `landed` is False when
        the call was never sent.
        """
        while True:
            async with self._pacer.turn(call.bucket, call.lane, call.deadline) as turn:
                if call.before_send is not None:
                    call.before_send()
                answer = await self._exchange(call, turn)
            if answer.status != 429:
                return answer

    async def _exchange(self, call: Call, turn: Turn) -> Answer:
        try:
            async with asyncio.timeout(self._timing.deadline.total_seconds()):
                response = await self._http.request(
                    call.method,
                    call.target,
                    headers=call.headers,
                    json=call.json,
                    data=call.form,
                )
        except NEVER_SENT as error:
            raise _unanswered(call, "Okta could not be reached for", False) from error
        except TimeoutError as error:
            raise _unanswered(call, "Okta did not answer in time to", True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unanswered(call, "The connection broke during", True) from error
        answer = read_answer(response, self._clock())
        if answer.date is not None:
            self.skew = answer.date - self._clock()
        turn.answered(answer.limits, refused=answer.status == 429)
        return answer


def org_origin(url: str) -> str:
    """Return the origin of the Okta org that people mean by `url`.

    The -admin of Okta's own host names and a closing slash are dropped. Raises
    SettingError for what is no https URL (plain http is for loopback only).
    """
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    plain = parsed.path in ("", "/") and not (parsed.query or parsed.fragment)
    if not _HOST.fullmatch(parsed.raw_host) or not plain or parsed.userinfo:
        raise SettingError(
            "The org_url is not the address of an Okta org.",
            "Write it as https://mycompany.okta.com.",
        )
    if parsed.scheme != "https" and not _is_loopback_http(parsed):
        raise SettingError("The org_url is not https.", "Write it with https://.")
    host = _ADMIN_HOST.sub("", parsed.host)
    return str(parsed.copy_with(host=host, path="/")).rstrip("/")


def user_agent() -> str:
    """Return how the bot names itself to Okta, whose admins look for it."""
    try:
        version = metadata.version("okta-access-bot")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"okta-access-bot/{version} python/{platform.python_version()}"


def _is_loopback_http(url: httpx.URL) -> bool:
    return url.scheme == "http" and _is_loopback(url.host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unanswered(call: Call, what: str, landed: bool) -> DirectoryUnavailable:
    return DirectoryUnavailable(f"{what} {call}.", landed=landed)
