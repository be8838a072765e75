"""Is this a request Okta knows, and an answer Okta gives?

An exchange is judged by Okta's own description: method, path, query, body,
status, answer. That description is not valid everywhere, so the judge is lenient
where it has to be and nowhere else:

- `oneOf` is read as "any of", since its alternatives overlap;
- a member that is null in an answer counts as absent, as in Okta's examples;
- the list of an app's keys may be `{"jwks": {"keys": [...]}}`, as in its example;
- any operation may answer any 4xx in Okta's error form, a 401 or 403 without a
  body, and a 5xx as the gateway in between likes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, reduce
from operator import getitem
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from jsonschema import Draft7Validator

from tests.conformance.reference import problems, reference, require_none

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
JWKS = "/api/v1/apps/{appId}/credentials/jwks"
BODILESS = frozenset({401, 403})

ERROR = {
    "allOf": [
        {"$ref": "#/components/schemas/Error"},
        {"required": ["errorCode", "errorSummary"]},
    ]
}
OAUTH = "/oauth2/v1/"
OAUTH_ERROR = {
    "anyOf": [
        {
            "allOf": [
                {"$ref": "#/components/schemas/OAuthError"},
                {"required": ["error"]},
            ]
        },
        ERROR,  # a 429 of the token endpoint is not OAuth shaped
    ]
}


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request as it was sent and its answer, bodies as bytes.

    `target` is the path with its query, still encoded; the types are the
    Content-Type headers.
    """

    method: str
    target: str
    request_type: str = ""
    request: bytes = b""
    status: int
    answer_type: str = ""
    answer: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What Okta describes under one path and method. `path` is its template."""

    path: str
    parameters: Mapping[tuple[str, str], Mapping[str, Any]]  # by (in, name)
    request: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]


def validate(exchange: Exchange) -> None:
    """The request is one Okta knows and the answer one it gives to it."""
    subject = f"{exchange.method} {exchange.target} ({exchange.status})"
    require_none([*wrong_request(exchange), *wrong_answer(exchange)], subject)


def wrong_request(exchange: Exchange) -> list[str]:
    """Say what Okta would not know of the request."""
    operation = _operation(exchange)
    if operation is None:
        return ["request: Okta has no such operation"]
    return [
        *_wrong_query(operation, exchange.target),
        *_wrong_sent(operation, exchange),
    ]


def wrong_answer(exchange: Exchange) -> list[str]:
    """Say what Okta would not answer to such a request."""
    operation = _operation(exchange)
    if operation is None or exchange.status >= 500:
        return []
    if exchange.status < 400 and str(exchange.status) not in operation.answers:
        return [f"answer: Okta does not answer {exchange.status} here"]
    schema = _answer_schema(operation, exchange.status)
    if schema is None:
        empty = exchange.answer.strip() in (b"", b"{}")
        return [] if empty else ["answer: it has no body"]
    return _wrong_answered(exchange, schema)


# The operation


def _operation(exchange: Exchange) -> Operation | None:
    """The one that fits, with the fewest parameters in its path."""
    paths = _description()["paths"]
    path, method = urlsplit(exchange.target).path, exchange.method.lower()
    fitting = [item for item in paths if _fits(item, path)]
    for template in sorted(fitting, key=lambda item: item.count("{")):
        if method in paths[template]:
            return _read_operation(template, paths[template], method)
    return None


def _fits(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


def _read_operation(path: str, shared: Mapping[str, Any], method: str) -> Operation:
    described = shared[method]
    parameters = [
        _resolved(item)
        for item in [*shared.get("parameters", []), *described.get("parameters", [])]
    ]
    return Operation(
        path=path,
        parameters={(item["in"], item["name"]): item for item in parameters},
        request=described.get("requestBody", {}),
        answers={
            status: _resolved(item) for status, item in described["responses"].items()
        },
    )


# The request


def _wrong_query(operation: Operation, target: str) -> list[str]:
    sent = parse_qsl(urlsplit(target).query, keep_blank_values=True)
    wrong = [
        f"query {name}: {problem}"
        for name, value in sent
        for problem in _wrong_parameter(operation, name, value)
    ]
    names = {name for name, _ in sent}
    return wrong + [
        f"query {name} is missing"
        for (where, name), described in operation.parameters.items()
        if where == "query" and described.get("required") and name not in names
    ]


def _wrong_parameter(operation: Operation, name: str, value: str) -> list[str]:
    described = operation.parameters.get(("query", name))
    if described is None:
        return ["not a parameter of this operation"]
    return problems(_validator(described["schema"]), _typed(described["schema"], value))


def _typed(schema: Mapping[str, Any], value: str) -> Any:
    """`value` as the JSON value its schema speaks of, or as it is."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _wrong_sent(operation: Operation, exchange: Exchange) -> list[str]:
    if not operation.request:
        return ["request: it takes no body"] if exchange.request else []
    if not exchange.request:
        required = operation.request.get("required")
        return ["request: its body is missing"] if required else []
    content = operation.request["content"]
    kind = _media_type(exchange.request_type)
    if kind not in content:
        return [f"request: it takes {' or '.join(content)}, not {kind or 'no type'}"]
    return _wrong_body("request", content[kind]["schema"], kind, exchange.request)


