"""HashiCorp Vault: vault:ENGINE/PATH, of a kv engine of version 1 or 2.

`VAULT_ADDR` says where it is. The bot logs in with `VAULT_TOKEN`, or, where there
is none, as its Kubernetes service account with the role `VAULT_ROLE`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.core.words import SettingError
from bot.secrets.stores import (
    PATIENCE,
    checked,
    denied,
    fields_of,
    library,
    missing,
    parted,
    text_of,
    unanswered,
)

SHAPE = "vault:ENGINE/PATH"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def read(place: str) -> str:
    """Return the secret as one text; SettingError where it is not to be had."""
    return checked(text_of(_read(_client(), place)[1], place), place)


def write(place: str, value: str) -> None:
    """Replace the secret, kept in the fields it was kept in."""
    client = _client()
    version, before = _read(client, place)
    engine, path = parted(place, SHAPE)
    fields = fields_of(value, before)
    if version == 2:
        kept = client.secrets.kv.v2.create_or_update_secret
    else:
        kept = client.secrets.kv.v1.create_or_update_secret
    _asked(place, kept, path=path, secret=fields, mount_point=engine)


def _client() -> Any:
    address = os.environ.get("VAULT_ADDR", "")
    if not address:
        raise SettingError("VAULT_ADDR is not set.", "Set it to the address of Vault.")
    hvac = library("hvac", "vault")
    token = os.environ.get("VAULT_TOKEN")
    client = hvac.Client(url=address, token=token, timeout=PATIENCE)
    if not token:
        _log_in(client)
    return client


def _log_in(client: Any) -> None:
    """Log in as this pod's service account."""
    role = os.environ.get("VAULT_ROLE", "")
    if not role or not ACCOUNT.exists():
        raise SettingError(
            "There is no way into Vault.",
            "Set VAULT_TOKEN, or VAULT_ROLE where the bot runs in Kubernetes.",
        )
    login = library("hvac.api.auth_methods", "vault").Kubernetes(client.adapter).login
    mount = os.environ.get("VAULT_AUTH_MOUNT", "kubernetes")
    _asked("login", login, role=role, jwt=ACCOUNT.read_text(), mount_point=mount)


def _read(client: Any, place: str) -> tuple[int, Mapping[str, Any]]:
    """Return the version of the engine, and the fields of the secret."""
    engine, path = parted(place, SHAPE)
    version = _version(client, place, engine)
    read_it = (
        client.secrets.kv.v2 if version == 2 else client.secrets.kv.v1
    ).read_secret
    more = {"raise_on_deleted_version": True} if version == 2 else {}
    answer = _asked(place, read_it, path=path, mount_point=engine, **more)
    try:
        found = answer["data"]["data"] if version == 2 else answer["data"]
        return version, dict(found)
    except (KeyError, TypeError, ValueError) as error:
        raise unanswered(place, error) from None


def _version(client: Any, place: str, engine: str) -> int:
    """Return the version of a kv engine, as Vault tells those who may read it."""
    tell = client.adapter.get
    answer = _asked(place, tell, url=f"/v1/sys/internal/ui/mounts/{engine}")
    try:
        body = answer if isinstance(answer, dict) else answer.json()
        options = body["data"].get("options") or {}
        return int(options.get("version", 1))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise unanswered(place, error) from None


def _asked(place: str, call: Any, **given: Any) -> Any:
    errors = library("hvac.exceptions", "vault")
    requests = library("requests", "vault")
    try:
        return call(**given)
    except errors.InvalidPath:
        raise missing(SHAPE, place) from None
    except (errors.Forbidden, errors.Unauthorized):
        raise denied(place, "a policy with read (and update, to rotate)") from None
    except (errors.VaultError, requests.RequestException, ValueError) as error:
        raise unanswered(place, error) from None
