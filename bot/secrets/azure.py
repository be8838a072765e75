"""Azure Key Vault: azure-keyvault:VAULT_URL/NAME, by the default credential."""

from typing import Any

from bot.core.words import SettingError
from bot.secrets.stores import (
    PATIENCE,
    checked,
    denied,
    library,
    missing,
    parted,
    unanswered,
)

SHAPE = "VAULT_URL/NAME, such as azure-keyvault:https://ours.vault.azure.net/okta"


def read(place: str) -> str:
    """Return the secret's newest version; SettingError where it is not to be had."""
    return checked(_call(place, "Key Vault Secrets User", "get_secret").value, place)


def write(place: str, value: str) -> None:
    """Set a new version, which is then the newest."""
    _call(place, "Key Vault Secrets Officer", "set_secret", value)


def client(url: str) -> Any:
    """Return a client of one vault, by the credentials of the environment."""
    identity = library("azure.identity", "azure")
    secrets = library("azure.keyvault.secrets", "azure")
    return secrets.SecretClient(
        vault_url=url,
        credential=identity.DefaultAzureCredential(),
        connection_timeout=PATIENCE,
        read_timeout=PATIENCE,
        retry_total=1,
    )


def _call(place: str, right: str, method: str, *given: str) -> Any:
    errors = library("azure.core.exceptions", "azure")
    url, name = parted(place, SHAPE)
    if not url.startswith("https://"):
        raise SettingError(
            "The vault of a secret reference is not https.", f"Write it as {SHAPE}."
        )
    try:
        return getattr(client(url), method)(name, *given)
    except errors.ResourceNotFoundError:
        raise missing("azure-keyvault:VAULT_URL/NAME", place) from None
    except errors.HttpResponseError as error:
        if error.status_code in (401, 403):
            raise denied(place, right) from None
        raise unanswered(place, error) from None
    except (errors.AzureError, ValueError) as error:
        raise unanswered(place, error) from None
