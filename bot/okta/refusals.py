"""Why Okta gives no token, and what to do about it, one sentence each.

Okta's `error` decides; its description only chooses the sentence, and is never
repeated. An unknown description still gets a remedy that fits its error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.words import SettingError


@dataclass(frozen=True)
class Remedy:
    """What is wrong and what to do, where an error's description says `part`."""

    error: str
    part: str
    problem: str
    remedy: str


_CLOCK = (
    "Okta finds the time in our signed request wrong.",
    "Set this machine's clock by NTP.",
)
_KEY_URL = (
    "Okta cannot read the app's public keys at its URL.",
    "Open the URL under General > Client Credentials > Public Keys from outside.",
)
_DPOP = (
    "The app still requires DPoP.",
    "Open the app in Okta: General > untick Require DPoP.",
)
_BUG = (
    "Okta does not take the form of our token request.",
    "Update access-bot; if that does not help, report it with this sentence.",
)

REMEDIES: Sequence[Remedy] = (
    Remedy("invalid_client", "is expired", *_CLOCK),
    Remedy("invalid_client", "too far into the future", *_CLOCK),
    Remedy("invalid_client", "before the current time", *_CLOCK),
    Remedy(
        "invalid_client",
        "kid is invalid",
        "Okta does not know the key id (kid) of the credentials.",
        "Copy the KID that the app's General tab shows, or add the public key there.",
    ),
    Remedy(
        "invalid_client",
        "signature",
        "The private key does not belong to the public key that Okta has.",
        "Add the public half of this pair under General > Client Credentials.",
    ),
    Remedy(
        "invalid_client",
        "audience claim",
        "Okta knows this org under another address than {host}.",
        "Set org_url to the address of the org, or to its custom domain.",
    ),
    Remedy(
        "invalid_client",
        "already been used",
        "Okta saw the same signed request twice.",
        "Something on the way repeats requests: let the bot reach {host} directly.",
    ),
    Remedy("invalid_client", "jwks_uri", *_KEY_URL),
    Remedy(
        "invalid_client",
        "does not have a jwk",
        "The app in Okta has no public key.",
        "Add one under General > Client Credentials > Public key / Private key.",
    ),
    Remedy(
        "invalid_client",
        "private_key_jwt",
        "The app in Okta does not authenticate with a key pair.",
        "Choose General > Client Credentials > Public key / Private key.",
    ),
    Remedy(
        "invalid_client",
        "application_type",
        "The app in Okta is not a service app.",
        "Create an app integration of the kind API Services, and use its client id.",
    ),
    Remedy(
        "invalid_client",
        "claim for client_assertion is not a valid client_id",
        "Okta knows no app with this client_id.",
        "Copy the Client ID from the app's General tab.",
    ),
    Remedy(
        "invalid_client",
        "",
        "Okta does not accept the app's client id and key.",
        "See that the app is active, and compare client_id and kid with its General "
        "tab.",
    ),
    Remedy(
        "invalid_scope",
        "",
        "The app does not have all the scopes it needs: {scopes}.",
        "Open the app in Okta: Okta API Scopes > Grant each of them.",
    ),
    Remedy("invalid_dpop_proof", "", *_DPOP),
    Remedy("use_dpop_nonce", "", *_DPOP),
    Remedy(
        "access_denied",
        "network zone",
        "Okta does not let the app in from this network.",
        "Add this machine's address to the app's network zone, or lift that limit.",
    ),
    Remedy(
        "access_denied",
        "",
        "A policy of the org keeps the app from getting a token.",
        "Ask an Okta admin which policy or feature refuses the app (System Log).",
    ),
    Remedy(
        "unauthorized_client",
        "",
        "The app may not use client credentials.",
        "Open the app in Okta: General > Grant type > tick Client Credentials.",
    ),
    Remedy(
        "unsupported_grant_type",
        "",
        "The address {host} is not an org that gives tokens for its own API.",
        "Set org_url to the org itself, without the path of another server.",
    ),
    Remedy("invalid_request", "", *_BUG),
)
"""The first that fits counts: the general sentence of an error comes last."""

_UNKNOWN = Remedy(
    "",
    "",
    "Okta refuses the app a token, in a way that is not documented.",
    "Look for app.oauth2.token.grant in the org's System Log.",
)


def remedy_for(
    error: str,
    description: str,
    *,
    host: str,
    scopes: Sequence[str],
    skew: timedelta,
) -> SettingError:
    """Return the SettingError for a refusal of the token endpoint."""
    said = description.lower()
    fits = (r for r in REMEDIES if r.error == error and r.part in said)
    found = next(fits, _UNKNOWN)
    problem = found.problem.format(host=host, scopes=" ".join(scopes))
    if found.problem == _CLOCK[0] and skew:
        problem += f" It differs from Okta's by {abs(skew).total_seconds():.0f} s."
    return SettingError(problem, found.remedy.format(host=host))
