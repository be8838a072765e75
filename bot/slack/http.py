"""Slack's signed requests, verified before anything looks at them.

Slack: "hex = HMAC-SHA256(signing_secret, "v0:" + timestamp + ":" + raw_body)",
refused when the timestamp is more than five minutes off. What does not verify
is answered 401: nothing is done, and nothing of it is logged.
"""

import time
from collections.abc import Callable

import structlog
from slack_bolt.adapter.starlette.async_handler import (
    to_async_bolt_request,
    to_starlette_response,
)
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PATH = "/slack/events"
LARGEST = 1_000_000
"""Bytes of a body. Slack's largest, a view with its state, is under 300 kB."""

log = structlog.get_logger(__name__)


class _Wall(SignatureClock):
    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall

    def now(self) -> float:
        return self._wall()


def slack_routes(
    app: AsyncApp, signing_secret: str, *, wall: Callable[[], float] = time.time
) -> list[Route]:
    """Return the one route that Slack posts to.

    Raises ValueError for an empty signing secret, which anyone could sign with.
    """
    verifier = SignatureVerifier(signing_secret, clock=_Wall(wall))

    async def receive(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse("too large", 413)
        if body == b"ssl_check=1" or body.startswith(b"ssl_check=1&"):
            return PlainTextResponse("")
        delivery = _verified(verifier, request, body)
        if delivery is None:
            log.warning("request refused", action="verify")
            return PlainTextResponse("not signed by Slack", 401)
        return to_starlette_response(await app.async_dispatch(delivery))

    return [Route(PATH, receive, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """Return the raw body, or None as soon as it is larger than any of Slack's."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _verified(
    verifier: SignatureVerifier, request: Request, body: bytes
) -> AsyncBoltRequest | None:
    """Return the delivery that Slack signed; None for a forged or garbled one."""
    if not _is_signed(verifier, request, body):
        return None
    try:
        return to_async_bolt_request(request, body)
    except (AttributeError, TypeError, ValueError):
        # Bolt takes a payload for an object before it looks.
        return None


def _is_signed(verifier: SignatureVerifier, request: Request, body: bytes) -> bool:
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    # The verifier raises on what is no number, no ASCII or no UTF-8.
    if not (timestamp.isdecimal() and timestamp.isascii() and len(timestamp) < 12):
        return False
    if not signature.isascii():
        return False
    try:
        return verifier.is_valid(body, timestamp, signature)
    except UnicodeDecodeError:
        return False
