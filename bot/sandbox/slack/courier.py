"""Carries payloads to the bot, over a socket or signed to its request URL.

It waits for the answer as long as Slack does, and then tries an event again, and
nothing else. It says who answered what in the journal of deliveries.
"""

import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import httpx

from bot.sandbox.slack.payloads import as_body, as_envelope
from bot.sandbox.slack.records import Ack, Delivery, Json, Kind
from bot.sandbox.slack.sockets import is_answerable
from bot.sandbox.slack.state import State

# What Slack makes of an answer; called once, with the lock held.
Take = Callable[[Ack], None]

NO_RETRY = "the bot asked for no retry"


def ignore(ack: Ack) -> None:
    """An answer that nothing follows from."""


class Courier:
    """Delivers the payloads of one workspace. Callable from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._retries: list[threading.Timer] = []
        self._era = 0
        self._errands: list[tuple[Delivery, Take]] = []

    @property
    def journal(self) -> list[Delivery]:
        """Every delivery so far, retries among them."""
        return [delivery for delivery, _ in self._errands]

    def deliver(self, kind: Kind, payload: Json, take: Take = ignore) -> Ack:
        """Deliver once and wait for the answer; unanswered events come again."""
        era = self._era
        delivery = Delivery(kind, payload, "nobody", time.monotonic())
        ack = self._carry(delivery, take)
        self._plan_retry(delivery, era)
        return ack

    def again(self) -> Ack:
        """Deliver the last payload anew, in a new envelope or newly signed."""
        last, take = self._errands[-1]
        return self._carry(replace(last, ack=None, at=time.monotonic()), take)

    @cached_property
    def _http(self) -> httpx.Client:
        # It keeps no connection open, so there is nothing to close.
        none_kept = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(trust_env=False, limits=none_kept)

    def forget(self) -> None:
        """Forget what was delivered, and try nothing again any more."""
        self._era += 1
        for retry in self._retries:
            retry.cancel()
        self._retries.clear()
        self._errands.clear()

    def _carry(self, delivery: Delivery, take: Take) -> Ack:
        began = time.monotonic()
        delivery.via = "nobody"
        with self._state.changing():
            self._errands.append((delivery, take))
        if self._state.settings.request_url is None:
            self._over_socket(delivery, take)
        else:
            self._over_http(delivery, take)
        ack = delivery.ack or Ack(None)
        ack.seconds = time.monotonic() - began
        delivery.ack = ack
        return ack

    def _over_socket(self, delivery: Delivery, take: Take) -> None:
        state = self._state
        delivery.envelope_id = str(uuid.uuid4())
        answerable = is_answerable(delivery.kind, delivery.payload)
        envelope = as_envelope(delivery, answerable=answerable)

        def answered(frame: Json) -> None:
            body = frame.get("payload") if answerable else None
            self._settle(delivery, 200, body, take)

        with state.changing():
            if not state.sockets.send(envelope, answered):
                return
            delivery.via = "socket"
            state.change.wait_for(
                lambda: delivery.ack is not None, state.settings.ack_seconds
            )
            state.sockets.waiting.pop(delivery.envelope_id, None)

    def _over_http(self, delivery: Delivery, take: Take) -> None:
        state = self._state
        delivery.via = "http"
        content_type, body = as_body(delivery, json.dumps)
        headers = {"content-type": content_type, **_retry_headers(delivery)}
        try:
            answer = self._http.post(
                str(state.settings.request_url),
                content=body,
                headers={**headers, **signature(state.signing_secret, body)},
                timeout=state.settings.ack_seconds,
            )
        except httpx.TimeoutException:
            delivery.reason = "http_timeout"
        except httpx.TransportError:
            delivery.reason = "connection_failed"
        else:
            with state.changing():
                self._take_answer(delivery, answer, take)

    def _take_answer(
        self, delivery: Delivery, answer: httpx.Response, take: Take
    ) -> None:
        if answer.is_success:
            self._settle(delivery, answer.status_code, _read(answer), take)
            return
        delivery.ack = Ack(answer.status_code)
        no_retry = answer.headers.get("x-slack-no-retry") == "1"
        delivery.reason = NO_RETRY if no_retry else "http_error"

    def _settle(self, delivery: Delivery, status: int, body: Any, take: Take) -> None:
        ack = Ack(status, body if isinstance(body, dict) else None)
        if isinstance(body, str):
            ack.text = body
        take(ack)
        delivery.ack = ack

    def _plan_retry(self, delivery: Delivery, era: int) -> None:
        over = era != self._era or (delivery.ack is not None and delivery.ack.ok)
        wanted = delivery.kind == "events_api" and delivery.reason != NO_RETRY
        delays = self._state.settings.retry_delays[delivery.attempt :]
        if over or not wanted or delivery.via == "nobody" or not delays:
            return
        retry = threading.Timer(delays[0], self._retry, (delivery, era))
        retry.daemon = True
        self._retries.append(retry)
        retry.start()

    def _retry(self, delivery: Delivery, era: int) -> None:
        if era != self._era:
            return
        reason = delivery.reason or "timeout"
        later = replace(delivery, attempt=delivery.attempt + 1, reason=reason)
        later.ack, later.at = None, time.monotonic()
        self._carry(later, ignore)
        self._plan_retry(later, era)


def signature(secret: str, body: str) -> dict[str, str]:
    """The headers Slack signs a request with: `v0:timestamp:body`, now."""
    now = str(int(time.time()))
    signed = hmac.new(secret.encode(), f"v0:{now}:{body}".encode(), hashlib.sha256)
    return {
        "x-slack-request-timestamp": now,
        "x-slack-signature": f"v0={signed.hexdigest()}",
    }


def _retry_headers(delivery: Delivery) -> dict[str, str]:
    if not delivery.attempt:
        return {}
    return {
        "x-slack-retry-num": str(delivery.attempt),
        "x-slack-retry-reason": delivery.reason,
    }


def _read(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    if "json" in answer.headers.get("content-type", ""):
        try:
            return answer.json()
        except ValueError:
            return None
    return answer.text
