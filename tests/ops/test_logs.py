"""The log says what happened, and never a secret or a whole request."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.ops import logs

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIwb2EifQ.c2lnbmF0dXJl"
SECRETS = [
    "xoxb-1234567890-abcdefghij",
    "xoxe.xoxb-1-abcdefghij",
    "xapp-1-A0123-456-abcdef",
    JWT,
    "v0=" + "0123456789abcdef" * 4,
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    "a-signing-secret-that-is-known",
]
HIDING = [
    ("Authorization: Bearer {}", "opaque-token"),
    ("Authorization: SSWS {}", "00abcdef"),
    ("wss://slack.example/link/?ticket={}&app_id=1", "ticket-1234"),
    ("client_assertion={}&scope=x", "assertion-1234"),
    ("postgresql://{}@db/access", "me:hunter2"),
    ('{{"kty": "RSA", "d": "{}"}}', "private-exponent"),
]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def set_up(log_format: logs.LogFormat = "json") -> structlog.stdlib.BoundLogger:
    logs.set_up(log_format, ["a-signing-secret-that-is-known", "short"])
    log: structlog.stdlib.BoundLogger = structlog.get_logger("test")
    return log


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    captured = capsys.readouterr()
    assert captured.out == ""
    line: dict[str, Any] = json.loads(captured.err.splitlines()[-1])
    return line


def test_a_line_has_its_time_level_event_and_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up().info("granted", grant="g1", tries=2)
    line = last_line(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "granted", "level": "info", "grant": "g1", "tries": 2}


def test_text_is_one_line_for_people_without_colours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("text").info("granted", grant="g1")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "granted" in said
    assert "grant=g1" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_not_written_wherever_it_stands(
    capsys: pytest.CaptureFixture[str], secret: str, log_format: logs.LogFormat
) -> None:
    log = set_up(log_format)
    log.info(
        " ".join(["said", secret]), why=secret, deep={"list": [secret]}, kept="kept"
    )
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")
    logging.getLogger("slack_sdk").error("could not use %s", secret)
    said = capsys.readouterr().err
    assert "kept" in said
    for piece in secret.split("\n"):
        assert piece not in said


@pytest.mark.parametrize(("text", "secret"), HIDING)
def test_a_secret_is_hidden_by_what_stands_before_it(
    capsys: pytest.CaptureFixture[str], text: str, secret: str
) -> None:
    set_up().info("said", text=text.format(secret))
    line = last_line(capsys)
    assert secret not in line["text"]
    assert logs.HIDDEN in line["text"]


@pytest.mark.parametrize(
    "key", ["token", "x_slack_signature", "Authorization", "private_key", "password"]
)
def test_a_value_is_hidden_by_its_key(
    capsys: pytest.CaptureFixture[str], key: str
) -> None:
    set_up().info("said", headers={key: "anything"})
    assert last_line(capsys)["headers"] == {key: logs.HIDDEN}


def test_of_a_library_only_the_first_line_and_the_place_are_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up()
    body = "OPS-12 a personal reason"
    try:
        raise RuntimeError(f"the server responded with {body}")
    except RuntimeError:
        logging.getLogger("slack_bolt.App").exception("Failed (url: x)\nBody: %s", body)
    line = last_line(capsys)
    assert line["event"] == "Failed (url: x)"
    assert line["library"] == "slack_bolt.App"
    assert "test_logs.py" in line["exception"]
    assert line["exception"].endswith("RuntimeError")
    assert body not in json.dumps(line)


def test_a_library_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    logging.getLogger("anything").warning("%s", "a" * 5000)
    assert len(last_line(capsys)["event"]) == logs.MOST_SAID


@pytest.mark.parametrize("library", ["slack_bolt", "slack_sdk.web", "httpx", "uvicorn"])
def test_libraries_say_only_what_is_wrong(
    capsys: pytest.CaptureFixture[str], library: str
) -> None:
    set_up()
    logging.getLogger(library).info("POST https://corp.okta.com/oauth2/v1/token")
    assert capsys.readouterr().err == ""


def test_setting_it_up_again_writes_each_line_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up()
    set_up().info("once")
    assert len(capsys.readouterr().err.splitlines()) == 1
