"""Okta's answers: errors in its words, pages with its two Link headers."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response

SUMMARIES = {
    "E0000001": (400, "Api validation failed: {}"),
    "E0000006": (403, "You do not have permission to perform the requested action"),
    "E0000007": (404, "Not found: Resource not found: {}"),
    "E0000008": (404, "The requested path was not found"),
    "E0000009": (500, "Internal Server Error"),
    "E0000011": (401, "Invalid token provided"),
    "E0000015": (401, "You do not have permission to access the feature"),
    "E0000019": (400, "Bad request. Accept and/or Content-Type headers are wrong"),
    "E0000022": (405, "The endpoint does not support the provided HTTP method"),
    "E0000029": (400, "Invalid paging request"),
    "E0000031": (400, "Invalid search criteria."),
    "E0000033": (400, "Search and filter cannot be used together"),
    "E0000038": (403, "This operation is not allowed in the user's current status."),
    "E0000047": (429, "API call exceeded rate limit due to too many requests."),
    "E0000053": (400, "Invalid filter '{}'"),
    "E0000181": (503, "Service temporarily unavailable."),
}
FAULT_CODES = {
    "401": "E0000011",
    "403": "E0000006",
    "404": "E0000007",
    "429": "E0000047",
    "500": "E0000009",
    "503": "E0000181",
}


class ApiError(Exception):
    """Okta refuses: `code` is its errorCode, `causes` what it adds.

    `challenge` is the OAuth error of a WWW-Authenticate header.
    """

    def __init__(
        self,
        code: str,
        about: str = "",
        causes: Sequence[str] = (),
        challenge: str = "",
    ) -> None:
        super().__init__(code)
        self.code = code
        self.about = about
        self.causes = causes
        self.challenge = challenge

    def response(self) -> Response:
        """The error as Okta words it, with its HTTP status."""
        status, summary = SUMMARIES[self.code]
        body = {
            "errorCode": self.code,
            "errorSummary": summary.format(self.about),
            "errorLink": self.code,
            "errorId": "oae" + secrets.token_urlsafe(16),
            "errorCauses": [{"errorSummary": cause} for cause in self.causes],
        }
        response = answer(body, status)
        if self.challenge:
            response.headers["WWW-Authenticate"] = f'Bearer error="{self.challenge}"'
        return response


class OAuthError(Exception):
    """The token endpoint refuses, in OAuth's words."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description

    def response(self) -> Response:
        """The error as the token endpoint words it."""
        body = {"error": self.error, "error_description": self.description}
        return answer(body, self.status)


def answer(body: object, status: int = 200) -> Response:
    """`body` as JSON."""
    return Response(json.dumps(body), status, media_type="application/json")


def nothing() -> Response:
    """204, without a body."""
    return Response(status_code=204)


def faulty(kind: str, oauth: bool) -> Response:
    """The clean error that a fault asks for."""
    if oauth and kind != "429":
        error = "server_error" if kind >= "500" else "invalid_client"
        return OAuthError(int(kind), error, "A fault on demand.").response()
    if kind not in FAULT_CODES:
        # 502 and 504 come from a gateway, which knows nothing of Okta's bodies.
        return Response("<h1>Bad gateway</h1>", int(kind), media_type="text/html")
    return ApiError(FAULT_CODES[kind]).response()


class Numbered(Protocol):
    """What a page can be cut from: things in the order of their making."""

    @property
    def number(self) -> int: ...


N = TypeVar("N", bound=Numbered)


def page(
    things: Sequence[N], address: str, query: dict[str, str], limit: int
) -> tuple[Sequence[N], list[str]]:
    """One page of `things` and its Link headers, `self` first.

    `query` is what was asked; `after` in it is opaque to the client.
    Raises ApiError E0000029 for a cursor we did not give.
    """
    start = 0
    if "after" in query:
        start = bisect_right(things, _number(query["after"]), key=lambda t: t.number)
    shown = things[start : start + limit]
    links = [link(address, query, "self")]
    if start + limit < len(things):
        onward = {**query, "after": cursor(shown[-1].number), "limit": str(limit)}
        links.append(link(address, onward, "next"))
    return shown, links


def link(address: str, query: dict[str, str], rel: str) -> str:
    """One Link header."""
    asked = f"?{urlencode(query)}" if query else ""
    return f'<{address}{asked}>; rel="{rel}"'


def cursor(number: int) -> str:
    """An `after` that leads on from the thing of that number."""
    return urlsafe_b64encode(f"n={number}".encode()).decode()


def _number(after: str) -> int:
    try:
        return int(urlsafe_b64decode(after).decode().removeprefix("n="))
    except ValueError as error:
        raise ApiError("E0000029") from error


def linked(body: str, links: Sequence[str]) -> Response:
    """A page, already JSON, with its Link headers as separate ones."""
    response = Response(body, media_type="application/json")
    for value in links:
        response.headers.append("link", value)
    return response


def limit_of(query: dict[str, str], default: int, most: int) -> int:
    """`limit` as asked. Raises ApiError E0000001 outside 1 to `most`."""
    text = query.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ApiError("E0000001", "limit", [f"limit: must be between 1 and {most}"])
    return int(text)


def array(documents: Sequence[str]) -> str:
    """JSON documents as one JSON array."""
    return f"[{','.join(documents)}]"
