"""AWS Secrets Manager: aws-secretsmanager:REGION/ID, by the machine's own identity."""

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

SHAPE = "aws-secretsmanager:REGION/ID"
MISSING = "ResourceNotFoundException"
DENIED = frozenset({"AccessDeniedException", "UnrecognizedClientException"})


def read(place: str) -> str:
    """Return the secret's current version; SettingError where it is not to be had."""
    answer = _call(place, "get_secret_value", "secretsmanager:GetSecretValue")
    return checked(answer.get("SecretString") or answer.get("SecretBinary"), place)


def write(place: str, value: str) -> None:
    """Put a new version, which is then the current one."""
    right = "secretsmanager:PutSecretValue"
    _call(place, "put_secret_value", right, SecretString=value)


def _call(place: str, name: str, right: str, **given: Any) -> Any:
    boto3 = library("boto3", "aws")
    errors = library("botocore.exceptions", "aws")
    region, secret_id = parted(place, SHAPE)
    config = library("botocore.config", "aws").Config(
        connect_timeout=PATIENCE,
        read_timeout=PATIENCE,
        retries={"total_max_attempts": 2},
    )
    try:
        client = boto3.client("secretsmanager", region_name=region, config=config)
        return getattr(client, name)(SecretId=secret_id, **given)
    except errors.ClientError as error:
        raise _told(place, right, error) from None
    except (errors.BotoCoreError, ValueError) as error:
        raise unanswered(place, error) from None


def _told(place: str, right: str, error: Any) -> SettingError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code == MISSING:
        return missing(SHAPE, place)
    return denied(place, right) if code in DENIED else unanswered(place, error)
