"""The judge of Okta exchanges knows Okta's own examples from wrong ones."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import getitem
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.okta_api import Exchange, validate, wrong_answer
from tests.conformance.reference import reference

CONTRADICT_THE_SCHEMA = {
    "GET /api/v1/logs ListLogs",  # a postal code as a number
    "GET /api/v1/logs ListLogsWithAdditionalSecurityContext",  # an event, not a list
    "GET /api/v1/logs LogTargetChangeDetails",  # an event, not a list
    "GET /api/v1/users/{userId}/roles Custom roles",  # a link without href
    "GET /oauth2/v1/clients/{clientId} Web client",  # a list where a string is said
    "PUT /oauth2/v1/clients/{clientId} Web client",
}

FORM = {
    "grant_type": "client_credentials",
    "scope": "okta.groups.manage okta.users.read",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": "eyJ.eyJ.sig",
}
ADD = Exchange(method="PUT", target="/api/v1/groups/00g1/users/00u1", status=204)
TOKEN = Exchange(
    method="POST",
    target="/oauth2/v1/token",
    request_type="application/x-www-form-urlencoded",
    request=urlencode(FORM).encode(),
    status=200,
    answer_type="application/json;charset=utf-8",
    answer=b'{"token_type": "Bearer", "expires_in": 3600, "access_token": "x"}',
)
GROUPS = Exchange(
    method="GET",
    target="/api/v1/groups?limit=200&filter=type+eq+%22OKTA_GROUP%22",
    status=200,
    answer_type="application/json",
    answer=b'[{"id": "00g1", "type": "OKTA_GROUP", "profile": {"name": "prod"}}]',
)
REFUSED = b'{"errorCode": "E0000006", "errorSummary": "No", "errorCauses": []}'

RIGHT = [
    ADD,
    TOKEN,
    GROUPS,
    replace(GROUPS, target="/api/v1/groups"),
    replace(GROUPS, answer=b"[]"),
    replace(GROUPS, status=403, answer=REFUSED),
    replace(GROUPS, status=401, answer=b"", answer_type=""),
    replace(GROUPS, status=400, answer=REFUSED),
    replace(GROUPS, status=502, answer=b"<html>", answer_type="text/html"),
    replace(TOKEN, status=401, answer=b'{"error": "invalid_client"}'),
    replace(TOKEN, status=429, answer=REFUSED),
]
WRONG = [
    (replace(ADD, target="/api/v1/group/00g1/users/00u1"), "no such operation"),
    (replace(ADD, method="POST"), "no such operation"),
    (replace(ADD, request=b"{}"), "takes no body"),
    (replace(ADD, status=200), "does not answer 200"),
    (replace(ADD, answer=b'{"id": "00u1"}'), "it has no body"),
    (replace(GROUPS, target="/api/v1/groups?size=5"), "query size: not a parameter"),
    (replace(GROUPS, target="/api/v1/groups?limit=10001"), "query limit"),
    (replace(GROUPS, target="/api/v1/groups?limit=all"), "query limit"),
    (replace(GROUPS, answer=b'{"id": "00g1"}'), "answer at /: "),
    (replace(GROUPS, answer=b'[{"id": 1}]'), "answer at /0/id"),
    (replace(GROUPS, answer=b'[{"type": "TEAM"}]'), "answer at /0/type"),
    (replace(GROUPS, answer=b""), "body is missing"),
    (replace(GROUPS, answer=b"[,]"), "not application/json"),
    (replace(GROUPS, answer_type="text/html"), "not text/html"),
    (replace(GROUPS, status=403, answer=b'{"error": "no"}'), "errorCode"),
    (replace(TOKEN, request=b""), "body is missing"),
    (replace(TOKEN, request_type="application/json"), "not application/json"),
    (replace(TOKEN, request=b"grant_type=password"), "request at /"),
    (replace(TOKEN, request=TOKEN.request + b"&scope=okta.apps.read"), "given twice"),
    (replace(TOKEN, status=401, answer=b"{}"), "answer at /"),
]


@pytest.mark.parametrize("exchange", RIGHT)
def test_what_okta_knows_passes(exchange: Exchange) -> None:
    validate(exchange)


@pytest.mark.parametrize(("exchange", "reason"), WRONG)
def test_what_okta_does_not_know_fails_with_its_place(
    exchange: Exchange, reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        validate(exchange)


def test_a_literal_path_comes_before_one_with_parameters() -> None:
    rules = b'[{"id": "0pr1", "status": "ACTIVE", "type": "group_rule"}]'
    validate(replace(GROUPS, target="/api/v1/groups/rules?limit=200", answer=rules))


def test_oktas_own_examples_pass_but_those_that_contradict_its_schema() -> None:
    wrong = {name: wrong_answer(exchange) for name, exchange in examples()}
    assert len(wrong) > 50, "there are no examples to judge by"
    assert {name for name, found in wrong.items() if found} == CONTRADICT_THE_SCHEMA


def examples() -> Iterator[tuple[str, Exchange]]:
    """Okta's own examples of answers, each under its operation and name."""
    for path, described in reference("okta-openapi.examples.json")["paths"].items():
        target = re.sub(r"\{\w+\}", "00x", path)
        for method in described.keys() - {"parameters"}:
            asked = replace(ADD, method=method.upper(), target=target)
            for status, answer in described[method]["responses"].items():
                for name, value in named_examples(followed(answer)):
                    label = f"{asked.method} {path} {name}"
                    yield label, answered(asked, int(status), value)


def answered(asked: Exchange, status: int, value: Any) -> Exchange:
    body = json.dumps(value).encode()
    return replace(asked, status=status, answer_type="application/json", answer=body)


def named_examples(described: Any) -> Iterator[tuple[str, Any]]:
    for content in described.get("content", {}).values():
        for name, example in content.get("examples", {}).items():
            yield name, followed(example)["value"]


def followed(item: Any) -> Any:
    document = reference("okta-openapi.examples.json")
    while "$ref" in item:
        item = reduce(getitem, item["$ref"].removeprefix("#/").split("/"), document)
    return item
