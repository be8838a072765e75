"""Kubernetes: kubernetes:NAMESPACE/NAME, a Secret read through the cluster's API."""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Any

from bot.secrets.stores import (
    PATIENCE,
    VALUE,
    checked,
    denied,
    fields_of,
    library,
    missing,
    parted,
    text_of,
    unanswered,
)

SHAPE = "kubernetes:NAMESPACE/NAME"


def read(place: str) -> str:
    """Return the Secret as one text; SettingError where it is not to be had."""
    return checked(text_of(_fields(place), place), place)


def write(place: str, value: str) -> None:
    """Replace the data of the Secret, kept in the keys it was kept in."""
    fields = fields_of(value, _fields(place))
    if not all(isinstance(each, str) for each in fields.values()):
        fields = {VALUE: value}
    data = {
        key: base64.b64encode(each.encode()).decode() for key, each in fields.items()
    }
    namespace, name = parted(place, SHAPE)
    body = [{"op": "replace", "path": "/data", "value": data}]
    _call(place, "patch_namespaced_secret", name, namespace, body)


def _find_the_cluster(config: Any) -> None:
    """Be who this pod is, or who `KUBECONFIG` says, where the bot runs outside."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config()
    else:
        config.load_kube_config(config_file=os.environ.get("KUBECONFIG"))


def _fields(place: str) -> Mapping[str, str]:
    namespace, name = parted(place, SHAPE)
    data = _call(place, "read_namespaced_secret", name, namespace).data or {}
    try:
        return {
            key: base64.b64decode(value, validate=True)
            .decode("utf-8-sig")
            .rstrip("\r\n")
            for key, value in data.items()
        }
    except (binascii.Error, UnicodeDecodeError, TypeError) as error:
        raise unanswered(place, error) from None


def _call(place: str, method: str, *given: Any) -> Any:
    library_of = library("kubernetes", "kubernetes")
    http = library("urllib3.exceptions", "kubernetes")
    try:
        _find_the_cluster(library_of.config)
        api = library_of.client.CoreV1Api()
        return getattr(api, method)(*given, _request_timeout=PATIENCE)
    except library_of.client.ApiException as error:
        if error.status == 404:
            raise missing(SHAPE, place) from None
        if error.status in (401, 403):
            raise denied(place, "get (and patch, to rotate) on this Secret") from None
        raise unanswered(place, error) from None
    except (library_of.config.ConfigException, http.HTTPError, ValueError) as error:
        raise unanswered(place, error) from None
