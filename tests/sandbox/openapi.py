"""Okta's own description of its API, to hold calls and answers against."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

DOCUMENT = Path(__file__).parents[2].parent / "shared/reference/okta-openapi.json"


def required() -> None:
    """Skip, saying so, where Okta's document is not at hand."""
    if not DOCUMENT.exists():
        pytest.skip("Okta's OpenAPI document is not at hand")


def check_answer(method: str, path: str, status: int, body: Any) -> bool:
    """Fail if the answer is not one that Okta describes; whether it was checked."""
    operation = _operation(method, path)
    described = (operation or {}).get("responses", {}).get(str(status))
    if described is None:
        return False
    content = _resolved(described).get("content", {})
    if "application/json" in content:
        errors = _validator(json.dumps(content["application/json"]["schema"]))
        problems = [e.message for e in errors.iter_errors(body)]
        assert not problems, f"{method} {path} {status}: {problems}"
    return True


def _operation(method: str, path: str) -> dict[str, Any] | None:
    fits = [known for known in _document()["paths"] if _form(known).fullmatch(path)]
    if not fits:
        return None
    # The path with the fewest parameters is the one that is meant.
    best = min(fits, key=lambda known: known.count("{"))
    operation: dict[str, Any] | None = _document()["paths"][best].get(method.lower())
    return operation


@cache
def _form(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))


@cache
def _document() -> Any:
    if not DOCUMENT.exists():
        return {"paths": {}}
    return _as_json_schema(json.loads(DOCUMENT.read_text()))


@cache
def _validator(schema: str) -> Draft7Validator:
    components = _document()["components"]
    return Draft7Validator({"allOf": [json.loads(schema)], "components": components})


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        part = _document()["components"]["responses"][name]
    return part


def _as_json_schema(part: Any) -> Any:
    """OpenAPI 3.0 says `nullable`, which JSON Schema does not know."""
    if isinstance(part, list):
        return [_as_json_schema(one) for one in part]
    if not isinstance(part, dict):
        return part
    part = {name: _as_json_schema(value) for name, value in part.items()}
    if "oneOf" in part:
        # Okta's alternatives overlap, and its discriminators are not JSON Schema.
        part["anyOf"] = part.pop("oneOf")
    if part.get("nullable") is True and isinstance(part.get("type"), str):
        part["type"] = [part["type"], "null"]
    return part
