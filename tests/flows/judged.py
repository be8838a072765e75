"""What the bot said to Slack and Okta, judged by their own descriptions.

Every call of Slack's Web API and every answer to a delivery; every request to
the Okta org, and the org's answers, since a wrong judge proves nothing.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox import Sandbox
from bot.sandbox.slack import SlackWorkspace
from bot.sandbox.slack.records import Ack, Call
from tests.conformance import block_kit, okta_api
from tests.conformance.okta_api import Exchange

Exchanges = list[Exchange]

PROXYS = "text/html; charset=utf-8"
"""What a gateway in between answers, and Okta never."""


class Recorder:
    """Keeps each request and its answer, as they went over the wire."""

    def __init__(self, app: ASGIApp, exchanges: Exchanges) -> None:
        self._app = app
        self._exchanges = exchanges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, answer = bytearray(), bytearray()
        start: dict[str, Any] = {}

        async def hear() -> Message:
            message = await receive()
            request.extend(message.get("body", b""))
            return message

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answer.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, hear, say)
        if start:
            self._keep(scope, bytes(request), start, bytes(answer))

    def _keep(
        self, scope: Scope, request: bytes, start: dict[str, Any], answer: bytes
    ) -> None:
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode()
        self._exchanges.append(
            Exchange(
                method=scope["method"],
                target=f"{path}?{query}" if query else path,
                request_type=_content_type(scope["headers"]),
                request=request,
                status=start["status"],
                answer_type=_content_type(start["headers"]),
                answer=answer,
            )
        )


@contextmanager
def recorded(sandbox: Sandbox) -> Iterator[Exchanges]:
    """Let the org be reached at an address where all that passes is kept."""
    exchanges: Exchanges = []
    app, url = sandbox.okta.app(), sandbox.okta.url
    app.add_middleware(Recorder, exchanges=exchanges)
    sandbox.okta.url = sandbox.loopback.serve(app)
    yield exchanges
    sandbox.okta.url = url


def judge(slack: SlackWorkspace, exchanges: Exchanges) -> None:
    """Fail with the first thing said that Slack or Okta would not take."""
    for call in slack.calls:
        block_kit.validate_call(call.method, _decoded(call))
    for delivery in slack.deliveries:
        if delivery.ack is not None:
            block_kit.validate("ack", _answered(delivery.ack))
    for exchange in list(exchanges):
        if exchange.answer_type != PROXYS:
            okta_api.validate(exchange)


def _decoded(call: Call) -> dict[str, Any]:
    """Return the arguments; a call that a fault met was never decoded."""
    return {
        name: json.loads(value)
        if name in ("blocks", "view") and isinstance(value, str)
        else value
        for name, value in call.args.items()
    }


def _answered(ack: Ack) -> Any:
    return ack.body if ack.body is not None else ack.text


def _content_type(headers: Any) -> str:
    found = {name.lower(): value for name, value in headers}
    return bytes(found.get(b"content-type", b"")).decode()
