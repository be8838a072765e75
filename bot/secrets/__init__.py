"""A secret reference, and the value behind it.

The policy and the settings hold references (as KINDS lists them), so that
they can be kept in git and shown. This is the only place where a reference
becomes its value. It keeps nothing, and never puts a value, or what might be
one, into an error.

    local       env and file
    aws, gcp, azure, vault, kubernetes
                one store each, with the vendor's own library, which is an extra
    stores      what they have in common: a missing extra, a value of several fields
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.core.words import SettingError
from bot.secrets import aws, azure, gcp, kubernetes, local, vault

Reader = Callable[[str], str]
Writer = Callable[[str, str], None]


def read_secret(reference: str) -> str:
    """Return the value behind `reference`, without the newline that ends it.

    Raises SettingError when the reference is of no known kind, leads nowhere,
    or leads to a file that others may read.
    """
    kind, colon, place = reference.strip().partition(":")
    reader = READERS.get(kind)
    if reader is None or not colon or not place:
        # NB. What was meant as a reference may be the secret itself, pasted.
        raise SettingError(
            "A secret reference is of no known kind.",
            f"Write one of {', '.join(KINDS)}.",
        )
    return reader(place)


def write_secret(reference: str, value: str) -> None:
    """Put `value` where `reference` leads, whole or not at all; durable on return.

    Raises SettingError where that cannot be written, with the old value intact.
    """
    kind, _, place = reference.strip().partition(":")
    writer = WRITERS.get(kind)
    if writer is None or not place:
        raise SettingError(
            f"A secret reference of the kind {kind}: cannot be written."
            if kind in READERS
            else "A secret reference is of no known kind.",
            f"Keep the key in one of {', '.join(WRITABLE)}, or change it by hand.",
        )
    writer(place, value)


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "env": local.from_environment,
        "file": local.from_file,
        "aws-secretsmanager": aws.read,
        "gcp-secretmanager": gcp.read,
        "azure-keyvault": azure.read,
        "vault": vault.read,
        "kubernetes": kubernetes.read,
    }
)
"""Each kind of reference with what reads it, given what follows the colon."""

WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "file": local.to_file,
        "aws-secretsmanager": aws.write,
        "gcp-secretmanager": gcp.write,
        "azure-keyvault": azure.write,
        "vault": vault.write,
        "kubernetes": kubernetes.write,
    }
)
"""The kinds that can be written, each with what writes it."""

KINDS = (
    *("env:NAME", "file:PATH", "aws-secretsmanager:REGION/ID"),
    *("gcp-secretmanager:PROJECT/ID", "azure-keyvault:VAULT_URL/NAME"),
    *("vault:ENGINE/PATH", "kubernetes:NAMESPACE/NAME"),
)
"""The kinds of reference, as people write them."""

WRITABLE = KINDS[1:]
