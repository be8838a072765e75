"""The Web API: what happens to a call on its way to a method and back.

In this order: fault on demand, rate limit, token, scope, arguments. Every call is
written to the journal, also one that is refused or never answered.
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.faults import Fault
from bot.sandbox.slack.answers import (
    Json,
    Refused,
    faulty,
    missing,
    rate_limited,
)
from bot.sandbox.slack.methods import METHODS, Method
from bot.sandbox.slack.records import Call
from bot.sandbox.slack.state import State

# Slack: "JSON-encoded string" where the body is a form.
ENCODED = {
    "attachments": "invalid_attachments",
    "blocks": "invalid_blocks_format",
    "metadata": "invalid_metadata_format",
    "view": "invalid_arguments",
}

STRINGS = (
    *("channel", "ts", "thread_ts", "message_ts", "text", "user", "user_id"),
    *("email", "trigger_id", "view_id", "external_id", "hash", "cursor"),
)


def web_api(state: State) -> Route:
    """Every method, under /api/."""

    async def endpoint(request: Request) -> Response:
        try:
            return await Reception(state, request, await request.body()).answer()
        except UnicodeDecodeError:
            return JSONResponse(Refused("invalid_charset").body)

    return Route("/api/{method}", endpoint, methods=["GET", "POST"])


class Reception:
    """One call, received."""

    def __init__(self, state: State, request: Request, body: bytes) -> None:
        self._state = state
        self._method = request.path_params["method"]
        self._args = _arguments(request, body.decode())
        self._token = _token(request.headers, self._args)
        self._reached = False

    async def answer(self) -> Response:
        """Answer the call, or leave it unanswered where a fault says so."""
        fault = self._state.faults.take(self._method)
        if fault is None:
            return await self._apply()
        response = await self._state.faults.play(fault, self._apply, self._refuse)
        if not self._reached:
            self._note(ok=False, error=fault.kind, fault=fault.kind)
        return response

    async def _apply(self) -> Response:
        self._reached = True
        with self._state.changing():
            wait = self._state.limits.wait(self._method, self._channel())
            if wait:
                self._note(ok=False, error="ratelimited")
                return rate_limited(wait)
            body = self._body()
            self._note(ok=body["ok"], error=body.get("error"))
            return JSONResponse(body, headers=self._scopes())

    def _refuse(self, fault: Fault) -> Response:
        return faulty(fault.kind, fault.retry_after)

    def _body(self) -> Json:
        try:
            method = METHODS.get(self._method)
            self._require_token(method)
            if method is None:
                raise Refused("unknown_method", req_method=self._method)
            self._require_scope(method)
            return {"ok": True, **method.answer(self._state, self._decoded(method))}
        except Refused as refused:
            return refused.body

    def _require_token(self, method: Method | None) -> None:
        app_level = method is not None and method.app_level
        right, other = self._state.bot_token, self._state.app_token
        if app_level:
            right, other = other, right
        if not self._token:
            raise Refused("not_authed")
        if self._token == other:
            raise Refused("not_allowed_token_type")
        if self._token != right:
            raise Refused("invalid_auth")
        if self._state.settings.revoked:
            raise Refused("token_revoked")

    def _require_scope(self, method: Method) -> None:
        granted = self._state.settings.scopes
        if method.scope is not None and method.scope not in granted:
            provided = ",".join(sorted(granted))
            raise Refused("missing_scope", needed=method.scope, provided=provided)

    def _decoded(self, method: Method) -> Json:
        for name, error in ENCODED.items():
            if isinstance(self._args.get(name), str) and self._args[name]:
                self._args[name] = _decode(self._args[name], error)
        wrong = [name for name in STRINGS if not _is_text(self._args.get(name))]
        if wrong:
            raise Refused("invalid_arguments", f"[ERROR] must be a string: {wrong[0]}")
        absent = [name for name in method.required if not self._args.get(name)]
        if absent:
            raise missing(*absent)
        return self._args

    def _channel(self) -> str:
        return str(self._args.get("channel", ""))

    def _scopes(self) -> dict[str, str]:
        method = METHODS.get(self._method)
        accepted = method.scope if method and method.scope else ""
        granted = ",".join(sorted(self._state.settings.scopes))
        return {"x-oauth-scopes": granted, "x-accepted-oauth-scopes": accepted}

    def _note(self, *, ok: bool, error: str | None, fault: str | None = None) -> None:
        with self._state.changing():
            at = time.monotonic()
            call = Call(self._method, self._args, ok, error, at, fault)
            self._state.calls.append(call)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _arguments(request: Request, body: str) -> Json:
    args: Json = dict(request.query_params)
    if not request.headers.get("content-type", "").startswith("application/json"):
        return args | dict(parse_qsl(body))
    try:
        sent = json.loads(body or "{}")
    except json.JSONDecodeError:
        sent = None
    return args | (sent if isinstance(sent, dict) else {})


def _token(headers: Mapping[str, str], args: Json) -> str:
    in_body = str(args.pop("token", ""))
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    return bearer if kind == "Bearer" else in_body


def _decode(text: str, error: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as cause:
        raise Refused(error) from cause
