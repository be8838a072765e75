"""Signed HTTP: the same bot, and nothing for who did not sign."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
import pytest

from bot.slack.http import LARGEST, slack_routes
from bot.store.tables import AccessRequest
from tests.slack.conftest import Cast
from tests.slack.stage import Stage


@pytest.fixture
def address(quiet_stage: Stage, cast: Cast) -> str:
    """Where the bot takes signed requests."""
    return quiet_stage.listen()


def _body(stage: Stage, cast: Cast) -> bytes:
    fields = {
        "command": "/access",
        "text": "okta-group prod-db 1h OPS-12",
        "team_id": stage.slack.team_id,
        "user_id": cast.alice,
        "trigger_id": "1.2.3",
    }
    return urlencode(fields).encode()


def _headers(secret: str, body: bytes, at: str) -> dict[str, str]:
    base = b"v0:" + at.encode() + b":" + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={digest}",
    }


def _post(address: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    return httpx.post(address, content=body, headers=dict(headers), trust_env=False)


def test_the_story_is_the_same_over_http(
    quiet_stage: Stage, cast: Cast, address: str
) -> None:
    stage = quiet_stage
    assert stage.slack.command(cast.alice, "okta-group").ok
    stage.slack.suggest(cast.alice, "group", "prod")
    wish = {"group": f"corp-okta:{cast.prod_db}", "justification": "because"}
    assert stage.slack.submit(cast.alice, wish).errors
    assert stage.slack.submit(cast.alice, {"justification": "OPS-12"}).ok
    stage.work()
    shown = stage.card(cast.otto)
    assert stage.slack.press(cast.olga, "approve", stage.card(cast.olga)).ok
    stage.slack.press(cast.otto, "approve", shown)
    stage.settle()
    assert "Approved by Olga" in stage.slack.ephemerals(cast.otto)[0].text
    stage.work()
    stage.slack.open_home(cast.alice)
    stage.work()
    assert "prod-db" in str(stage.slack.home(cast.alice))
    assert {delivery.via for delivery in stage.slack.deliveries} == {"http"}


def test_a_signed_request_is_answered(
    quiet_stage: Stage, cast: Cast, address: str
) -> None:
    body = _body(quiet_stage, cast)
    at = str(int(time.time()))
    answer = _post(address, body, _headers(quiet_stage.slack.signing_secret, body, at))
    assert answer.status_code == 200
    assert "You asked for prod-db" in answer.json()["text"]


@pytest.mark.parametrize(
    "wrong",
    [
        "unsigned",
        "no timestamp",
        "another secret",
        "another body",
        "stale",
        "from the future",
        "no number",
        "digits of another script",
        "not ASCII",
        "empty",
    ],
)
def test_what_is_not_signed_by_slack_does_nothing(
    quiet_stage: Stage,
    cast: Cast,
    address: str,
    wrong: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    body = _body(quiet_stage, cast)
    headers = _wrong(wrong, quiet_stage.slack.signing_secret, body)
    raw = [(k.encode(), v.encode("utf-8")) for k, v in headers.items()]
    answer = httpx.post(address, content=body, headers=raw, trust_env=False)
    assert answer.status_code == 401
    assert not quiet_stage.rows(AccessRequest)
    assert "OPS-12" not in caplog.text
    signature = headers.get("x-slack-signature")
    assert not signature or signature not in caplog.text


def _wrong(wrong: str, secret: str, body: bytes) -> dict[str, str]:
    now = int(time.time())
    good = _headers(secret, body, str(now))
    match wrong:
        case "unsigned":
            return {}
        case "no timestamp":
            return {"x-slack-signature": good["x-slack-signature"]}
        case "another secret":
            return _headers("another", body, str(now))
        case "another body":
            return _headers(secret, body + b"&x=1", str(now))
        case "stale":
            return _headers(secret, body, str(now - 301))
        case "from the future":
            return _headers(secret, body, str(now + 400))
        case "no number":
            return _headers(secret, body, "soon")
        case "digits of another script":
            return _headers(secret, body, "١٢٣")
        case "not ASCII":
            return good | {"x-slack-signature": "v0=é"}
    return good | {"x-slack-signature": ""}


def test_a_body_that_is_no_text_is_refused(
    quiet_stage: Stage, cast: Cast, address: str
) -> None:
    body = b"payload=\xff\xfe"
    headers = _headers(quiet_stage.slack.signing_secret, body, str(int(time.time())))
    assert _post(address, body, headers).status_code == 401


@pytest.mark.parametrize("body", [b"payload={", b"payload=", b"payload=[]", b"{", b""])
def test_what_is_signed_and_garbled_does_nothing(
    quiet_stage: Stage, cast: Cast, address: str, body: bytes
) -> None:
    headers = _headers(quiet_stage.slack.signing_secret, body, str(int(time.time())))
    assert _post(address, body, headers).status_code in (200, 401)


def test_a_body_larger_than_any_of_slacks_is_not_read(
    quiet_stage: Stage, address: str
) -> None:
    body = b"x" * (LARGEST + 1)
    headers = _headers(quiet_stage.slack.signing_secret, body, str(int(time.time())))
    assert _post(address, body, headers).status_code == 413


def test_slacks_own_check_of_the_certificate_is_answered(address: str) -> None:
    for body in (b"ssl_check=1", b"ssl_check=1&token=x"):
        assert _post(address, body, {}).status_code == 200


def test_slack_is_told_its_challenge_when_it_signs(
    quiet_stage: Stage, address: str
) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    at = str(int(time.time()))
    headers = _headers(quiet_stage.slack.signing_secret, body, at)
    headers["content-type"] = "application/json"
    assert "abc" in _post(address, body, headers).text
    assert _post(address, body, {}).status_code == 401


def test_only_posts_are_taken(address: str) -> None:
    assert httpx.get(address, trust_env=False).status_code == 405


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_signing_secret_is_no_secret(quiet_stage: Stage, secret: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        slack_routes(quiet_stage.app, secret)
