"""What pydantic found, said in the file's own words and at its own places."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.core.catalogue.people import Value
from bot.core.catalogue.problems import Loc, Problem, nearest_word, quoted, shown
from bot.core.catalogue.text import Document
from bot.core.catalogue.values import AccessFile

WANTED = {
    "string_type": "text",
    "tuple_type": "a list",
}


def problems_in(error: ValidationError, document: Document) -> Iterator[Problem]:
    """Yield each error once, but for those whose cause was already reported."""
    for details in error.errors(include_url=False):
        if not document.is_spoilt(details["loc"]) and not _follows(details):
            yield _problem(details, document)


def _follows(details: ErrorDetails) -> bool:
    """Tell whether this only follows from another error that is there too."""
    if details["type"] == "too_short":  # counted without the entries that are wrong
        return bool(details["input"])
    return details["type"] == "default_factory_not_called"


def _problem(details: ErrorDetails, document: Document) -> Problem:
    kind, loc = details["type"], details["loc"]
    if kind == "catalogue":
        said = details["ctx"]
        found = said.pop("found") or shown(loc, details["input"])
        return document.problem(loc, **said, found=found)
    if kind == "extra_forbidden":
        return _unknown_key(loc, document)
    if kind == "missing":
        return document.problem(loc, f"The key {quoted(str(loc[-1]))} is missing.")
    if kind == "literal_error":
        return _not_one_of(details, document)
    return _wrong_kind(details, document)


def _unknown_key(loc: Loc, document: Document) -> Problem:
    word = str(loc[-1])
    place = document.keys.get(loc)
    known = _keys_at(loc[:-1])
    return document.problem(
        loc,
        f"{quoted(word)} is not known here.",
        place=place,
        expected=", ".join(known),
        nearest=nearest_word(word, known),
    )


def _not_one_of(details: ErrorDetails, document: Document) -> Problem:
    loc, value = details["loc"], details["input"]
    expected = details["ctx"]["expected"].replace("'", "")
    return document.problem(
        loc,
        "This cannot stand here.",
        found=shown(loc, value),
        expected=expected,
        nearest=nearest_word(str(value), expected.split(" or ")),
    )


def _wrong_kind(details: ErrorDetails, document: Document) -> Problem:
    kind, loc, context = details["type"], details["loc"], details.get("ctx", {})
    found = shown(loc, details["input"])
    if kind == "too_short":
        message, found, expected = "This list is empty.", "", "at least one entry"
    elif kind == "too_long":
        message, expected = "This list is too long.", f"at most {context['max_length']}"
    elif kind == "model_type":
        keys = ", ".join(_keys_at(loc))
        message, expected = "This is not a mapping.", f"a mapping of {keys}"
    elif kind in WANTED:
        message, expected = f"This is not {WANTED[kind]}.", WANTED[kind]
    else:
        message, expected = f"{details['msg']}.", ""
    return document.problem(loc, message, found=found, expected=expected)


def _keys_at(loc: Loc) -> list[str]:
    return sorted(
        {
            field.alias or key
            for model in _models_at(loc)
            for key, field in model.model_fields.items()
        }
    )


def _models_at(loc: Loc) -> list[type[Value]]:
    models: list[type[Value]] = [AccessFile]
    for step in loc:
        if isinstance(step, str):
            fields = [model.model_fields.get(step) for model in models]
            models = [
                inner
                for field in fields
                if field
                for inner in _inside(field.annotation)
            ]
    return models


def _inside(annotation: Any) -> Iterator[type[Value]]:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        yield annotation
    for argument in get_args(annotation):
        yield from _inside(argument)
