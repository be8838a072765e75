"""The token endpoint: it takes a true assertion, and no other."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bot.sandbox.okta import OktaOrg
from tests.sandbox.okta_calls import ALL, Calls, refused

INVALID = (401, "invalid_client")


def oauth(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_a_true_assertion_gets_a_token_for_an_hour(app: Calls) -> None:
    answer = app.ask_token()
    assert answer.status_code == 200
    assert answer.json() | {"access_token": ""} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "access_token": "",
        "scope": "okta.groups.manage okta.users.read",
    }


@pytest.mark.parametrize(
    ("claim", "value", "says"),
    [
        ("iss", "0oa00000000000000000", "issuer"),
        ("sub", "0oa00000000000000000", "subject"),
        ("aud", "https://mycompany.okta.com/oauth2/v1/token", "audience"),
        ("exp", None, "'exp' claim"),
        ("exp", "1234567890", "'exp' claim"),
        ("exp", 1234567890.5, "'exp' claim"),
    ],
)
def test_a_false_claim_is_refused_in_its_own_words(
    app: Calls, claim: str, value: object, says: str
) -> None:
    answer = app.ask_token(app.assertion(app.claims(**{claim: value})))
    assert oauth(answer) == INVALID
    assert says in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("claim", "seconds", "says"),
    [
        ("exp", -1, "expired"),
        ("exp", 4000, "too far"),
        ("iat", 30, "before the current time"),
    ],
)
def test_an_assertion_holds_from_the_past_for_at_most_an_hour(
    app: Calls, claim: str, seconds: int, says: str
) -> None:
    instant = int(time.time()) + seconds
    answer = app.ask_token(app.assertion(app.claims(**{claim: instant})))
    assert oauth(answer) == INVALID
    assert says in answer.json()["error_description"]


@pytest.mark.parametrize("left_out", ["iat", "jti"])
def test_what_is_optional_may_be_left_out(app: Calls, left_out: str) -> None:
    answer = app.ask_token(app.assertion(app.claims(**{left_out: None})))
    assert answer.status_code == 200


def test_an_assertion_is_burnt_by_its_first_use(app: Calls) -> None:
    assertion = app.assertion(app.claims())
    assert app.ask_token(assertion).status_code == 200
    assert "already been used" in app.ask_token(assertion).text


def test_an_assertion_is_burnt_even_by_a_refusal(app: Calls) -> None:
    assertion = app.assertion(app.claims())
    assert oauth(app.ask_token(assertion, scope="okta.nothing")) == (
        400,
        "invalid_scope",
    )
    assert "already been used" in app.ask_token(assertion).text


def test_a_key_of_somebody_else_does_not_sign(app: Calls) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kid = app.app["private_key"]["kid"]
    forged = jwt.encode(app.claims(), stranger, algorithm="RS256", headers={"kid": kid})
    assert "signature" in app.ask_token(forged).text


@pytest.mark.parametrize("kid", ["another", ""])
def test_a_kid_we_do_not_know_is_refused(app: Calls, kid: str) -> None:
    assert "kid" in app.ask_token(app.assertion(app.claims(), kid=kid)).text


def test_an_unsigned_assertion_is_refused(app: Calls) -> None:
    kid = app.app["private_key"]["kid"]
    unsigned = jwt.encode(app.claims(), "", algorithm="none", headers={"kid": kid})
    assert "algorithm" in app.ask_token(unsigned).text


def test_an_algorithm_that_is_not_the_keys_is_refused(app: Calls) -> None:
    kid = app.app["private_key"]["kid"]
    key = ec.generate_private_key(ec.SECP256R1())
    other = jwt.encode(app.claims(), key, algorithm="ES256", headers={"kid": kid})
    assert oauth(app.ask_token(other)) == INVALID


def test_rubbish_is_refused(app: Calls) -> None:
    assert oauth(app.ask_token("rubbish")) == INVALID
    assert oauth(app.ask_token("a.b.c")) == INVALID


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "okta.users.manage"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "0oa"}, "invalid_request"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
    ],
)
def test_a_wrong_form_is_refused(app: Calls, form: dict[str, str], error: str) -> None:
    assert oauth(app.ask_token(**form)) == (400, error)


def test_dpop_is_asked_for_while_the_box_is_ticked(org: OktaOrg, app: Calls) -> None:
    org.require_dpop(app.client_id, True)
    assert oauth(app.ask_token()) == (400, "invalid_dpop_proof")
    org.require_dpop(app.client_id, False)
    assert app.ask_token().status_code == 200


def test_a_clock_ahead_of_oktas_is_found_out_by_the_date_header(
    org: OktaOrg, app: Calls
) -> None:
    org.set_clock_skew(-7200)
    answer = app.ask_token()
    assert "too far" in answer.text or "before the current time" in answer.text
    stamp = time.mktime(
        time.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S %Z")
    )
    assert stamp - time.timezone < time.time() - 7100


def test_without_a_good_token_nothing_is_answered(org: OktaOrg, app: Calls) -> None:
    app.bearer = "made up"
    answer = app("GET", "/api/v1/groups")
    assert refused(answer) == (401, "E0000011")
    assert "invalid_token" in answer.headers["www-authenticate"]


def test_a_revoked_token_is_no_good(org: OktaOrg, app: Calls) -> None:
    org.revoke_tokens()
    assert refused(app("GET", "/api/v1/groups")) == (401, "E0000011")


def test_an_expired_token_is_no_good(org: OktaOrg, app: Calls) -> None:
    org.set_clock_skew(3601)
    assert refused(app("GET", "/api/v1/groups")) == (401, "E0000011")


def test_a_scope_opens_its_own_api_only(app: Calls) -> None:
    answer = app("GET", "/api/v1/logs")
    assert refused(answer) == (403, "E0000006")
    assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_a_scope_proves_nothing_about_permission(org: OktaOrg, app: Calls) -> None:
    org.set_scopes(app.client_id, ALL.split())
    app.sign_in(ALL)
    assert refused(app("POST", "/api/v1/users/x/lifecycle/suspend")) == (
        403,
        "E0000006",
    )
