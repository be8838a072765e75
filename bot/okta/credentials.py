"""The key pair that the bot proves itself with: its formats, its assertions.

It reads what people paste: a JWK, a JWKS with one key, or a PEM with its key
id; RSA of at least 2048 bits, or EC. It never writes a key anywhere, and no
error or representation holds a part of one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Self
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from bot.core.words import SettingError

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

LEAST_RSA_BITS = 2048
"""Okta: "RSA key length in the 'jwks' is less than '2,048' bits"."""

LIVES = timedelta(minutes=5)
"""How long an assertion is good for. Okta allows at most an hour."""

BACKDATED = timedelta(minutes=1)
"""Okta: the token "must be issued before the current time", with no leeway."""

SHAPE = 'Write {"client_id": "0oa...", "private_key": <JWK, or PEM with "kid">}.'

_RSA_ALGORITHMS = ("RS256", "RS384", "RS512")
_EC_ALGORITHMS: Mapping[str, str] = MappingProxyType(
    {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
)
_NOT_A_KEY = (
    jwt.PyJWTError,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
)


@dataclass(frozen=True)
class Credentials:
    """A client id with its private key, parsed once."""

    client_id: str
    kid: str
    algorithm: str
    key: PrivateKey = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the credentials written in `text`.

        Raises SettingError, saying what is missing, and never what is there.
        """
        written = _json_object(text)
        client_id = written.get("client_id")
        if not isinstance(client_id, str) or not client_id.strip():
            raise SettingError("The Okta credentials have no client_id.", SHAPE)
        key, jwk = _key_of(written.get("private_key"))
        kid = jwk.get("kid") or written.get("kid")
        if not isinstance(kid, str) or not kid.strip():
            raise SettingError(
                "The Okta credentials have no kid beside the private key.",
                "Copy the key id (KID) that the app's General tab shows for the key.",
            )
        return cls(client_id.strip(), kid.strip(), _algorithm(key, jwk), key)

    @property
    def public(self) -> Mapping[str, Any]:
        """The public half, as a JWK.

        NB. It is made of the public key alone: whatever was written beside the
        private one, in whatever shape, cannot be in it.
        """
        kind = ECAlgorithm if self.algorithm.startswith("ES") else RSAAlgorithm
        jwk = json.loads(kind.to_jwk(self.key.public_key()))  # type: ignore[arg-type]
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def assertion(self, audience: str, now: datetime) -> str:
        """Return a signed assertion for `audience`, single-use, good from `now`.

        Okta burns the jti of each request, even of those it refuses: every
        attempt needs an assertion of its own.
        """
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": int((now - BACKDATED).timestamp()),
            "exp": int((now + LIVES).timestamp()),
            "jti": str(uuid4()),
        }
        return jwt.encode(
            claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid}
        )


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        written = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingError("The Okta credentials are not JSON.", SHAPE) from None
    if not isinstance(written, dict):
        raise SettingError("The Okta credentials are not a JSON object.", SHAPE)
    return written


def _key_of(value: object) -> tuple[PrivateKey, Mapping[str, Any]]:
    """Return the key, and the JWK it came from (empty for a PEM)."""
    if isinstance(value, str):
        value = value.strip()
        if "-----BEGIN" in value:
            return _from_pem(value), {}
        value = _json_object(value) if value.startswith("{") else None
    if not isinstance(value, dict):
        raise SettingError("The Okta credentials have no private_key.", SHAPE)
    jwk = _only_key(value)
    return _from_jwk(jwk), jwk


def _only_key(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JWK that `value` is, or the one key of the JWKS it is."""
    if "keys" not in value:
        return value
    keys = value["keys"]
    if isinstance(keys, list) and len(keys) == 1 and isinstance(keys[0], dict):
        return keys[0]
    raise SettingError(
        "The Okta credentials hold a key set without exactly one key.",
        "Keep the one private key that the bot is to use.",
    )


def _from_pem(text: str) -> PrivateKey:
    pem = text.replace("\\r", "").replace("\\n", "\n")
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except _NOT_A_KEY:
        raise SettingError(
            "The private_key of the Okta credentials is no private key in PEM.",
            "Paste the whole PEM, without a password, BEGIN and END lines included.",
        ) from None
    return _strong(key)


def _from_jwk(jwk: Mapping[str, Any]) -> PrivateKey:
    reader = ECAlgorithm if jwk.get("kty") == "EC" else RSAAlgorithm
    try:
        key = reader.from_jwk(dict(jwk))
    except _NOT_A_KEY:
        raise SettingError(
            "The private_key of the Okta credentials is no private key as a JWK.",
            "Generate a new key in the app's General tab and paste it whole.",
        ) from None
    return _strong(key)


def _strong(key: object) -> PrivateKey:
    """Return `key` if Okta takes its kind and size, else raise SettingError."""
    if isinstance(key, RSAPrivateKey):
        if key.key_size >= LEAST_RSA_BITS:
            return key
        raise SettingError(
            f"The private key has only {key.key_size} bits.",
            f"Okta wants RSA keys of at least {LEAST_RSA_BITS} bits.",
        )
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in _EC_ALGORITHMS:
        return key
    raise SettingError(
        "The private_key of the Okta credentials is no private RSA or EC key.",
        "Paste the private half of the pair; P-256, P-384 and P-521 are the curves.",
    )


def _algorithm(key: PrivateKey, jwk: Mapping[str, Any]) -> str:
    if isinstance(key, EllipticCurvePrivateKey):
        return _EC_ALGORITHMS[key.curve.name]
    wished = jwk.get("alg")
    return wished if wished in _RSA_ALGORITHMS else _RSA_ALGORITHMS[0]
