"""The app's own key pairs: a new one made, those that Okta knows read.

A private key is given to whoever asked for it and kept nowhere. What changes the
app in Okta needs an app that may do everything there, and is off as a rule.
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
from bot.okta.directory import path_id

READ_SCOPE = "okta.apps.read"
"""What Okta asks for to list an app's keys. The bot's main job needs no such thing."""

MANAGE_SCOPE = "okta.apps.manage"
"""What Okta asks for to change an app's keys, beside Super Admin."""

MOST_KEYS = 50
"""Okta: up to 50 keys per app."""

_PUBLIC = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
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

    `kid` is what assertions name; `id` is Okta's own, another one.
    """

    kid: str
    is_active: bool
    created: datetime | None
    id: str = ""


def new_key_pair() -> KeyPair:
    """Return an RSA pair of the size that Okta asks for, with a kid of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=LEAST_RSA_BITS)
    made = RSAAlgorithm.to_jwk(key, as_dict=True)
    made.pop("key_ops", None)
    private = {**made, "kid": token_urlsafe(24), **_ABOUT}
    return KeyPair(public_part(private), private)


def public_part(jwk: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the public half of a JWK: what is known to be public, and no more."""
    return {name: jwk[name] for name in _PUBLIC if name in jwk}


async def add_key(
    client: OktaClient, client_id: str, public: Mapping[str, Any]
) -> None:
    """Let Okta know a public key of the app, active at once. Needs MANAGE_SCOPE."""
    path = f"/api/v1/apps/{path_id(client_id)}/credentials/jwks"
    await client.request("POST", path, json={**public, "status": "ACTIVE"})


async def remove_key(client: OktaClient, client_id: str, key: AppKey) -> None:
    """Deactivate a public key of the app and delete it. Needs MANAGE_SCOPE.

    Okta refuses to deactivate the last active one, and to delete an active one.
    """
    path = f"/api/v1/apps/{path_id(client_id)}/credentials/jwks/{path_id(key.id)}"
    if key.is_active:
        await client.request("POST", f"{path}/lifecycle/deactivate")
    await client.request("DELETE", path)


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
        id=str(item.get("id") or ""),
    )


def _instant(text: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return read if read.tzinfo else None
