"""Which keys are taken, and what is signed with them."""

import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from bot.core.words import SettingError
from bot.okta.credentials import Credentials
from tests.okta.keys import CLIENT_ID, KID, ec_key, jwk, pem, rsa_key, written

AUDIENCE = "https://example.okta.com/oauth2/v1/token"
NOW = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)

RSA, EC = rsa_key(), ec_key()
ONLY_D = {name: jwk(RSA)[name] for name in ("kty", "n", "e", "d", "kid")}

PASTED = {
    "a JWK": written(jwk(RSA)),
    "a JWK with nothing but d": written(ONLY_D),
    "a JWK as text": written(json.dumps(jwk(RSA))),
    "a JWK with null and true in it": written(jwk(RSA, use=None, ext=True)),
    "a JWKS with one key": written({"keys": [jwk(RSA)]}),
    "a JWKS as text": written(json.dumps({"keys": [jwk(RSA)]})),
    "an EC JWK": written(jwk(EC)),
    "a PKCS#8 PEM with kid": written(pem(RSA), kid=KID),
    "a PKCS#1 PEM with kid": written(pem(RSA, "PKCS1"), kid=KID),
    "an EC PEM with kid": written(pem(EC), kid=KID),
    "a SEC1 PEM with kid": written(pem(EC, "PKCS1"), kid=KID),
    "a PEM with escaped newlines": written(pem(RSA).replace("\n", "\\n"), kid=KID),
    "a PEM with Windows newlines": written(pem(RSA).replace("\n", "\r\n"), kid=KID),
    "a PEM with space around it": written(f"\n  {pem(RSA)}  \n", kid=KID),
    "a JWK with the kid beside it": written({**jwk(RSA), "kid": None}, kid=KID),
    "a file with space around it": f"\n {written(jwk(RSA))} \n",
}


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED.keys())
def test_each_format_people_paste_is_taken(text: str) -> None:
    credentials = Credentials.parse(text)
    key: Any = EC if credentials.algorithm == "ES256" else RSA
    assertion = credentials.assertion(AUDIENCE, NOW)
    jwt.decode(
        assertion,
        key.public_key(),
        [credentials.algorithm],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert jwt.get_unverified_header(assertion) == {
        "alg": credentials.algorithm,
        "typ": "JWT",
        "kid": KID,
    }


def test_an_assertion_says_what_okta_wants_of_it() -> None:
    credentials = Credentials.parse(PASTED["a JWK"])
    claims = _claims(credentials.assertion(AUDIENCE, NOW))
    jti = claims.pop("jti")
    now = int(NOW.timestamp())
    assert len(jti) == 36
    assert claims == {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": AUDIENCE,
        "iat": now - 60,
        "exp": now + 300,
    }


def test_no_two_assertions_have_one_jti() -> None:
    credentials = Credentials.parse(PASTED["a JWK"])
    made = {_claims(credentials.assertion(AUDIENCE, NOW))["jti"] for _ in range(5)}
    assert len(made) == 5


@pytest.mark.parametrize(
    ("wished", "signed"),
    [("RS384", "RS384"), ("RS512", "RS512"), ("none", "RS256"), ("HS256", "RS256")],
)
def test_only_algorithms_okta_knows_are_signed_with(wished: str, signed: str) -> None:
    assert Credentials.parse(written(jwk(RSA, alg=wished))).algorithm == signed


@pytest.mark.parametrize(
    ("curve", "signed"),
    [("secp256r1", "ES256"), ("secp384r1", "ES384"), ("secp521r1", "ES512")],
)
def test_the_curve_of_an_ec_key_decides_its_algorithm(curve: str, signed: str) -> None:
    assert Credentials.parse(written(jwk(ec_key(curve)))).algorithm == signed


def _without(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


REFUSED = {
    "nothing": ("", "not JSON"),
    "a PEM alone": (pem(RSA), "not JSON"),
    "a list": ("[]", "not a JSON object"),
    "deep nesting": ("[" * 100_000, "not JSON"),
    "no client id": (json.dumps({"private_key": jwk(RSA)}), "no client_id"),
    "a client id that is no text": (written(jwk(RSA), client_id=7), "no client_id"),
    "no key": (written(None), "no private_key"),
    "a key that is a word": (written("secret-key"), "no private_key"),
    "a key that is a number": (written(7), "no private_key"),
    "no kid in a JWK": (written(jwk(RSA, kid=None)), "no kid"),
    "an empty kid": (written(jwk(RSA, kid=" ")), "no kid"),
    "no kid beside a PEM": (written(pem(RSA)), "no kid"),
    "no keys in a JWKS": (written({"keys": []}), "exactly one key"),
    "two keys in a JWKS": (written({"keys": [jwk(RSA), jwk(RSA)]}), "exactly one key"),
    "a JWKS of words": (written({"keys": ["key"]}), "exactly one key"),
    "the public JWK": (written(jwk(RSA.public_key())), "no private RSA or EC key"),
    "the public EC JWK": (written(jwk(EC.public_key())), "no private RSA or EC key"),
    "a secret": (written({"kty": "oct", "k": "AAAA", "kid": KID}), "as a JWK"),
    "a JWK cut short": (written({**jwk(RSA), "q": ""}), "as a JWK"),
    "a JWK without q": (written(_without(jwk(RSA), "q")), "as a JWK"),
    "a JWK of numbers": (written({**jwk(RSA), "n": 1, "d": 2}), "as a JWK"),
    "a PEM cut short": (written(pem(RSA)[:200], kid=KID), "in PEM"),
    "a PEM with a password": (written(pem(RSA, password=b"x"), kid=KID), "in PEM"),
    "a short RSA key": (written(jwk(rsa_key(1024))), "only 1024 bits"),
    "a short RSA PEM": (written(pem(rsa_key(1024)), kid=KID), "only 1024 bits"),
    "a curve Okta does not know": (
        written(pem(ec_key("secp256k1")), kid=KID),
        "no private RSA or EC key",
    ),
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_usable_key_is_refused_saying_why(text: str, problem: str) -> None:
    with pytest.raises(SettingError) as refused:
        Credentials.parse(text)
    assert problem in refused.value.problem
    assert refused.value.remedy


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_no_error_repeats_a_part_of_what_was_pasted(text: str, problem: str) -> None:
    with pytest.raises(SettingError) as refused:
        Credentials.parse(text)
    chain = f"{refused.value!r} {refused.value.__cause__!r}"
    assert refused.value.__suppress_context__ or not refused.value.__context__
    assert not [part for part in _parts(text) if part in chain]


@pytest.mark.parametrize("text", PASTED.values(), ids=PASTED.keys())
def test_a_representation_shows_no_key(text: str) -> None:
    parsed = Credentials.parse(text)
    assert repr(parsed) == (
        f"Credentials(client_id='{CLIENT_ID}', kid='{KID}', "
        f"algorithm='{parsed.algorithm}')"
    )


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_file_gives_credentials_or_a_setting_error(content: bytes) -> None:
    with pytest.raises(SettingError):
        Credentials.parse(content.decode("utf-8", "replace"))


_members = st.sampled_from(
    ["kty", "n", "e", "d", "p", "q", "dp", "dq", "qi", "crv", "x"]
)
_values = (
    st.none()
    | st.integers(-3, 3)
    | st.text("ABCabc012-_=", max_size=12)
    | st.sampled_from(["RSA", "EC", "oct", "P-256"])
)


@given(st.dictionaries(_members, _values), st.sampled_from([RSA, EC]))
def test_a_key_with_any_member_spoilt_never_raises_anything_else(
    spoilt: dict[str, Any], key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    try:
        parsed = Credentials.parse(written({**jwk(key), **spoilt}))
    except SettingError:
        return
    assert parsed.assertion(AUDIENCE, NOW)


@given(st.integers(0, 1700), st.integers(0, 1700))
def test_a_pem_with_any_piece_cut_out_never_raises_anything_else(
    start: int, end: int
) -> None:
    text = pem(RSA)
    try:
        Credentials.parse(written(text[: min(start, end)] + text[max(start, end) :]))
    except SettingError:
        return


def _claims(assertion: str) -> dict[str, Any]:
    return jwt.decode(assertion, options={"verify_signature": False})


def _parts(text: str) -> list[str]:
    """Pieces of `text` that only a key has."""
    return [text[at : at + 16] for at in range(60, len(text) - 16, 16)]
