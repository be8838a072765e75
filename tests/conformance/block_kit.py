"""Is this what Slack takes? Messages, modals, home views, acks and calls.

Each function fails with every problem and its place, and skips where the
reference documents are absent.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from jsonschema import Draft7Validator

from tests.conformance.reference import problems, reference, require_none

Kind = Literal["message", "modal", "home", "ack"]

DEFINITIONS = {"message": "MessagePayload", "modal": "Modal", "home": "Home"}
RESPONSE_ACTIONS = {
    "errors": "ErrorsReply",
    "update": "UpdateReply",
    "push": "PushReply",
    "clear": "ClearReply",
}
ABOUT_THE_REPLY = frozenset(
    {"response_type", "replace_original", "delete_original", "thread_ts"}
)


def validate(kind: Kind, payload: Any) -> None:
    """`payload` is a message, modal, home view or ack that Slack accepts.

    A message is its `text` and `blocks`, without the arguments of the call. An
    ack is what a listener answered: nothing, a text, or one of the replies.
    """
    if kind == "ack":
        _validate_ack(payload)
    else:
        _require(DEFINITIONS[kind], payload)


def validate_call(method: str, arguments: Mapping[str, Any]) -> None:
    """`arguments`, decoded, are those of the Web API `method`, payload included.

    Arguments that are None are not sent and do not count.
    """
    sent = {name: value for name, value in arguments.items() if value is not None}
    require_none(_wrong_arguments(method, sent), f"a call of {method}")
    if method.startswith("chat.post") or method == "chat.update":
        validate("message", _only(sent, {"text", "blocks"}))
    if "view" in sent:
        validate("home" if method == "views.publish" else "modal", sent["view"])


def _wrong_arguments(method: str, sent: Mapping[str, Any]) -> list[str]:
    methods = reference("slack-methods.json")["methods"]
    if method not in methods:
        return ["it is not among the documented methods"]
    known = methods[method]["args"]
    required = {name for name, about in known.items() if about["required"]}
    return [
        f"{name} is not an argument of it" for name in sorted(set(sent) - {*known})
    ] + [f"{name} is missing" for name in sorted(required - set(sent))]


def _validate_ack(payload: Any) -> None:
    if payload is None or payload in ("", {}):
        return
    if isinstance(payload, str):
        payload = {"text": payload}
    if "response_action" in payload:
        action = payload["response_action"]
        assert action in RESPONSE_ACTIONS, f"Slack has no response_action {action}"
        _require(RESPONSE_ACTIONS[action], payload)
    elif "options" in payload:
        _require("OptionsReply", payload)
    elif "option_groups" in payload:
        _require("OptionGroupsReply", payload)
    else:
        _require("MessagePayload", _without(payload, ABOUT_THE_REPLY))


def _require(definition: str, payload: Any) -> None:
    require_none(problems(_validator(definition), payload), f"this {definition}")


@cache
def _validator(definition: str) -> Draft7Validator:
    schema = reference("slack-block-kit.schema.json")
    return Draft7Validator(
        {
            "definitions": schema["definitions"],
            "allOf": [{"$ref": f"#/definitions/{definition}"}],
        }
    )


def _only(payload: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name in names}


def _without(payload: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in names}
