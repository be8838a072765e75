"""How the bot proves itself to Okta, and what it says when Okta refuses it."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from bot.core.words import DirectoryUnavailable, SettingError
from bot.okta.refusals import REMEDIES
from bot.okta.timing import OktaTiming
from tests.conformance.reference import reference
from tests.okta.keys import CLIENT_ID, ec_key, jwk, secret, written
from tests.okta.scripted import (
    ORIGIN,
    ScriptedOkta,
    late,
    oauth_error,
    ok,
    page_for_people,
    rate_limited,
    silence,
    token,
)
from tests.okta.virtual import now

pytestmark = pytest.mark.anyio

EXPIRED = "The client_assertion token is expired."
BAD_KID = "The client_assertion JWT kid is invalid."


def _form(request: httpx.Request) -> dict[str, str]:
    return {name: one[0] for name, one in parse_qs(request.content.decode()).items()}


def _claims(request: httpx.Request) -> dict[str, Any]:
    assertion = _form(request)["client_assertion"]
    return jwt.decode(assertion, options={"verify_signature": False})


async def test_a_token_is_asked_for_as_okta_documents_it(okta: ScriptedOkta) -> None:
    await okta.client().token()
    form = _form(okta.tokens_asked[0])
    audience = f"{ORIGIN}/oauth2/v1/token"
    claims = jwt.decode(
        form.pop("client_assertion"),
        ec_key().public_key(),
        ["ES256"],
        audience=audience,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert form == {
        "grant_type": "client_credentials",
        "scope": "okta.groups.manage okta.users.read",
        "client_assertion_type": (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ),
    }
    assert claims["iss"] == claims["sub"] == CLIENT_ID


async def test_all_waiting_callers_share_one_token(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(late(2, token()))
    okta.says(*[ok([])] * 5)
    client = okta.client()
    await asyncio.gather(*[client.request("GET", "/api/v1/groups") for _ in range(5)])
    assert len(okta.tokens_asked) == 1
    assert {one.headers["Authorization"] for one in okta.asked} == {"Bearer token"}


async def test_a_caller_who_gives_up_does_not_stop_the_others(
    okta: ScriptedOkta,
) -> None:
    okta.says_of_tokens(late(2, token()))
    client = okta.client()
    leaving = asyncio.create_task(client.token())
    staying = asyncio.create_task(client.token())
    await asyncio.sleep(1)
    leaving.cancel()
    assert (await staying).value == "token"
    assert len(okta.tokens_asked) == 1


async def test_all_waiting_callers_share_one_refusal(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(late(2, oauth_error(400, "invalid_scope", "")))
    client = okta.client()
    met = await asyncio.gather(
        *[client.token() for _ in range(4)], return_exceptions=True
    )
    assert [type(one) for one in met] == [SettingError] * 4
    assert len(okta.tokens_asked) == 1


async def test_a_token_is_renewed_ahead_of_its_end_without_a_wait(
    okta: ScriptedOkta,
) -> None:
    client = okta.client()
    first = await client.token()
    await asyncio.sleep(3600 - 299)
    okta.says_of_tokens(late(5, token("renewed")))
    assert await client.token() == first
    await asyncio.sleep(6)
    assert (await client.token()).value == "renewed"
    assert len(okta.tokens_asked) == 2


async def test_a_failed_renewal_leaves_the_token_in_use_till_its_end(
    okta: ScriptedOkta,
) -> None:
    client = okta.client()
    first = await client.token()
    await asyncio.sleep(3600 - 100)
    okta.says_of_tokens(httpx.Response(500), httpx.Response(500))
    assert await client.token() == first
    await asyncio.sleep(200)
    with pytest.raises(DirectoryUnavailable):
        await client.token()


async def test_a_client_may_close_while_it_asks_for_a_token(
    okta: ScriptedOkta,
) -> None:
    okta.says_of_tokens(silence)
    client = okta.client()
    waiting = asyncio.create_task(client.token())
    await asyncio.sleep(1)
    await client.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_each_attempt_has_a_jti_of_its_own(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(httpx.Response(503), silence, httpx.Response(502))
    client = okta.client()
    for _ in range(3):
        with pytest.raises(DirectoryUnavailable):
            await client.token()
    await client.token()
    assert len({_claims(one)["jti"] for one in okta.tokens_asked}) == 4


@pytest.mark.parametrize("skew", [-7200, -400, 90, 3600, 86_400])
async def test_a_wrong_clock_is_put_right_once_by_oktas(
    okta: ScriptedOkta, skew: int
) -> None:
    okta.skew = timedelta(seconds=skew)
    okta.says_of_tokens(oauth_error(401, "invalid_client", EXPIRED))
    await okta.client().token()
    first, second = (_claims(one)["iat"] for one in okta.tokens_asked)
    assert second - first == skew


async def test_a_clock_that_agrees_is_left_alone(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(oauth_error(401, "invalid_client", EXPIRED))
    with pytest.raises(SettingError, match="clock"):
        await okta.client().token()
    assert len(okta.tokens_asked) == 1


async def test_a_corrected_clock_stays_so(okta: ScriptedOkta) -> None:
    okta.skew = timedelta(hours=1)
    okta.says_of_tokens(oauth_error(401, "invalid_client", EXPIRED), token(lasts=60))
    client = okta.client()
    await client.token()
    await asyncio.sleep(61)
    await client.token()
    assert _claims(okta.tokens_asked[-1])["iat"] == _epoch() + 3600 - 60


async def test_a_refused_clock_is_named_with_how_far_it_is_off(
    okta: ScriptedOkta,
) -> None:
    okta.skew = timedelta(hours=1)
    refusal = [oauth_error(401, "invalid_client", EXPIRED) for _ in range(2)]
    okta.says_of_tokens(*refusal)
    with pytest.raises(SettingError, match="3600 s"):
        await okta.client().token()


async def test_a_key_changed_by_hand_needs_no_restart(okta: ScriptedOkta) -> None:
    secrets = [secret(), written(jwk(ec_key(), kid="new-kid"))]
    okta.reader = lambda: secrets.pop(0)
    okta.says_of_tokens(oauth_error(401, "invalid_client", BAD_KID))
    await okta.client().token()
    used = [_form(one)["client_assertion"] for one in okta.tokens_asked]
    assert jwt.get_unverified_header(used[1])["kid"] == "new-kid"


async def test_the_secret_is_read_again_only_once(okta: ScriptedOkta) -> None:
    reads: list[int] = []

    def read() -> str:
        reads.append(1)
        return written(jwk(ec_key(), kid=f"kid-{len(reads)}"))

    okta.reader = read
    refusal = [oauth_error(401, "invalid_client", BAD_KID) for _ in range(2)]
    okta.says_of_tokens(*refusal)
    with pytest.raises(SettingError):
        await okta.client().token()
    assert len(reads) == 2


async def test_the_same_secret_is_not_sent_again(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(oauth_error(401, "invalid_client", BAD_KID))
    with pytest.raises(SettingError, match="key id"):
        await okta.client().token()
    assert len(okta.tokens_asked) == 1


async def test_a_secret_that_cannot_be_read_is_told_as_it_is(
    okta: ScriptedOkta,
) -> None:
    def read() -> str:
        raise SettingError("The file is gone.", "Bring it back.")

    okta.reader = read
    with pytest.raises(SettingError, match="The file is gone"):
        await okta.client().token()


DOCUMENTED = [
    (401, "invalid_client", "The client_assertion token is expired.", "clock"),
    (
        401,
        "invalid_client",
        "The client_assertion token has an expiration too far into the future.",
        "clock",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion token must be issued before the current time.",
        "clock",
    ),
    (401, "invalid_client", BAD_KID, "KID"),
    (
        401,
        "invalid_client",
        "The client_assertion signature is invalid.",
        "public half",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion JWT signature algorithm is invalid.",
        "public half",
    ),
    (
        401,
        "invalid_client",
        "The issuer claim for client_assertion is not a valid client_id.",
        "Copy the Client ID",
    ),
    (
        401,
        "invalid_client",
        "The audience claim for client_assertion must be the endpoint invoked for the "
        "request.",
        "org_url",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion token has already been used.",
        "directly",
    ),
    (
        401,
        "invalid_client",
        "The client does not have a JWKSet configured, but the client_assertion "
        "requires one.",
        "Public key / Private key",
    ),
    (
        401,
        "invalid_client",
        "Client Credentials requests to the Org Authorization Server must use the "
        "private_key_jwt token_endpoint_auth_method.",
        "Public key / Private key",
    ),
    (
        401,
        "invalid_client",
        "Only clients with 'application_type' of 'service' may use the "
        "client_credentials 'grant_type' with the Org Authorization Server.",
        "API Services",
    ),
    (401, "invalid_client", "Error retrieving the client JWKSet from jwks_uri.", "URL"),
    (401, "invalid_client", "No client credentials found.", "is active"),
    (401, "invalid_client", "The parsing of the client_assertion failed.", "is active"),
    (401, "invalid_client", "Client authentication failed.", "is active"),
    (400, "invalid_scope", "No scopes were requested.", "Okta API Scopes"),
    (
        400,
        "invalid_dpop_proof",
        "The DPoP proof JWT header is missing.",
        "untick Require DPoP",
    ),
    (
        400,
        "use_dpop_nonce",
        "Authorization server requires nonce in DPoP proof.",
        "untick Require DPoP",
    ),
    (400, "invalid_request", "The client_assertion_type is invalid.", "Update"),
    (400, "unsupported_grant_type", "", "org_url"),
    (400, "unauthorized_client", "", "Client Credentials"),
    (
        403,
        "access_denied",
        "The request is made from outside the client's permitted network zones.",
        "network zone",
    ),
    (400, "access_denied", "", "policy"),
    (400, "something_new", "", "System Log"),
]


@pytest.mark.parametrize(("status", "error", "said", "remedy"), DOCUMENTED)
async def test_each_documented_refusal_has_its_remedy(
    okta: ScriptedOkta, status: int, error: str, said: str, remedy: str
) -> None:
    okta.says_of_tokens(oauth_error(status, error, said))
    with pytest.raises(SettingError) as refused:
        await okta.client().token()
    assert remedy in f"{refused.value}"
    assert "{" not in f"{refused.value}"
    assert not said or said not in f"{refused.value}"


async def test_a_missing_scope_is_told_with_the_scopes_that_are_needed(
    okta: ScriptedOkta,
) -> None:
    okta.says_of_tokens(oauth_error(400, "invalid_scope", ""))
    with pytest.raises(SettingError, match=r"okta\.groups\.manage okta\.users\.read"):
        await okta.client().token()


async def test_nothing_of_the_request_is_in_a_refusal(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(oauth_error(401, "invalid_client", BAD_KID))
    with pytest.raises(SettingError) as refused:
        await okta.client().token()
    assertion = _form(okta.tokens_asked[0])["client_assertion"]
    assert not [part for part in assertion.split(".") if part in repr(refused.value)]


NOT_NOW = {
    "temporarily unavailable": oauth_error(400, "temporarily_unavailable", ""),
    "a server error": oauth_error(500, "server_error", ""),
    "a bad gateway": httpx.Response(502, html="<h1>Bad gateway"),
    "a page for people": page_for_people(),
    "a proxy's refusal": page_for_people(403),
    "no answer": silence,
    "no connection": httpx.ConnectError("no route"),
    "a token that is none": ok({"access_token": "", "expires_in": 3600}),
    "a token with a newline": ok({"access_token": "a\r\nb", "expires_in": 3600}),
    "a token without an end": ok({"access_token": "abc"}),
    "a token that has ended": ok({"access_token": "abc", "expires_in": 0}),
    "a list": ok([]),
}


@pytest.mark.parametrize("answer", NOT_NOW.values(), ids=NOT_NOW.keys())
async def test_what_is_no_answer_for_good_may_be_tried_again(
    okta: ScriptedOkta, answer: Any
) -> None:
    okta.says_of_tokens(answer)
    client = okta.client()
    with pytest.raises(DirectoryUnavailable) as unavailable:
        await client.token()
    assert not unavailable.value.landed
    assert (await client.token()).value == "token-2"


async def test_a_429_of_the_token_endpoint_is_waited_out(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(rate_limited(wait=20))
    began = now()
    await okta.client().token()
    assert now() - began >= timedelta(seconds=20)


async def test_a_token_is_never_shown(okta: ScriptedOkta) -> None:
    okta.says_of_tokens(token("do-not-show"))
    assert "do-not-show" not in repr(await okta.client().token())


def test_the_remedies_are_sentences() -> None:
    for one in REMEDIES:
        assert one.problem.endswith("."), one
        assert one.remedy.endswith("."), one


def test_every_remedy_is_met_by_a_documented_refusal() -> None:
    met = [(error, said.lower()) for _, error, said, _ in DOCUMENTED]
    for one in REMEDIES:
        assert any(one.error == error and one.part in said for error, said in met), one


def test_waits_shorten_together() -> None:
    halved = OktaTiming().scaled(0.5)
    assert halved.deadline == timedelta(seconds=5)
    assert halved.patience == timedelta(minutes=1)


def test_what_leaves_the_client_is_held_against_oktas_description() -> None:
    assert "/oauth2/v1/token" in reference("okta-openapi.json")["paths"]


def _epoch() -> int:
    return int(now().timestamp())
