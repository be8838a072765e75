"""The app's own keys, the System Log and the org, through the API."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bot.sandbox.okta import OktaOrg
from tests.sandbox.okta_calls import Calls, refused

LOGS = "/api/v1/logs"
MEMBERSHIP = (
    'eventType eq "group.user_membership.add" '
    'or eventType eq "group.user_membership.remove"'
)


def keys_of(app: Calls) -> str:
    return f"/api/v1/apps/{app.client_id}/credentials/jwks"


def new_jwk(kid: str, bits: int = 2048) -> Any:
    pair = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return json.loads(RSAAlgorithm.to_jwk(pair.public_key())) | {"kid": kid}


def test_a_key_is_added_used_alone_and_its_forerunner_deleted(super_app: Calls) -> None:
    keys = keys_of(super_app)
    [old] = super_app.get(keys)
    added = super_app("POST", keys, json=new_jwk("new"))
    assert (added.status_code, added.json()["kid"]) == (201, "new")
    assert added.json()["id"].startswith("pks")
    one = f"{keys}/{old['id']}"
    assert refused(super_app("DELETE", one)) == (400, "E0000001")
    assert super_app("POST", f"{one}/lifecycle/deactivate").status_code == 200
    assert "kid" in super_app.ask_token().text
    assert super_app("DELETE", one).status_code == 204
    assert [key["kid"] for key in super_app.get(keys)] == ["new"]


def test_the_last_active_key_cannot_be_deactivated(super_app: Calls) -> None:
    keys = keys_of(super_app)
    [only] = super_app.get(keys)
    last = super_app("POST", f"{keys}/{only['id']}/lifecycle/deactivate")
    assert refused(last) == (400, "E0000001")


@pytest.mark.parametrize(
    ("jwk", "cause"),
    [
        ({"kty": "oct", "k": "abc", "kid": "x"}, "kty"),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "x"}, "2,048"),
        (new_jwk(""), "unique"),
    ],
)
def test_a_key_okta_does_not_take_is_refused(
    super_app: Calls, jwk: dict[str, str], cause: str
) -> None:
    answer = super_app("POST", keys_of(super_app), json=jwk)
    assert refused(answer) == (400, "E0000001")
    assert cause in answer.json()["errorCauses"][0]["errorSummary"]


def test_an_ordinary_role_cannot_change_keys(org: OktaOrg, super_app: Calls) -> None:
    org.set_role(super_app.client_id, "ORG_ADMIN")
    answer = super_app("POST", keys_of(super_app), json=new_jwk("new"))
    assert refused(answer) == (403, "E0000006")
    assert super_app.get(keys_of(super_app))


def test_keys_can_be_listed_as_oktas_example_does(org: OktaOrg, app: Calls) -> None:
    org.set_role(app.client_id, "SUPER_ADMIN")
    org.set_scopes(app.client_id, ["okta.apps.read"])
    app.sign_in("okta.apps.read")
    assert len(app.get(keys_of(app))) == 1
    org.set_keys_wrapped()
    wrapped = app.client.get(
        org.url + keys_of(app), headers={"Authorization": f"Bearer {app.bearer}"}
    )
    assert len(wrapped.json()["jwks"]["keys"]) == 1


def test_the_role_of_the_app_can_be_read(super_app: Calls) -> None:
    [role] = super_app.get(f"/oauth2/v1/clients/{super_app.client_id}/roles")
    assert (role["type"], role["assignmentType"]) == ("SUPER_ADMIN", "CLIENT")


def test_the_log_tells_who_changed_a_membership(org: OktaOrg, super_app: Calls) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    added = super_app("PUT", f"/api/v1/groups/{group}/users/{ada}")
    org.remove_member(group, ada)
    ours, theirs = super_app.get(
        LOGS, filter=f'({MEMBERSHIP}) and target.id eq "{ada}"'
    )
    assert ours["eventType"] == "group.user_membership.add"
    assert ours["actor"]["id"] == super_app.client_id
    assert ours["transaction"]["id"] == added.headers["x-okta-request-id"]
    assert [target["id"] for target in ours["target"]] == [ada, group]
    assert theirs["actor"]["id"] == "admin"


def test_the_log_is_polled_by_a_next_that_never_ends(
    org: OktaOrg, super_app: Calls
) -> None:
    org.add_group("prod", members=[org.add_user("ada@example.com")])
    first = super_app("GET", LOGS)
    assert len(first.json()) == 1
    empty = super_app("GET", first.links["next"]["url"])
    assert empty.json() == []
    org.remove_member("prod", "ada@example.com")
    [event] = super_app.get(empty.links["next"]["url"])
    assert event["eventType"] == "group.user_membership.remove"


def test_a_bounded_query_of_the_log_has_an_end(org: OktaOrg, super_app: Calls) -> None:
    for number in range(3):
        org.add_group(f"group {number}", members=[org.add_user(f"u{number}@x.com")])
    bounds = {"since": "2000-01-01T00:00:00.000Z", "until": "2999-01-01T00:00:00.000Z"}
    pages = super_app.pages(LOGS, **bounds, limit=2, q="membership ADD")
    assert [len(page) for page in pages] == [2, 1]


def test_the_org_answers_for_itself(super_app: Calls) -> None:
    assert super_app.get("/api/v1/org")["status"] == "ACTIVE"
