"""An Okta that answers by script, on virtual time, and keeps what it was asked.

Whatever leaves the client is held against Okta's own description of its API,
where that is at hand.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from bot.okta.client import OktaClient
from bot.okta.directory import OktaDirectory
from bot.okta.timing import OktaTiming
from tests.conformance.okta_api import Exchange, wrong_request
from tests.conformance.reference import is_here
from tests.okta.keys import secret
from tests.okta.virtual import now

ORIGIN = "https://example.okta.com"
TOKEN = "/oauth2/v1/token"

Answer = httpx.Response | Exception | Callable[[httpx.Request], Awaitable[Any]]


class ScriptedOkta:
    """Answers each call with the next of its script; tokens by a script of their own.

    `skew` is how far its clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.tokens_asked: list[httpx.Request] = []
        self.skew = timedelta(0)
        self.reader: Callable[[], str] = secret
        self._links: set[str] = set()
        self._answers: deque[Answer] = deque()
        self._tokens: deque[Answer] = deque()

    def says(self, *answers: Answer) -> None:
        """Answer the next calls so, in this order."""
        self._answers.extend(answers)

    def says_of_tokens(self, *answers: Answer) -> None:
        """Answer the next calls for a token so; afterwards, with a token."""
        self._tokens.extend(answers)

    def client(self, **options: Any) -> OktaClient:
        """A client of this org, with short waits where it says nothing else."""
        settings = {"timing": OktaTiming(), "clock": now, **options}
        transport = httpx.MockTransport(self._answer)
        return OktaClient(ORIGIN, self.reader, transport=transport, **settings)

    def directory(self) -> OktaDirectory:
        return OktaDirectory(self.client())

    @property
    def targets(self) -> list[str]:
        """What was asked, as "METHOD /path?query", tokens apart."""
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.asked]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) not in self._links:
            _require_documented(request)
        answer = self._next(request)
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        if "next" in answer.links:
            self._links.add(str(request.url.join(answer.links["next"]["url"])))
        answer.headers.setdefault("Date", format_datetime(now() + self.skew, True))
        answer.headers.setdefault("X-Okta-Request-Id", f"req{len(self.asked)}")
        return answer

    def _next(self, request: httpx.Request) -> Answer:
        if request.url.path == TOKEN:
            self.tokens_asked.append(request)
            number = len(self.tokens_asked)
            return self._tokens.popleft() if self._tokens else token(f"token-{number}")
        self.asked.append(request)
        assert self._answers, f"nothing is scripted for {self.targets[-1]}"
        return self._answers.popleft()


def ok(data: Any, *, next: str = "", **headers: str) -> httpx.Response:
    """A 200 with JSON, and with the two Link headers of Okta's pages."""
    links = [("Link", f'<{ORIGIN}/self>; rel="self"')]
    if next:
        links.append(("Link", f'<{next}>; rel="next"'))
    plain = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return httpx.Response(200, json=data, headers=[*links, *plain])


def done() -> httpx.Response:
    return httpx.Response(204)


def error(status: int, code: str, **headers: str) -> httpx.Response:
    """One of Okta's documented errors."""
    body = {"errorCode": code, "errorSummary": "<!channel> what Okta says"}
    plain = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=plain)


def oauth_error(status: int, error: str, description: str) -> httpx.Response:
    body = {"error": error, "error_description": description}
    return httpx.Response(status, json=body)


def token(value: str = "token", lasts: int = 3600) -> httpx.Response:
    scope = "okta.groups.manage okta.users.read"
    body = {"token_type": "Bearer", "expires_in": lasts, "scope": scope}
    return httpx.Response(200, json={**body, "access_token": value})


def page_for_people(status: int = 200) -> httpx.Response:
    return httpx.Response(status, html="<!doctype html><p>Maintenance")


def rate_limited(limit: int = 600, wait: float = 30) -> httpx.Response:
    """A 429 of a bucket, or with limit 0 of too many calls at once."""
    reset = int((now() + timedelta(seconds=wait)).timestamp())
    return error(429, "E0000047", **limits(limit, 0, reset))


def limits(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "X_Rate_Limit_Limit": str(limit),
        "X_Rate_Limit_Remaining": str(remaining),
        "X_Rate_Limit_Reset": str(reset),
    }


async def silence(_: httpx.Request) -> httpx.Response:
    """No answer, for as long as anybody waits."""
    await asyncio.sleep(86_400)
    raise AssertionError("the client waited a day for an answer")


def late(seconds: float, answer: httpx.Response) -> Answer:
    """`answer`, after so many seconds."""

    async def wait(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(seconds)
        return answer

    return wait


def _require_documented(request: httpx.Request) -> None:
    if not is_here():
        return
    exchange = Exchange(
        method=request.method,
        target=request.url.raw_path.decode(),
        request_type=request.headers.get("content-type", ""),
        request=request.content,
        status=200,
    )
    assert wrong_request(exchange) == [], exchange.target
