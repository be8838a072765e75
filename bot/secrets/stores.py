"""What the stores have in common: a missing extra, a place, a value of fields."""

import importlib
import json
from collections.abc import Mapping
from typing import Any

from bot.core.words import SettingError

PATIENCE = 5.0
"""Seconds that a store has to answer one call."""

VALUE = "value"
"""The field of a secret that is one text; one without it is the JSON of all."""


def library(name: str, extra: str) -> Any:
    """Return the module `name`; SettingError, naming the install, where it is not."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SettingError(
            f"The library for secrets of the kind {extra} is not installed.",
            f"Run: pip install 'okta-access-bot[{extra}]'",
        ) from None


def parted(place: str, shape: str) -> tuple[str, str]:
    """Return what stands before and after the last slash that `shape` has."""
    first, slash, rest = (
        place.rpartition("/") if shape.startswith("VAULT_URL") else place.partition("/")
    )
    if not slash or not first or not rest:
        raise SettingError("A secret reference is not whole.", f"Write it as {shape}.")
    return first, rest


def missing(shape: str, place: str) -> SettingError:
    """Return the error for a secret that the store does not have."""
    return SettingError(
        f"There is no secret {place!r} in the store.",
        f"Create it, or change the secret reference {shape}.",
    )


def denied(place: str, right: str) -> SettingError:
    """Return the error for a secret that the bot may not see."""
    return SettingError(
        f"The store does not let the bot read or write the secret {place!r}.",
        f"Give the bot's identity {right} on it.",
    )


def unanswered(place: str, error: Exception) -> SettingError:
    """Return the error for a store that does not answer, or not as documented.

    NB. Only the kind of failure is told: its text may hold what was sent.
    """
    return SettingError(
        f"The store of the secret {place!r} did not answer ({type(error).__name__}).",
        "See that it can be reached from here, with the credentials it is given.",
    )


def text_of(fields: Mapping[str, Any], place: str) -> str:
    """Return a secret of fields as one text: its `value`, or the JSON of them all."""
    if not fields:
        raise SettingError(f"The secret {place!r} is empty.", "Put the secret into it.")
    value = fields.get(VALUE)
    if isinstance(value, str) and len(fields) == 1:
        return value
    return json.dumps(dict(fields))


def fields_of(text: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return `text` as the fields it is kept in, as the secret was kept before."""
    if VALUE in before and len(before) == 1:
        return {VALUE: text}
    try:
        fields = json.loads(text)
    except ValueError:
        return {VALUE: text}
    return fields if isinstance(fields, dict) else {VALUE: text}


def checked(text: object, place: str) -> str:
    """Return `text` without the newline that ends it; SettingError where it is none."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = None
    if not isinstance(text, str) or not text.strip():
        raise SettingError(
            f"The secret {place!r} is empty, or not text.", "Put the secret into it."
        )
    return text.rstrip("\r\n")
