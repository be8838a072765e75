"""The YAML of access.yaml as plain values that remember where they stand.

Every scalar stays the text that was written (`no` is a name, `19:00` a time);
only nothing at all is None. Duplicate keys, anchors, aliases, merge keys and
tags are refused: in a policy each line means what it says, where it stands.
It never decides what a key means.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

import yaml

from bot.core.catalogue.problems import Loc, Problem, dotted, harmless, quoted

MOST_BYTES = 1_000_000
MOST_DEPTH = 30

# libyaml reads the same events some fifteen times faster, where PyYAML has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Data: TypeAlias = "str | list[Data] | dict[str, Data] | None"
Place = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass
class Document:
    """What was read from the file `name`, and the places of its keys and values."""

    name: str
    data: Data = None
    problems: list[Problem] = field(default_factory=list)
    values: dict[Loc, Place] = field(default_factory=dict)
    keys: dict[Loc, Place] = field(default_factory=dict)
    spoilt: set[Loc] = field(default_factory=set)

    def problem(
        self,
        loc: Loc,
        message: str,
        *,
        place: Place | None = None,
        found: str = "",
        expected: str = "",
        nearest: str = "",
    ) -> Problem:
        """Return the problem at `loc`, placed at the value nearest above it."""
        line, column = place or self._place(loc)
        return Problem(
            file=self.name,
            line=line,
            column=column,
            key=dotted(loc),
            message=message,
            found=found,
            expected=expected,
            nearest=nearest,
        )

    def spoil(self, loc: Loc, message: str, place: Place, expected: str = "") -> None:
        """Report what is wrong with the writing itself, once per place."""
        if loc not in self.spoilt:
            self.spoilt.add(loc)
            self.problems.append(
                self.problem(loc, message, place=place, expected=expected)
            )

    def is_spoilt(self, loc: Loc) -> bool:
        """Tell whether `loc`, or what holds it, was already reported."""
        return any(loc[:length] in self.spoilt for length in range(1, len(loc) + 1))

    def _place(self, loc: Loc) -> Place:
        while loc and loc not in self.values:
            loc = loc[:-1]
        return self.values.get(loc, (1, 1))


def read_document(text: str, name: str) -> Document:
    """Return what `text` holds. Whatever is wrong with it is in `problems`."""
    document = Document(name)
    if len(text.encode(errors="replace")) > MOST_BYTES:
        document.spoil((), "The file is larger than 1 MB.", (1, 1), "a policy")
        return document
    try:
        _Reader(document, text).read()
    except yaml.MarkedYAMLError as error:
        document.spoil((), _sentence(error), _spot(error))
    except yaml.reader.ReaderError as error:
        _spoil_character(document, text, error.position)
    except UnicodeEncodeError as error:  # libyaml is given bytes
        _spoil_character(document, text, error.start)
    return document


class _Reader:
    """Walks the events of one text once. Recursion ends at MOST_DEPTH."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=LOADER)

    def read(self) -> None:
        """Fill the document from the only document of the stream."""
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.DocumentStartEvent):
            self._document.data = self._value((), next(self._events))
            next(self._events)
            self._refuse_more(next(self._events))
        if self._document.data is None and not self._document.problems:
            self._document.spoil((), "The file is empty.", (1, 1), "version: 1")

    def _refuse_more(self, event: yaml.Event) -> None:
        if not isinstance(event, yaml.StreamEndEvent):
            message = "A second document starts here; the file is one."
            self._document.spoil((), message, _start(event), "no line of ---")

    def _value(self, loc: Loc, event: yaml.Event) -> Data:
        self._refuse_tricks(loc, event)
        self._document.values.setdefault(loc, _start(event))
        if len(loc) > MOST_DEPTH:
            _stop(event, f"more than {MOST_DEPTH} levels deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(loc)
        return self._scalar(loc, event)

    def _scalar(self, loc: Loc, event: yaml.Event) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            return None
        text: str = event.value
        if text or event.style:
            return text
        if loc:
            message, expected = "Nothing is written here.", "a value, or no key at all"
            self._document.spoil(loc, message, _start(event), expected)
        return None

    def _list(self, loc: Loc) -> list[Data]:
        items: list[Data] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value((*loc, len(items)), event))
        return items

    def _mapping(self, loc: Loc) -> dict[str, Data]:
        items: dict[str, Data] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(loc, event)
            self._refuse_twice((*loc, key), event)
            value = self._value((*loc, key), next(self._events))
            items.setdefault(key, value)
        return items

    def _key(self, loc: Loc, event: yaml.Event) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            _stop(event, "a key that is not a word")
        key: str = event.value
        self._refuse_tricks((*loc, key), event)
        if key == "<<" and not event.style:
            message = "Merge keys are not accepted: write the keys out."
            self._document.spoil((*loc, key), message, _start(event))
        return key

    def _refuse_twice(self, loc: Loc, event: yaml.Event) -> None:
        first = self._document.keys.setdefault(loc, _start(event))
        if first != _start(event) and not self._document.is_spoilt(loc):
            name = quoted(str(loc[-1]))
            message = f"{name} is written twice, first on line {first[0]}."
            self._document.spoil(loc, message, _start(event))

    def _refuse_tricks(self, loc: Loc, event: yaml.Event) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            message = "Aliases are not accepted."
            hint = "the value itself; a text that starts with * needs quotes"
            self._document.spoil(loc, message, _start(event), hint)
        elif anchor or tag:
            message = "Anchors and tags are not accepted."
            hint = "the value alone; a text that starts with & or ! needs quotes"
            self._document.spoil(loc, message, _start(event), hint)


def _spoil_character(document: Document, text: str, position: int) -> None:
    before = text[:position]
    column = position - (before.rfind("\n") + 1) + 1
    message = "A character here cannot stand in YAML."
    document.spoil((), message, (before.count("\n") + 1, column))


def _start(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _stop(event: yaml.Event, problem: str) -> NoReturn:
    line, column = _start(event)
    mark = yaml.Mark("", 0, line - 1, column - 1, "", 0)
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    told = ": ".join(part for part in (error.context, error.problem) if part)
    hint = ""
    if "alias" in told or "anchor" in told or "block mapping" in told:
        hint = " A text that starts with *, &, [ or { needs quotes."
    elif "cannot start any token" in told:
        hint = " Indent with spaces; a text that starts with @, % or ` needs quotes."
    elif "mapping values" in told:
        hint = " A text with a colon and a space in it needs quotes."
    return f"This cannot be read: {harmless(told)}.{hint}"


def _spot(error: yaml.MarkedYAMLError) -> Place:
    unclosed = "end of stream" in (error.problem or "")
    mark = error.context_mark if unclosed else error.problem_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
