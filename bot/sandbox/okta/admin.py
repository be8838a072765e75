"""The app's own keys and roles, the System Log, the org itself."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from bot.sandbox.okta.answers import (
    ApiError,
    answer,
    cursor,
    limit_of,
    link,
    linked,
    nothing,
    page,
)
from bot.sandbox.okta.apps import App, Key, public_part
from bot.sandbox.okta.directory import LogEvent
from bot.sandbox.okta.groups import parsed_filter, read_json
from bot.sandbox.okta.records import role_document, stamp
from bot.sandbox.okta.state import Asked, State

MOST_KEYS = 50
WEEK = 7 * 24 * 3600
LOGGED = frozenset(
    {"eventType", "published", "actor.id", "actor.type", "outcome.result"}
    | {"target.id", "target.type", "transaction.id"}
)


def list_keys(state: State, asked: Asked) -> Response:
    """GET /api/v1/apps/{app}/credentials/jwks.

    Okta's schema says an array, its example {"jwks": {"keys": [...]}}: the org
    answers the one or the other, as it is set.
    """
    address = state.url + asked.path
    keys = [key.document(address) for key in _app(state, asked).keys]
    return answer({"jwks": {"keys": keys}} if state.keys_wrapped else keys)


def get_key(state: State, asked: Asked) -> Response:
    """GET .../jwks/{key}, by Okta's id of the key, which is not its kid."""
    address = (state.url + asked.path).rpartition("/")[0]
    return answer(_key(_app(state, asked), asked).document(address))


def add_key(state: State, asked: Asked) -> Response:
    """POST .../jwks with a public JWK."""
    app, jwk = _app(state, asked), read_json(asked.body)
    asked.effect = f"add key {app.client_id}"
    if not isinstance(jwk, dict) or jwk.get("kty") not in ("RSA", "EC"):
        raise _invalid("'kty' must be RSA or EC.")
    if jwk["kty"] == "RSA" and _bits(jwk) < 2048:
        raise _invalid("RSA key length in the 'jwks' is less than '2,048' bits.")
    if jwk.get("kid") in [key.jwk["kid"] for key in app.keys] + [None, ""]:
        raise _invalid("All keys in the 'jwks' must have a unique `kid`.")
    if len(app.keys) >= MOST_KEYS:
        raise _invalid(f"An app can have at most {MOST_KEYS} keys.")
    status = "ACTIVE" if jwk.pop("status", "ACTIVE") == "ACTIVE" else "INACTIVE"
    key = Key(public_part(jwk), state.clock.stamp(), status)
    app.keys.append(key)
    _noted(state, asked, app, "create")
    return answer(key.document(state.url + asked.path), 201)


def activate_key(state: State, asked: Asked) -> Response:
    """POST .../jwks/{key}/lifecycle/activate."""
    return _set_key(state, asked, "ACTIVE", "activate")


def deactivate_key(state: State, asked: Asked) -> Response:
    """POST .../jwks/{key}/lifecycle/deactivate: never the last active one."""
    app = _app(state, asked)
    key = _key(app, asked)
    if [k for k in app.keys if k.status == "ACTIVE"] == [key]:
        raise _invalid(
            "Can't deactivate the only active JSON Web Key when the value for "
            "`token_endpoint_auth_method` is `private_key_jwt`."
        )
    return _set_key(state, asked, "INACTIVE", "deactivate")


def delete_key(state: State, asked: Asked) -> Response:
    """DELETE .../jwks/{key}: only once it is not active."""
    app = _app(state, asked)
    key = _key(app, asked)
    asked.effect = f"delete key {key.id}"
    if key.status == "ACTIVE":
        raise _invalid(
            "You can't delete an active JSON Web Key. "
            "Deactivate the key before deleting it."
        )
    app.keys.remove(key)
    _noted(state, asked, app, "delete")
    return nothing()


def _set_key(state: State, asked: Asked, status: str, verb: str) -> Response:
    app = _app(state, asked)
    key = _key(app, asked)
    asked.effect = f"{verb} key {key.id}"
    asked.changed = key.status != status
    key.status = status
    _noted(state, asked, app, verb)
    address = state.url + asked.path.partition("/lifecycle/")[0].rpartition("/")[0]
    return answer(key.document(address))


def _noted(state: State, asked: Asked, app: App, verb: str) -> None:
    asked.changed = True if verb in ("create", "delete") else asked.changed
    kind = f"app.oauth2.credentials.lifecycle.{verb}"
    target = [{"id": app.client_id, "type": "PublicClientApp"}]
    state.directory.note(kind, asked.actor, target, asked.request_id)


def _app(state: State, asked: Asked) -> App:
    app = state.apps.apps.get(asked.params["app"])
    if app is None:
        raise ApiError("E0000007", f"{asked.params['app']} (AppInstance)")
    return app


def _key(app: App, asked: Asked) -> Key:
    for key in app.keys:
        if key.id == asked.params["key"]:
            return key
    raise ApiError("E0000007", f"{asked.params['key']} (JsonWebKey)")


def _invalid(cause: str) -> ApiError:
    return ApiError("E0000001", "jwks", [cause])


def _bits(jwk: dict[str, Any]) -> int:
    try:
        return int.from_bytes(urlsafe_b64decode(str(jwk.get("n")) + "==")).bit_length()
    except ValueError as error:
        raise _invalid("'n' is not base64url.") from error


def list_client_roles(state: State, asked: Asked) -> Response:
    """GET /oauth2/v1/clients/{client}/roles."""
    app = _app(state, asked)
    roles = [app.role] if app.role else []
    created = stamp(0)
    return answer([role_document(role, "CLIENT", created) for role in roles])


def get_org(state: State, asked: Asked) -> Response:
    """GET /api/v1/org."""
    return answer(
        {
            "id": "00o00000000000000001",
            "companyName": "Sandbox",
            "subdomain": "sandbox",
            "status": "ACTIVE",
            "created": stamp(0),
            "lastUpdated": stamp(0),
        }
    )


def list_log(state: State, asked: Asked) -> Response:
    """GET /api/v1/logs.

    Okta: a query without `until` polls, and its answers always have a `next`.
    """
    query = asked.query
    if query.get("sortOrder", "ASCENDING") != "ASCENDING":
        raise ApiError("E0000001", "sortOrder", ["The sandbox sorts ASCENDING only."])
    limit = limit_of(query, default=100, most=1000)
    address = state.url + asked.path
    events = _logged(state, query)
    shown, links = page(events, address, query, limit)
    if "until" not in query and len(links) == 1:
        at = cursor(shown[-1].number) if shown else query.get("after", cursor(0))
        links.append(link(address, {**query, "after": at}, "next"))
    return linked(json.dumps([event.document() for event in shown]), links)


def _logged(state: State, query: dict[str, str]) -> Sequence[LogEvent]:
    until = query.get("until", "9")
    since = query.get("since") or stamp(state.clock.now() - WEEK)
    keywords = query.get("q", "").casefold().split()
    fits = parsed_filter(query["filter"], LOGGED) if "filter" in query else None
    return [
        event
        for event in state.directory.log
        if since <= event.published < until
        and (fits is None or fits(event.look))
        and all(word in json.dumps(event.document()).casefold() for word in keywords)
    ]
