"""access.yaml as typed values: who may ask for what, how long, who answers.

    text      YAML as plain values that remember where they stand
    fields    the kinds of text: durations, addresses, references, patterns
    people    selectors of people, and the rule that combines them
    groups    selectors of groups
    flows     who asks for what, for how long, and who answers
    integrations  the Okta orgs
    cases     what the flows must decide, kept beside them
    values    the whole file, from limits up to Catalogue
    comparing what one file says otherwise than another
    checks    what must hold between them
    faults    what pydantic found, in the file's own words
    problems  a problem, and all of them as one error
    schema    JSON Schema for editors

It takes text and returns values or problems. It never reads a file, a secret
or a clock, and never decides about a person: that is policy's.
"""

from functools import lru_cache
from hashlib import sha256

from pydantic import ValidationError

from bot.core.catalogue.cases import Case, CaseGroup, CasePerson, Cases
from bot.core.catalogue.checks import problems_between, warnings_between
from bot.core.catalogue.comparing import rule_changes
from bot.core.catalogue.faults import problems_in
from bot.core.catalogue.flows import (
    AutomaticRule,
    DurationRule,
    ExtensionRule,
    Flow,
    JustificationRule,
    Step,
    Tier,
    say_answering,
    say_step,
)
from bot.core.catalogue.groups import (
    AttributeSelector,
    Discovery,
    GroupRule,
    holds,
)
from bot.core.catalogue.integrations import (
    Guards,
    Identity,
    Integration,
    ResourceOwner,
    UserCleanup,
)
from bot.core.catalogue.patterns import matches
from bot.core.catalogue.people import (
    Everyone,
    GroupPattern,
    GroupSelector,
    Manager,
    Owner,
    PeopleRule,
    ProfileSelector,
    Selector,
    UserSelector,
)
from bot.core.catalogue.problems import CatalogueError, Problem
from bot.core.catalogue.schema import as_written, schema
from bot.core.catalogue.text import Document, read_document
from bot.core.catalogue.values import AccessFile, Bundle, Catalogue, Limits
from bot.core.durations import parse_duration, say_duration, write_duration

__all__ = [
    "AttributeSelector",
    "AutomaticRule",
    "Bundle",
    "Case",
    "CaseGroup",
    "CasePerson",
    "Cases",
    "Catalogue",
    "CatalogueError",
    "Discovery",
    "DurationRule",
    "Everyone",
    "ExtensionRule",
    "Flow",
    "GroupPattern",
    "GroupRule",
    "GroupSelector",
    "Guards",
    "Identity",
    "Integration",
    "JustificationRule",
    "Limits",
    "Manager",
    "Owner",
    "PeopleRule",
    "Problem",
    "ProfileSelector",
    "ResourceOwner",
    "Selector",
    "Step",
    "Tier",
    "UserCleanup",
    "UserSelector",
    "as_written",
    "holds",
    "load",
    "matches",
    "parse_duration",
    "rule_changes",
    "say_answering",
    "say_duration",
    "say_step",
    "schema",
    "write_duration",
]


def load(text: str, *, name: str = "access.yaml") -> Catalogue:
    """Return what `text` says, whole and checked; `name` is for its problems.

    Raises CatalogueError with all that is wrong, in the order of the file.
    What is allowed but surely not meant is in the catalogue's `warnings`.
    """
    return _load(text, name)


@lru_cache(maxsize=4)
def _load(text: str, name: str) -> Catalogue:
    """Read it once: as it starts, a bot meets the same text three times."""
    document = read_document(text, name)
    said = _validate(document)
    if not said or document.problems:
        raise CatalogueError(sorted(document.problems, key=_order))
    return Catalogue(
        **dict(said),
        hash=sha256(text.encode()).hexdigest(),
        warnings=tuple(warnings_between(document)),
    )


def _validate(document: Document) -> AccessFile | None:
    if document.data is None:
        return None
    document.problems += problems_between(document)
    try:
        return AccessFile.model_validate(document.data)
    except ValidationError as error:
        document.problems += problems_in(error, document)
        return None


def _order(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column
