"""Stores of secrets, each over something real: found, missing, denied, odd, slow."""

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.core.words import SettingError
from bot.sandbox.serving import Loopback
from bot.secrets import azure, gcp, read_secret, stores, write_secret

OKTA = {"client_id": "0oa1", "private_key": {"kty": "RSA", "kid": "one"}}
SECRET = "the text that no error may tell"
SLOW = 0.2

Answering = Callable[[Request, bytes], Response]
Serve = Callable[[Answering], str]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve what answers, on loopback, and be impatient with it."""
    for module in ("aws", "gcp", "azure", "vault", "kubernetes"):
        monkeypatch.setattr(f"bot.secrets.{module}.PATIENCE", SLOW)
    with Loopback() as loopback:

        def begin(answer: Answering) -> str:
            async def app(scope: Any, receive: Any, send: Any) -> None:
                request = Request(scope, receive)
                response = answer(request, await request.body())
                if response.headers.get("x-slow"):
                    await asyncio.sleep(5 * SLOW)
                await response(scope, receive, send)

            return loopback.serve(app)  # type: ignore[arg-type]

        yield begin


def _refused(reference: str, match: str) -> None:
    with pytest.raises(SettingError, match=match) as refused:
        read_secret(reference)
    assert SECRET not in f"{refused.value}{refused.value.__cause__}"


def _slow() -> Response:
    return PlainTextResponse(SECRET, headers={"x-slow": "yes"})


ODD = {
    "denied": "does not let the bot",
    "missing": "There is no secret",
    "odd": "did not answer|is empty",
    "slow": "did not answer",
    "down": "did not answer",
}


# AWS


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


@pytest.mark.filterwarnings("ignore")
def test_aws_by_its_own_mock_server(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        client.create_secret(Name="prod/okta", SecretString=json.dumps(OKTA))
        reference = "aws-secretsmanager:eu-west-1/prod/okta"
        assert json.loads(read_secret(reference)) == OKTA
        write_secret(reference, "another")
        assert read_secret(reference) == "another"
        _refused("aws-secretsmanager:eu-west-1/prod/none", "There is no secret")
    finally:
        server.stop()


@pytest.mark.parametrize("case", ["denied", "odd", "slow", "down"])
def test_aws_that_refuses_or_fails(
    aws: None, serve: Serve, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_request: Request, _body: bytes) -> Response:
        if case == "slow":
            return _slow()
        if case == "denied":
            told = {"__type": "AccessDeniedException", "message": SECRET}
            return JSONResponse(told, 400)
        return JSONResponse({"Other": SECRET}, 500 if case == "down" else 200)

    monkeypatch.setenv("AWS_ENDPOINT_URL", serve(answer))
    _refused("aws-secretsmanager:eu-west-1/okta", ODD[case])


# Google, through its REST transport


def _google(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import secretmanager
    from google.cloud.secretmanager_v1.services.secret_manager_service import (
        transports,
    )

    transport = transports.SecretManagerServiceRestTransport(
        host=url.removeprefix("http://"),
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        url_scheme="http",
    )
    made = secretmanager.SecretManagerServiceClient(transport=transport)
    monkeypatch.setattr(gcp, "client", lambda: made)


def test_google_gives_the_latest_version_and_takes_a_new_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [json.dumps(OKTA).encode()]

    def answer(request: Request, body: bytes) -> Response:
        path = "/v1/projects/ours/secrets/okta"
        if request.url.path == f"{path}/versions/latest:access":
            data = base64.b64encode(kept[-1]).decode()
            return JSONResponse({"payload": {"data": data}})
        assert request.url.path == f"{path}:addVersion"
        kept.append(base64.b64decode(json.loads(body)["payload"]["data"]))
        return JSONResponse({"name": "2"})

    _google(serve(answer), monkeypatch)
    reference = "gcp-secretmanager:ours/okta"
    assert json.loads(read_secret(reference)) == OKTA
    write_secret(reference, "another")
    assert read_secret(reference) == "another"


@pytest.mark.parametrize("case", ODD)
def test_google_that_refuses_or_fails(
    serve: Serve, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {"denied": 403, "missing": 404, "down": 503}

    def answer(_request: Request, _body: bytes) -> Response:
        if case == "slow":
            return _slow()
        if case == "odd":
            return JSONResponse({"payload": {}})
        return JSONResponse({"error": {"message": SECRET}}, status[case])

    _google(serve(answer), monkeypatch)
    _refused("gcp-secretmanager:ours/okta", ODD[case])


# Azure, through a transport of its own library


class Token:
    """A credential that needs nobody."""

    def get_token(self, *_scopes: str, **_more: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("token", 9_999_999_999)


def _azure(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.pipeline.transport import RequestsTransport
    from azure.keyvault.secrets import SecretClient

    class Redirecting(RequestsTransport):  # type: ignore[misc]
        """Sends what is for the vault to a server on loopback."""

        def send(self, request: Any, **given: Any) -> Any:
            asked = request.url
            request.url = asked.replace("https://ours.vault.azure.net", url)
            try:
                return super().send(request, **given)
            finally:
                request.url = asked

    def client(vault: str) -> Any:
        return SecretClient(
            vault,
            Token(),
            transport=Redirecting(connection_timeout=SLOW, read_timeout=SLOW),
            retry_total=0,
        )

    monkeypatch.setattr(azure, "client", client)


CHALLENGE = (
    'Bearer authorization="https://login.microsoftonline.com/t", '
    'resource="https://vault.azure.net"'
)


def _challenged(answer: Answering) -> Answering:
    """Answer the first call of a client as a vault does: who are you?"""

    def challenge(request: Request, body: bytes) -> Response:
        if "authorization" not in request.headers:
            return Response(status_code=401, headers={"WWW-Authenticate": CHALLENGE})
        return answer(request, body)

    return challenge


REFERENCE = "azure-keyvault:https://ours.vault.azure.net/okta"
SECRET_ID = "https://ours.vault.azure.net/secrets/okta/1"


def test_azure_gives_the_newest_version_and_takes_a_new_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [json.dumps(OKTA)]

    def answer(request: Request, body: bytes) -> Response:
        if request.method == "PUT":
            kept.append(json.loads(body)["value"])
        return JSONResponse({"value": kept[-1], "id": SECRET_ID, "attributes": {}})

    _azure(serve(_challenged(answer)), monkeypatch)
    assert json.loads(read_secret(REFERENCE)) == OKTA
    write_secret(REFERENCE, "another")
    assert read_secret(REFERENCE) == "another"


@pytest.mark.parametrize("case", ODD)
def test_azure_that_refuses_or_fails(
    serve: Serve, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {"denied": 403, "missing": 404, "down": 503}

    def answer(_request: Request, _body: bytes) -> Response:
        if case == "slow":
            return _slow()
        if case == "odd":
            return JSONResponse({"id": SECRET_ID, "attributes": {}})
        return JSONResponse({"error": {"code": "x", "message": SECRET}}, status[case])

    _azure(serve(_challenged(answer)), monkeypatch)
    _refused(REFERENCE, ODD[case])


def test_a_vault_without_https_is_refused() -> None:
    _refused("azure-keyvault:http://ours.vault.azure.net/okta", "is not https")


# Vault


class Kv:
    """A kv engine as Vault documents it, of version 1 or 2."""

    def __init__(self, version: int, case: str = "") -> None:
        self.version, self.case = version, case
        self.kept: dict[str, Any] = dict(OKTA)

    def __call__(self, request: Request, body: bytes) -> Response:
        if request.url.path == "/v1/auth/kubernetes/login":
            assert json.loads(body) == {"role": "bot", "jwt": "of the pod"}
            return JSONResponse({"auth": {"client_token": "token"}})
        assert request.headers["x-vault-token"] == "token"
        if request.url.path.startswith("/v1/sys/internal/ui/mounts/"):
            options = {"version": str(self.version)} if self.version == 2 else None
            return JSONResponse({"data": {"options": options}})
        place = "/v1/kv/data/okta" if self.version == 2 else "/v1/kv/okta"
        assert request.url.path == place
        return self._failed() or self._secret(request, body)

    def _failed(self) -> Response | None:
        match self.case:
            case "slow":
                return _slow()
            case "odd":
                return JSONResponse({"data": None})
            case "missing":
                return JSONResponse({"errors": []}, 404)
            case "denied":
                return JSONResponse({"errors": [SECRET]}, 403)
            case "down":
                return JSONResponse({"errors": [SECRET]}, 503)
        return None

    def _secret(self, request: Request, body: bytes) -> Response:
        if request.method in ("POST", "PUT"):
            sent = json.loads(body)
            self.kept = sent["data"] if self.version == 2 else sent
            return JSONResponse({"data": {}})
        data = {"data": self.kept} if self.version == 2 else self.kept
        return JSONResponse({"data": data})


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "token")


@pytest.mark.parametrize("version", [1, 2])
def test_vault_gives_the_fields_of_a_secret_and_takes_others(
    token: None, serve: Serve, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Kv(version)
    monkeypatch.setenv("VAULT_ADDR", serve(engine))
    assert json.loads(read_secret("vault:kv/okta")) == OKTA
    write_secret("vault:kv/okta", json.dumps({**OKTA, "client_id": "0oa2"}))
    assert engine.kept == {**OKTA, "client_id": "0oa2"}
    engine.kept = {"value": "xoxb-1"}
    assert read_secret("vault:kv/okta") == "xoxb-1"
    write_secret("vault:kv/okta", "xoxb-2")
    assert engine.kept == {"value": "xoxb-2"}


def test_vault_lets_a_pod_in_by_its_service_account(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account = tmp_path / "token"
    account.write_text("of the pod")
    monkeypatch.setattr("bot.secrets.vault.ACCOUNT", account)
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    monkeypatch.setenv("VAULT_ROLE", "bot")
    monkeypatch.setenv("VAULT_ADDR", serve(Kv(2)))
    assert json.loads(read_secret("vault:kv/okta")) == OKTA


def test_vault_without_a_way_in_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_ROLE"):
        monkeypatch.delenv(name, raising=False)
    _refused("vault:kv/okta", "VAULT_ADDR is not set")
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    _refused("vault:kv/okta", "no way into Vault")


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("version", [1, 2])
def test_vault_that_refuses_or_fails(
    token: None, serve: Serve, case: str, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", serve(Kv(version, case)))
    _refused("vault:kv/okta", ODD[case])


# Kubernetes


def _cluster(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "bot", "user": {"token": "token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "bot"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(here))
    monkeypatch.setenv("KUBECONFIG", str(path))


def _encoded(fields: dict[str, str]) -> dict[str, str]:
    return {
        key: base64.b64encode(each.encode()).decode() for key, each in fields.items()
    }


def test_kubernetes_gives_a_secret_and_takes_another(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = _encoded({"client_id": "0oa1", "private_key": "{}"})

    def answer(request: Request, body: bytes) -> Response:
        nonlocal kept
        assert request.url.path == "/api/v1/namespaces/prod/secrets/okta"
        assert request.headers["authorization"] == "Bearer token"
        if request.method == "PATCH":
            ((change,),) = (json.loads(body),)
            assert (change["op"], change["path"]) == ("replace", "/data")
            kept = change["value"]
        return JSONResponse({"kind": "Secret", "apiVersion": "v1", "data": kept})

    _cluster(serve(answer), tmp_path, monkeypatch)
    reference = "kubernetes:prod/okta"
    assert json.loads(read_secret(reference)) == {
        "client_id": "0oa1",
        "private_key": "{}",
    }
    write_secret(reference, json.dumps(OKTA))
    assert json.loads(read_secret(reference)) == OKTA
    assert set(kept) == {"value"}


@pytest.mark.parametrize("case", ODD)
def test_kubernetes_that_refuses_or_fails(
    serve: Serve, case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = {"denied": 403, "missing": 404, "down": 503}

    def answer(_request: Request, _body: bytes) -> Response:
        if case == "slow":
            return _slow()
        if case == "odd":
            return JSONResponse({"kind": "Secret", "data": {"value": "%%%"}})
        return JSONResponse({"message": SECRET}, status[case])

    _cluster(serve(answer), tmp_path, monkeypatch)
    _refused("kubernetes:prod/okta", ODD[case])


# All of them


@pytest.mark.parametrize(
    ("reference", "extra", "module"),
    [
        ("aws-secretsmanager:eu-west-1/okta", "aws", "boto3"),
        ("gcp-secretmanager:ours/okta", "gcp", "google.api_core.exceptions"),
        (REFERENCE, "azure", "azure.core.exceptions"),
        ("vault:kv/okta", "vault", "hvac"),
        ("kubernetes:prod/okta", "kubernetes", "kubernetes"),
    ],
)
def test_a_missing_extra_is_one_sentence_that_names_the_install(
    token: None,
    reference: str,
    extra: str,
    module: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingError) as refused:
        read_secret(reference)
    assert refused.value.remedy == f"Run: pip install 'okta-access-bot[{extra}]'"


@pytest.mark.parametrize("kind", ["aws-secretsmanager", "vault", "kubernetes"])
def test_a_reference_that_is_not_whole_is_refused(
    token: None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    monkeypatch.setattr(stores, "PATIENCE", SLOW)
    _refused(f"{kind}:only", "is not whole")
