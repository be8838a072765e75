"""What knocks at the HTTP door: only what Slack signed, lately, comes in."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bot.sandbox.slack.courier import signature
from bot.slack.http import LARGEST, PATH
from tests.flows.world import GROUP, WHY, World

SECRET_WORDS = "OPS-12 nobody may read this"
CHANGES: list[dict[str, str | None]] = [
    {"x-slack-signature": None},
    {"x-slack-request-timestamp": None},
    {"x-slack-signature": "v0=" + "0" * 64},
    {"x-slack-signature": ""},
    {"x-slack-signature": "v1=" + "0" * 64},
    {"x-slack-signature": "v0=\u00e9"},
    {"x-slack-request-timestamp": "0"},
    {"x-slack-request-timestamp": "-1"},
    {"x-slack-request-timestamp": "soon"},
    {"x-slack-request-timestamp": "9" * 400},
    {"x-slack-request-timestamp": "\u0661\u0662"},
]


@pytest.fixture
def door(world: World) -> Iterator[World]:
    """The bot, listening for signed requests."""
    world.speak_http()
    with world.bot():
        yield world


def test_what_slack_signed_comes_in(door: World) -> None:
    body = _command(door)
    assert _post(door, body, signature(door.slack.signing_secret, body)) == 200
    assert door.requests() == ["pending"]


def test_what_is_not_signed_is_refused(door: World, logged: list[Any]) -> None:
    body = _command(door)
    for change in CHANGES:
        headers = signature(door.slack.signing_secret, body) | change
        kept = {name: value for name, value in headers.items() if value is not None}
        assert _post(door, body, kept) == 401, change
        _nothing_was_done(door, logged, *kept.values())


def test_a_body_changed_after_signing_is_refused(
    door: World, logged: list[Any]
) -> None:
    body = _command(door)
    headers = signature(door.slack.signing_secret, body)
    assert _post(door, body + "&text=okta-group", headers) == 401
    _nothing_was_done(door, logged, *headers.values())


def test_what_was_signed_at_another_time_is_refused(
    door: World, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body, now = _command(door), time.time()
    for minutes in (-6, 6):
        with monkeypatch.context() as another_time:
            then = now + minutes * 60
            another_time.setattr("bot.sandbox.slack.courier.time.time", lambda: then)  # noqa: B023
            headers = signature(door.slack.signing_secret, body)
        assert _post(door, body, headers) == 401
        _nothing_was_done(door, logged, *headers.values())


def test_bytes_that_are_no_text_are_refused(door: World, logged: list[Any]) -> None:
    headers = signature(door.slack.signing_secret, "")
    assert _post(door, b"\xff\xfe\x00" + SECRET_WORDS.encode(), headers) == 401
    _nothing_was_done(door, logged, *headers.values())


def test_a_body_larger_than_any_of_slacks_is_refused(
    door: World, logged: list[Any]
) -> None:
    body = SECRET_WORDS * (LARGEST // len(SECRET_WORDS) + 1)
    headers = signature(door.slack.signing_secret, body)
    assert _post(door, body, headers) == 413
    _nothing_was_done(door, logged, *headers.values())


def test_what_is_signed_but_garbled_does_nothing(door: World) -> None:
    for body in ("", "payload={", "payload=[]", "payload=1", "command=/access", "{}"):
        _post(door, body, signature(door.slack.signing_secret, body))
    assert door.requests() == []
    assert door.is_ready()


def test_slack_may_check_the_certificate(door: World) -> None:
    assert _post(door, "ssl_check=1&token=x", {}) == 200


def test_there_is_no_other_way_in(door: World) -> None:
    for path in ("/", "/slack", "/slack/install", "/_control"):
        assert httpx.post(door.address(path), trust_env=False).status_code == 404
    assert httpx.get(door.address(PATH), trust_env=False).status_code == 405


def _command(world: World) -> str:
    return urlencode(
        {
            "command": "/access",
            "text": f"okta-group {GROUP} 1h {WHY} {SECRET_WORDS}",
            "team_id": world.slack.team_id,
            "user_id": world.id("rita"),
            "channel_id": "C0123456789",
            "trigger_id": "1.2.3",
        }
    )


def _post(world: World, body: str | bytes, headers: dict[str, str]) -> int:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    sent = [(n.encode(), v.encode()) for n, v in (headers | kind).items()]
    answered = httpx.post(
        world.address(PATH), content=body, headers=sent, trust_env=False
    )
    return answered.status_code


def _nothing_was_done(world: World, logged: list[Any], *secret: str) -> None:
    assert world.requests() == []
    told = "\n".join(map(str, logged))
    for each in (SECRET_WORDS, *(s for s in secret if len(s) > 20)):
        assert each not in told
