"""The judge of Slack payloads lets the right ones pass and no others."""

from typing import Any

import pytest

from tests.conformance.block_kit import Kind, validate, validate_call

TEXT = {"type": "plain_text", "text": "prod-db-read"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*prod-db-read*"}}
BUTTON = {"type": "button", "action_id": "approve", "text": TEXT, "value": "17"}
ACTIONS = {"type": "actions", "elements": [BUTTON]}
MESSAGE: dict[str, Any] = {"text": "Ada asks for it", "blocks": [SECTION, ACTIONS]}
MODAL: dict[str, Any] = {"type": "modal", "title": TEXT, "blocks": [SECTION]}
HOME: dict[str, Any] = {"type": "home", "blocks": [SECTION]}

RIGHT: list[tuple[Kind, Any]] = [
    ("message", MESSAGE),
    ("modal", MODAL),
    ("home", HOME),
    ("ack", None),
    ("ack", ""),
    ("ack", {}),
    ("ack", "Sent."),
    ("ack", {"response_type": "ephemeral", "text": "Sent."}),
    ("ack", {"response_action": "errors", "errors": {"group": "Not open to you."}}),
    ("ack", {"response_action": "update", "view": MODAL}),
    ("ack", {"response_action": "clear"}),
    ("ack", {"options": [{"text": TEXT, "value": "00g1"}]}),
]
WRONG: list[tuple[Kind, Any, str]] = [
    ("message", {"blocks": [SECTION]}, "'text' is a required property"),
    ("message", {"text": "Hello", "blocks": [SECTION] * 51}, "at /blocks"),
    ("message", {"text": "Hello", "blocks": [{"type": "sektion"}]}, "sektion"),
    ("message", {"text": "Hello", "channel": "C1"}, "channel"),
    (
        "message",
        {
            "text": "Hello",
            "blocks": [{**ACTIONS, "elements": [{**BUTTON, "text": "x"}]}],
        },
        "at /blocks/0/elements/0/text",
    ),
    ("modal", {**MODAL, "title": {**TEXT, "text": "x" * 25}}, "at /title/text"),
    ("modal", HOME, "at /type"),
    ("home", {**HOME, "blocks": [SECTION] * 101}, "at /blocks"),
    ("ack", {"response_action": "close"}, "no response_action close"),
    ("ack", {"response_action": "errors"}, "'errors' is a required property"),
    ("ack", {"options": [{"text": TEXT, "value": "00g1"}] * 101}, "at /options"),
    ("ack", {"replace_original": True}, "'text' is a required property"),
]


@pytest.mark.parametrize(("kind", "payload"), RIGHT)
def test_what_slack_takes_passes(kind: Kind, payload: Any) -> None:
    validate(kind, payload)


@pytest.mark.parametrize(("kind", "payload", "reason"), WRONG)
def test_what_slack_refuses_fails_with_its_place(
    kind: Kind, payload: Any, reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        validate(kind, payload)


def test_a_call_is_judged_with_its_payload() -> None:
    validate_call("chat.postMessage", {"channel": "U1", "thread_ts": None, **MESSAGE})
    validate_call("views.open", {"trigger_id": "1.2", "view": MODAL})
    validate_call("views.publish", {"user_id": "U1", "view": HOME})
    with pytest.raises(AssertionError, match="'text' is a required property"):
        validate_call(
            "chat.update", {"channel": "D1", "ts": "1.2", "blocks": [SECTION]}
        )
    with pytest.raises(AssertionError, match="at /type"):
        validate_call("views.publish", {"user_id": "U1", "view": MODAL})


def test_a_call_takes_its_documented_arguments_and_no_others() -> None:
    with pytest.raises(AssertionError, match="channel is missing"):
        validate_call("chat.postMessage", MESSAGE)
    with pytest.raises(AssertionError, match="user is not an argument"):
        validate_call("users.list", {"user": "U1"})
    with pytest.raises(AssertionError, match="not among the documented methods"):
        validate_call("chat.shout", {})
