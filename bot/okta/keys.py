"""The app's own key pairs: a new one made, those that Okta knows read.

A private key is given to whoever asked for it and kept nowhere. Nothing here
changes the app in Okta: an admin adds the public half there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bot.core.words import DirectoryUnavailable
from bot.okta.client import OktaClient
from bot.okta.credentials import LEAST_RSA_BITS

READ_SCOPE = "okta.apps.read"
"""What Okta asks for to list an app's keys. The bot's main job needs no such thing."""

MOST_KEYS = 50
"""Okta: up to 50 keys per app."""

_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi"})
_ABOUT = {"alg": "RS256", "use": "sig"}


@dataclass(frozen=True)
class KeyPair:
    """A new pair: the JWK for Okta, and the one to keep."""

    public: Mapping[str, Any]
    private: Mapping[str, Any] = field(repr=False)

    @property
    def kid(self) -> str:
        return str(self.public["kid"])


@dataclass(frozen=True)
class AppKey:
    """A public key of the app, as Okta lists it. `created` is None if it is not told.

    `kid` is what assertions name; Okta's own id of the key is another one.
    """

    kid: str
    is_active: bool
    created: datetime | None


def new_key_pair() -> KeyPair:
    """Return an RSA pair of the size that Okta asks for, with a kid of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=LEAST_RSA_BITS)
    made = RSAAlgorithm.to_jwk(key, as_dict=True)
    made.pop("key_ops", None)
    private = {**made, "kid": token_urlsafe(24), **_ABOUT}
    public = {name: value for name, value in private.items() if name not in _SECRET}
    return KeyPair(public, private)


async def app_keys(client: OktaClient, client_id: str) -> list[AppKey]:
    """Return every public key of the app, the inactive ones too.

    The id of an API Services app is its client id. `client` has to be made with
    READ_SCOPE; raises DirectoryRefused where the app's admin role does not let it
    read apps.
    """
    path = f"/api/v1/apps/{client_id}/credentials/jwks"
    answer = await client.request("GET", path)
    return [_read_key(item) for item in _listed(answer.data)]


def _listed(data: object) -> list[Mapping[str, Any]]:
    """Return the keys of an answer. Okta's schema says a list, its example jwks."""
    inner = data.get("jwks") if isinstance(data, Mapping) else data
    keys = inner.get("keys") if isinstance(inner, Mapping) else inner
    if not isinstance(keys, list) or not all(isinstance(k, Mapping) for k in keys):
        raise DirectoryUnavailable("Okta's list of keys is not of a documented shape.")
    return keys


def _read_key(item: Mapping[str, Any]) -> AppKey:
    return AppKey(
        kid=str(item.get("kid") or ""),
        is_active=item.get("status", "ACTIVE") == "ACTIVE",
        created=_instant(item.get("created")),
    )


def _instant(text: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return read if read.tzinfo else None
