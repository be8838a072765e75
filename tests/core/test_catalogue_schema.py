"""The JSON Schema that editors read: it agrees with what the bot accepts."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bot.core.catalogue import schema
from tests.core.test_catalogue import LEAST, WHOLE


def validator() -> Draft202012Validator:
    """Return a validator of access.yaml, as an editor has it."""
    return Draft202012Validator(schema())


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in the schema."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node:
        if isinstance(inner, dict | list):
            yield from nodes(inner)


def test_it_is_a_json_schema_of_2020_12() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"].endswith("draft/2020-12/schema")


@pytest.mark.parametrize("text", [LEAST, WHOLE])
def test_what_the_bot_accepts_the_editor_accepts(text: str) -> None:
    # Editors read YAML 1.2, in which `no` is a word; PyYAML reads 1.1.
    data = yaml.safe_load(text.replace("user: no", 'user: "no"'))
    assert list(validator().iter_errors(data)) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("version: 1", "version: 2"),
        ("name: corp-okta", "name: corp okta"),
        ("https://mycompany", "mycompany"),
        ("file:/run", "/run"),
        ("{group: Engineering}", "manager"),
        ("groups:", "gruops:"),
        ("[{user: iam-lead@example.com}]", "[owner]"),
    ],
)
def test_a_slip_is_underlined_in_the_editor(right: str, wrong: str) -> None:
    assert LEAST.count(right) == 1
    data = yaml.safe_load(LEAST.replace(right, wrong))
    assert list(validator().iter_errors(data))


@pytest.mark.parametrize("length", ["90s", "1h30m", "7d"])
def test_a_duration_is_text_of_a_known_shape(length: str) -> None:
    rule = schema()["$defs"]["DurationRule"]["properties"]["max"]
    assert Draft202012Validator(rule).is_valid(length)
    for wrong in ("", "8 h", "1.5h", "PT1H", 3600):
        assert not Draft202012Validator(rule).is_valid(wrong)


def test_every_key_says_what_it_means() -> None:
    for node in nodes(schema()):
        for key, told in node.get("properties", {}).items():
            assert told.get("description"), key


def test_every_default_is_one_the_file_could_say() -> None:
    told = schema()
    for node in nodes(told):
        for rule in node.get("properties", {}).values():
            if "default" in rule:
                whole = {"$defs": told["$defs"], **rule}
                Draft202012Validator(whole).validate(rule["default"])


def test_nothing_in_the_file_is_null() -> None:
    assert all(node.get("type") != "null" for node in nodes(schema()))
