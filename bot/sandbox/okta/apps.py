"""API Services apps: their public keys, scopes and admin roles, and tokens.

An assertion is really verified, with the app's registered public keys, as
Okta's org authorization server does it.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bot.sandbox.okta.answers import OAuthError
from bot.sandbox.okta.directory import Clock
from bot.sandbox.okta.records import new_id

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
HOUR = 3600
SCOPES = frozenset(
    f"okta.{resource}.{verb}"
    for resource in ("groups", "users", "apps", "roles", "logs", "orgs", "clients")
    for verb in ("read", "manage")
)
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi"})


@dataclass
class Key:
    """A public key of an app, as `credentials/jwks` shows it."""

    jwk: dict[str, Any]
    created: str
    status: str = "ACTIVE"
    id: str = field(default_factory=lambda: new_id("pks"))

    def document(self, address: str) -> dict[str, Any]:
        """The key as JSON, with the links of what may be done to it."""
        here = f"{address}/{self.id}"
        activate = {"href": f"{here}/lifecycle/activate"}
        deactivate = {"href": f"{here}/lifecycle/deactivate"}
        active = self.status == "ACTIVE"
        links = {"deactivate": deactivate} if active else {"activate": activate}
        if not active:
            links["delete"] = {"href": here}
        return {
            **self.jwk,
            "id": self.id,
            "status": self.status,
            "created": self.created,
            "lastUpdated": self.created,
            "_links": links,
        }


@dataclass
class App:
    """An API Services app. `role_groups` None: the role holds for all groups."""

    client_id: str
    scopes: frozenset[str]
    role: str | None
    role_groups: frozenset[str] | None = None
    keys: list[Key] = field(default_factory=list)
    dpop: bool = False


@dataclass(frozen=True)
class Token:
    """An access token: opaque to the client, `until` in epoch seconds."""

    client_id: str
    scopes: frozenset[str]
    until: float


@dataclass
class Apps:
    """The apps of the org and the tokens they hold."""

    clock: Clock
    apps: dict[str, App] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    burnt: set[str] = field(default_factory=set)
    lifetime: float = HOUR

    def register(self, app: App) -> None:
        """Let the app ask for tokens."""
        self.apps[app.client_id] = app

    def token(self, bearer: str) -> Token | None:
        """The token of an Authorization header while it is good."""
        token = self.tokens.get(bearer)
        return token if token and token.until > self.clock.now() else None

    def grant(self, form: dict[str, str], endpoint: str, dpop: str | None) -> Any:
        """The body of a successful token answer. Raises OAuthError."""
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "Not a grant type we take.")
        if "client_id" in form or "client_secret" in form:
            raise OAuthError(
                400, "invalid_request", "Can't supply multiple client credentials."
            )
        app = self._verified(form, endpoint)
        scopes = _granted(app, form.get("scope", ""))
        if app.dpop:
            _require_proof(dpop)
        return self._issued(app, scopes)

    def _issued(self, app: App, scopes: list[str]) -> dict[str, Any]:
        bearer = secrets.token_urlsafe(32)
        until = self.clock.now() + self.lifetime
        self.tokens[bearer] = Token(app.client_id, frozenset(scopes), until)
        return {
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
            "access_token": bearer,
            "scope": " ".join(scopes),
        }

    def _verified(self, form: dict[str, str], endpoint: str) -> App:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError(
                400, "invalid_request", "The client_assertion_type is invalid."
            )
        assertion = form.get("client_assertion", "")
        header, claims = _parsed(assertion)
        app = self._issuer(claims)
        _require_signature(app, header, assertion)
        # NB. Okta burns the jti of every request it can attribute, also of those
        # it then answers with an error: a retry must be signed anew.
        self._burn(claims)
        self._require_times(claims)
        if claims.get("aud") != endpoint:
            raise _invalid("The audience claim for {} must be the endpoint invoked.")
        return app

    def _issuer(self, claims: dict[str, Any]) -> App:
        app = self.apps.get(str(claims.get("iss")))
        if app is None:
            raise _invalid("The issuer claim for {} is not a valid client_id.")
        if claims.get("sub") != app.client_id:
            raise _invalid("The subject claim for {} is not a valid client_id.")
        return app

    def _burn(self, claims: dict[str, Any]) -> None:
        if "jti" not in claims:
            return
        if str(claims["jti"]) in self.burnt:
            raise _invalid("The {} token has already been used.")
        self.burnt.add(str(claims["jti"]))

    def _require_times(self, claims: dict[str, Any]) -> None:
        now, expires, issued = self.clock.now(), claims.get("exp"), claims.get("iat")
        if type(expires) is not int:
            raise _invalid(
                "The {} must contain the 'exp' claim as seconds since epoch."
            )
        if expires <= now:
            raise _invalid("The {} token is expired.")
        if expires > now + HOUR:
            raise _invalid("The {} token has an expiration too far into the future.")
        if issued is not None and not (type(issued) is int and issued <= now):
            raise _invalid("The {} token must be issued before the current time.")


def _invalid(description: str) -> OAuthError:
    text = description.format("client_assertion")
    return OAuthError(401, "invalid_client", text)


def _parsed(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if not assertion:
        raise OAuthError(401, "invalid_client", "No client credentials found.")
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
        return jwt.get_unverified_header(assertion), claims
    except jwt.InvalidTokenError as error:
        raise _invalid("The parsing of the {} failed.") from error


def _require_signature(app: App, header: dict[str, Any], assertion: str) -> None:
    if header.get("alg") not in ALGORITHMS:
        raise _invalid("The {} JWT signature algorithm is invalid.")
    key = _key_for(app, header.get("kid"))
    try:
        # Only the signature: each claim has an error of its own.
        key_for_this = jwt.PyJWK(key.jwk, algorithm=header["alg"])
        jwt.PyJWS().decode(assertion, key_for_this, algorithms=[header["alg"]])
    except jwt.PyJWTError as error:
        raise _invalid("The {} signature is invalid.") from error


def _key_for(app: App, kid: object) -> Key:
    active = [key for key in app.keys if key.status == "ACTIVE"]
    if not active:
        raise _invalid("The client does not have a JWKSet configured.")
    for key in active:
        if key.jwk.get("kid") == kid:
            return key
    raise _invalid("The {} JWT kid is invalid.")


def _granted(app: App, scope: str) -> list[str]:
    wanted = scope.split()
    if not wanted:
        raise OAuthError(400, "invalid_scope", "No scopes were requested.")
    refused = [one for one in wanted if one not in app.scopes]
    if refused:
        text = f"The following scopes are not allowed for this request: {refused}."
        raise OAuthError(400, "invalid_scope", text)
    return wanted


def _require_proof(dpop: str | None) -> None:
    if not dpop:
        text = "The DPoP proof JWT header is missing."
        raise OAuthError(400, "invalid_dpop_proof", text)
    text = "Authorization server requires nonce in DPoP proof."
    raise OAuthError(400, "use_dpop_nonce", text)


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form; of a field given twice, the last."""
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


@dataclass
class KeyRing:
    """Key pairs, made once and handed out again after each `rewind`."""

    _made: list[dict[str, Any]] = field(default_factory=list)
    _next: int = 0

    def take(self) -> dict[str, Any]:
        """A private RSA key of 2048 bits as a JWK with its kid."""
        if self._next == len(self._made):
            self._made.append(_new_pair())
        self._next += 1
        return dict(self._made[self._next - 1])

    def rewind(self) -> None:
        """Begin again with the first."""
        self._next = 0


def _new_pair() -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(RSAAlgorithm.to_jwk(private))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": secrets.token_urlsafe(32), "alg": "RS256", "use": "sig"}


def public_part(jwk: dict[str, Any]) -> dict[str, Any]:
    """The JWK without what must stay secret."""
    return {name: value for name, value in jwk.items() if name not in PRIVATE}
