"""What happens to a call on its way to an endpoint and back.

In this order: fault on demand, calls at once, rate limit, and then the door
with its token, scope and role. Every call is written to the journal, also one
that is refused or never answered.
"""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.sandbox.faults import Fault
from bot.sandbox.okta.answers import ApiError, OAuthError, answer, faulty
from bot.sandbox.okta.apps import read_form
from bot.sandbox.okta.doors import DOORS
from bot.sandbox.okta.limits import bucket_of, closed, too_many_at_once
from bot.sandbox.okta.records import Call
from bot.sandbox.okta.state import Asked, State, new_request_id

TOKEN = "/oauth2/v1/token"  # noqa: S105 a path, not a password
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
Apply = Callable[[State, Asked], Response]


def api(state: State, control: BaseRoute) -> Starlette:
    """The org's endpoints over `state`, and the way to its control verbs."""
    paths = dict.fromkeys(door.path for door in DOORS)
    routes = [control, Reception(state, _token).route(TOKEN)]
    routes += [Reception(state, _door(path)).route(path) for path in paths]
    routes.append(Reception(state, _nowhere).route("/{rest:path}"))
    return Starlette(routes=routes)


def _token(state: State, asked: Asked) -> Response:
    if asked.method != "POST":
        raise ApiError("E0000022")
    form = read_form(asked.body)
    return answer(state.apps.grant(form, asked.url, asked.headers.get("dpop")))


def _door(path: str) -> Apply:
    doors = {door.method: door for door in DOORS if door.path == path}

    def enter(state: State, asked: Asked) -> Response:
        if asked.method not in doors:
            raise ApiError("E0000022")
        return doors[asked.method].enter(state, asked)

    return enter


def _nowhere(state: State, asked: Asked) -> Response:
    raise ApiError("E0000008")


class Reception:
    """Receives the calls to one path."""

    def __init__(self, state: State, apply: Apply) -> None:
        self._state = state
        self._apply = apply

    def route(self, path: str) -> Route:
        """The path, open to every method: Okta answers 405 in its own words."""
        return Route(path, self.receive, methods=METHODS)

    async def receive(self, request: Request) -> Response:
        """Answer one call, or leave it unanswered where a fault says so."""
        asked = await _read(request)
        state = self._state
        with state.counted():
            await asyncio.sleep(state.latency)
            fault = state.faults.take(asked.label)
            if fault is None:
                return self._carry_out(asked, None)
            return await self._suffer(asked, fault)

    async def _suffer(self, asked: Asked, fault: Fault) -> Response:
        reached = False

        async def apply() -> Response:
            nonlocal reached
            reached = True
            return self._carry_out(asked, fault)

        def refuse(fault: Fault) -> Response:
            response = faulty(fault.kind, oauth=asked.path == TOKEN)
            if fault.kind == "429":
                response.headers.update(closed(self._state.clock, fault.retry_after))
            return self._dressed(response, asked)

        response = await self._state.faults.play(fault, apply, refuse)
        if not reached:
            status = response.status_code if fault.answers else 0
            self._journal(asked, status, fault)
        return response

    def _carry_out(self, asked: Asked, fault: Fault | None) -> Response:
        with self._state.lock:
            response = self._dressed(self._limited(asked), asked)
            self._journal(asked, response.status_code, fault)
        return response

    def _limited(self, asked: Asked) -> Response:
        state = self._state
        if state.in_flight > state.limits.at_once:
            return _too_many(too_many_at_once(state.clock))
        window = state.limits.windows[bucket_of(asked.label)]
        if not window.take():
            return _too_many(window.headers(state.clock))
        try:
            response = self._apply(state, asked)
        except (ApiError, OAuthError) as error:
            response = error.response()
        response.headers.update(window.headers(state.clock))
        return response

    def _dressed(self, response: Response, asked: Asked) -> Response:
        now = self._state.clock.now()
        response.headers["Date"] = formatdate(now, usegmt=True)
        response.headers["X-Okta-Request-Id"] = asked.request_id
        return response

    def _journal(self, asked: Asked, status: int, fault: Fault | None) -> None:
        self._state.journal.append(
            Call(
                at=time.monotonic(),
                wall=time.time(),
                method=asked.method,
                path=asked.path,
                query=asked.raw_query,
                status=status,
                request_id=asked.request_id,
                client_id=asked.app.client_id if asked.app else "",
                effect=asked.effect,
                actual_change=asked.changed,
                fault=fault.kind if fault else None,
            )
        )


def _too_many(headers: dict[str, str]) -> Response:
    response = ApiError("E0000047").response()
    response.headers.update(headers)
    return response


async def _read(request: Request) -> Asked:
    return Asked(
        method=request.method,
        url=str(request.url.replace(query="")),
        path=request.url.path,
        raw_query=request.url.query,
        params=dict(request.path_params),
        query=dict(request.query_params),
        body=await request.body(),
        headers=dict(request.headers),
        request_id=new_request_id(),
    )