# The answer


def _wrong_answered(exchange: Exchange, schema: Mapping[str, Any]) -> list[str]:
    if not exchange.answer:
        bodiless = exchange.status in BODILESS
        return [] if bodiless else ["answer: its body is missing"]
    kind = _media_type(exchange.answer_type)
    if kind != JSON:
        return [f"answer: it is {JSON}, not {kind or 'no type'}"]
    return _wrong_body("answer", schema, kind, exchange.answer)


def _answer_schema(operation: Operation, status: int) -> Mapping[str, Any] | None:
    if status >= 400:
        return OAUTH_ERROR if operation.path.startswith(OAUTH) else ERROR
    described = operation.answers[str(status)].get("content", {}).get(JSON, {})
    schema: Mapping[str, Any] | None = described.get("schema")
    if operation.path == JWKS and schema and schema.get("type") == "array":
        return {"anyOf": [schema, _wrapped_keys(schema)]}
    return schema


def _wrapped_keys(keys: Mapping[str, Any]) -> dict[str, Any]:
    within = {"type": "object", "required": ["keys"], "properties": {"keys": keys}}
    return {"type": "object", "required": ["jwks"], "properties": {"jwks": within}}


# Bodies and schemas


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _wrong_body(
    part: str, schema: Mapping[str, Any], kind: str, body: bytes
) -> list[str]:
    try:
        value = _form(body) if kind == FORM else json.loads(body)
    except ValueError as error:
        return [f"{part}: not {kind}: {error}"]
    if part == "answer":
        value = _without_nulls(value)
    return [f"{part} {problem}" for problem in problems(_validator(schema), value)]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_nulls(item) for key, item in value.items() if item is not None
    }


def _form(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
    if twice := [name for name, values in fields.items() if len(values) > 1]:
        raise ValueError(f"given twice: {', '.join(twice)}")
    return {name: values[0] for name, values in fields.items()}


def _resolved(item: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in item:
        item = reduce(
            getitem, item["$ref"].removeprefix("#/").split("/"), _description()
        )
    return item


def _description() -> Any:
    return reference("okta-openapi.json")


@cache
def _components() -> Any:
    return _as_json_schema(_description()["components"]["schemas"])


def _validator(schema: Mapping[str, Any]) -> Draft7Validator:
    plain = _as_json_schema(schema)
    return Draft7Validator({"components": {"schemas": _components()}, "allOf": [plain]})


def _as_json_schema(schema: Any) -> Any:
    """The same in JSON Schema's words: OpenAPI 3.0 has its own for null."""
    if isinstance(schema, list):
        return [_as_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        "anyOf" if key == "oneOf" else key: _as_json_schema(item)
        for key, item in schema.items()
    }
    nullable = schema.get("nullable") is True
    return {"anyOf": [plain, {"type": "null"}]} if nullable else plain
