"""Calls to the sandbox's Okta org, by hand: no client of ours is involved."""

import json
import time
import uuid
from functools import cache
from typing import Any

import httpx
import jwt

from bot.sandbox.okta import OktaOrg
from tests.sandbox import openapi

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CORE = "okta.groups.manage okta.users.read"
ALL = (
    "okta.groups.manage okta.users.manage okta.apps.manage okta.roles.read "
    "okta.logs.read okta.orgs.read"
)


class Calls:
    """An app of the org that calls its API; every answer is held to Okta's document."""

    def __init__(self, org: OktaOrg, client: httpx.Client, **app: Any) -> None:
        self.org = org
        self.client = client
        self.app = org.new_app(**app)
        self.bearer = ""

    @property
    def client_id(self) -> str:
        client_id: str = self.app["client_id"]
        return client_id

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What a good assertion claims, but for what is changed (None: left out)."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self.org.url}/oauth2/v1/token",
            "iat": now - 60,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
        }
        changed = claims | changed
        return {name: value for name, value in changed.items() if value is not None}

    def assertion(
        self, claims: dict[str, Any], *, alg: str = "RS256", **header: Any
    ) -> str:
        """The claims, signed with the app's key."""
        key = _parsed(json.dumps(self.app["private_key"])).key
        header = {"kid": self.app["private_key"]["kid"]} | header
        return jwt.encode(claims, key, algorithm=alg, headers=header)

    def ask_token(self, assertion: str = "", **form: str) -> httpx.Response:
        """The answer of the token endpoint."""
        form = {
            "grant_type": "client_credentials",
            "scope": CORE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(self.claims()),
        } | form
        return self._checked(
            self.client.post(f"{self.org.url}/oauth2/v1/token", data=form)
        )

    def sign_in(self, scope: str = CORE) -> "Calls":
        """Hold a token for these scopes."""
        self.bearer = self.ask_token(scope=scope).json()["access_token"]
        return self

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to a call; the path may be a whole `next` link."""
        address = path if path.startswith("http") else self.org.url + path
        headers = {"Authorization": f"Bearer {self.bearer}"}
        answer = self.client.request(method, address, headers=headers, **options)
        return self._checked(answer)

    def get(self, path: str, **query: Any) -> Any:
        """The body of a call that must succeed."""
        answer = self("GET", path, params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **query: Any) -> list[list[dict[str, Any]]]:
        """Every page of a listing, by its `next` links."""
        pages, answer = [], self("GET", path, params=query or None)
        while True:
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            if "next" not in answer.links:
                return pages
            answer = self("GET", answer.links["next"]["url"])

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        assert answer.headers["x-okta-request-id"]
        is_json = answer.headers.get("content-type", "") == "application/json"
        openapi.check_answer(
            answer.request.method,
            answer.request.url.path,
            answer.status_code,
            answer.json() if is_json else None,
        )
        return answer


@cache
def _parsed(jwk: str) -> jwt.PyJWK:
    return jwt.PyJWK.from_json(jwk)


def refused(answer: httpx.Response) -> tuple[int, str]:
    """The status and the errorCode of a refusal."""
    return answer.status_code, answer.json()["errorCode"]
