"""Google Secret Manager: gcp-secretmanager:PROJECT/ID, by default credentials."""

from typing import Any

from bot.secrets.stores import (
    PATIENCE,
    checked,
    denied,
    library,
    missing,
    parted,
    unanswered,
)

SHAPE = "gcp-secretmanager:PROJECT/ID"


def read(place: str) -> str:
    """Return the secret's latest version; SettingError where it is not to be had."""
    project, secret = parted(place, SHAPE)
    name = f"projects/{project}/secrets/{secret}/versions/latest"
    right = "Secret Manager Secret Accessor"
    answer = _call(place, right, "access_secret_version", {"name": name})
    return checked(answer.payload.data, place)


def write(place: str, value: str) -> None:
    """Add a version, which is then the latest."""
    project, secret = parted(place, SHAPE)
    request = {
        "parent": f"projects/{project}/secrets/{secret}",
        "payload": {"data": value.encode()},
    }
    _call(place, "Secret Manager Secret Version Adder", "add_secret_version", request)


def client() -> Any:
    """Return a client of the API, by the credentials of the environment."""
    library_of = library("google.cloud.secretmanager", "gcp")
    return library_of.SecretManagerServiceClient(transport="rest")


def _call(place: str, right: str, method: str, request: dict[str, Any]) -> Any:
    errors = library("google.api_core.exceptions", "gcp")
    auth = library("google.auth.exceptions", "gcp")
    try:
        return getattr(client(), method)(request=request, timeout=PATIENCE, retry=None)
    except errors.NotFound:
        raise missing(SHAPE, place) from None
    except (errors.PermissionDenied, errors.Unauthenticated, errors.Forbidden):
        raise denied(place, right) from None
    except (errors.GoogleAPIError, auth.GoogleAuthError, OSError, ValueError) as error:
        raise unanswered(place, error) from None
