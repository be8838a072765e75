"""What must hold between the parts of access.yaml, whatever else is wrong in it.

The checks look at the plain values, so that a mistake in one part never hides
one in another. They decide nothing about people.
"""

from collections.abc import Iterator

from pydantic_core import PydanticCustomError

from bot.core.catalogue.fields import org_url
from bot.core.catalogue.problems import Loc, Problem, nearest_word, quoted
from bot.core.catalogue.text import Data, Document


def problems_between(document: Document) -> Iterator[Problem]:
    """Yield what contradicts itself over several parts of the file."""
    yield from _repeated(document, "integrations", "name")
    yield from _repeated(document, "integrations", "org_url")
    yield from _repeated(document, "flows", "name")
    yield from _unknown_integrations(document)
    yield from _nobody_answers(document)


def warnings_between(document: Document) -> Iterator[Problem]:
    """Yield what is allowed and surely not meant."""
    used = {name for _, name in _texts(document.data, "flows", "integration")}
    for loc, name in _texts(document.data, "integrations", "name"):
        if name not in used:
            message = f"No flow uses {quoted(name)}, so nobody can ask for its groups."
            yield document.problem(loc, message)


def _repeated(document: Document, part: str, key: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for loc, text in _texts(document.data, part, key):
        line = document.values[loc][0]
        text = _plain_url(text) if key == "org_url" else text
        if first.setdefault(text, line) != line:
            message = f"Another of the {part} has this {key}, on line {first[text]}."
            yield document.problem(loc, message, expected="one of its own")


def _unknown_integrations(document: Document) -> Iterator[Problem]:
    known = {name for _, name in _texts(document.data, "integrations", "name")}
    for loc, name in _texts(document.data, "flows", "integration"):
        if name not in known:
            message = f"There is no integration {quoted(name)}."
            yield document.problem(loc, message, nearest=nearest_word(name, known))


def _nobody_answers(document: Document) -> Iterator[Problem]:
    if isinstance(document.data, dict) and document.data.get("admins"):
        return
    for loc, part in _entries(document.data, "integrations"):
        if not part.get("owner"):
            message = "Nobody could answer: it has no owner, and the file no admins."
            yield document.problem((*loc, "owner"), message, expected="an owner")


def _texts(data: Data, part: str, key: str) -> Iterator[tuple[Loc, str]]:
    for loc, entry in _entries(data, part):
        text = entry.get(key)
        if isinstance(text, str):
            yield (*loc, key), text


def _entries(data: Data, part: str) -> Iterator[tuple[Loc, dict[str, Data]]]:
    entries = data.get(part) if isinstance(data, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (part, index), entry


def _plain_url(text: str) -> str:
    try:
        return org_url(text)
    except PydanticCustomError:
        return text
