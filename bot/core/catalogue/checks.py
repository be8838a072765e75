"""What must hold between the parts of access.yaml, whatever else is wrong in it.

The checks look at the plain values, so that a mistake in one part never hides
one in another. They decide nothing about people. What is dangerous and allowed
is a warning, and an error with --strict.
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
    yield from _repeated(document, "bundles", "name")
    yield from _unknown_integrations(document, "flows")
    yield from _unknown_integrations(document, "bundles")
    yield from _nobody_answers(document)


def warnings_between(document: Document) -> Iterator[Problem]:
    """Yield what is dangerous, or surely not meant."""
    yield from _unused(document)
    yield from _single_admin(document)
    yield from _strong(document)
    yield from _unreached(document)
    for loc, flow in _entries(document.data, "flows"):
        yield from _dangerous_flow(document, loc, flow)


def _unused(document: Document) -> Iterator[Problem]:
    used = {name for _, name in _texts(document.data, "flows", "integration")}
    for loc, name in _texts(document.data, "integrations", "name"):
        if name not in used:
            message = f"No flow uses {quoted(name)}, so nobody can ask for its groups."
            yield document.problem(loc, message)


def _single_admin(document: Document) -> Iterator[Problem]:
    admins = document.data.get("admins") if isinstance(document.data, dict) else None
    only = admins[0] if isinstance(admins, list) and len(admins) == 1 else None
    if isinstance(only, dict) and "user" in only:
        message = "There is one single admin: nobody answers when they are away."
        yield document.problem(("admins", 0), message)


def _strong(document: Document) -> Iterator[Problem]:
    """Warn of what makes the bot as strong as those who run the org."""
    for loc, part in _entries(document.data, "integrations"):
        guards = part.get("groups")
        if isinstance(guards, dict) and guards.get("allow_admin") == "true":
            message = "Groups with an admin role can be asked for: the bot is as strong"
            where = (*loc, "groups", "allow_admin")
            yield document.problem(where, f"{message} as a Super Admin.")
        rotation = part.get("credential_rotation")
        if isinstance(rotation, dict) and rotation.get("mode") == "automatic":
            message = "The app may change its own keys, which takes Super Admin."
            yield document.problem((*loc, "credential_rotation", "mode"), message)


def _unreached(document: Document) -> Iterator[Problem]:
    """Warn of a flow of which an earlier one takes every person and group."""
    flows = list(_entries(document.data, "flows"))
    for number, (loc, flow) in enumerate(flows):
        first = next(
            (each for each in flows[:number] if _takes_all(each[1], flow)), None
        )
        if first is not None:
            line = document.values[(*first[0], "name")][0]
            name = quoted(str(first[1].get("name")))
            message = (
                f"Nobody reaches this flow: {name}, on line {line}, decides first."
            )
            yield document.problem((*loc, "name"), message)


def _takes_all(first: dict[str, Data], flow: dict[str, Data]) -> bool:
    """Tell whether whoever and whatever fits `flow` fits `first`, surely."""
    ours, theirs = first.get("groups"), flow.get("groups")
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return False
    wide, include = ours.get("include"), theirs.get("include")
    if not isinstance(wide, list) or not isinstance(include, list):
        return False
    usual: Data = ["self"]
    lets, wanted = (each.get("request_for", usual) for each in (first, flow))
    people = first.get("requesters")
    return (
        first.get("integration") == flow.get("integration")
        and not ours.get("exclude")
        and ("*" in wide or all(each in wide for each in include))
        and not first.get("grantees")
        and isinstance(lets, list)
        and isinstance(wanted, list)
        and all(each in lets for each in wanted)
        and (people == flow.get("requesters") or people == {"any": ["everyone"]})
    )


def _dangerous_flow(
    document: Document, loc: Loc, flow: dict[str, Data]
) -> Iterator[Problem]:
    automatic = flow.get("approval") == "automatic"
    groups = flow.get("groups")
    include = groups.get("include") if isinstance(groups, dict) else None
    entries = include if isinstance(include, list) else []
    patterns = [each for each in entries if isinstance(each, str) and "*" in each]
    if automatic and _lets_everyone(flow.get("requesters")):
        message = "Everyone gets this at once, and nobody looks at it."
        yield document.problem((*loc, "approval"), message)
    if automatic and patterns:
        message = "Whoever names a group in Okta decides that it is given at once."
        yield document.problem((*loc, "groups", "include"), message)
    if "*" in entries:
        message = "Every group can be asked for, those of tomorrow too."
        yield document.problem((*loc, "groups", "include"), message)
    if flow.get("requester_may_approve") == "true":
        message = "Who asks may say yes to themselves."
        yield document.problem((*loc, "requester_may_approve"), message)


def _lets_everyone(rule: Data) -> bool:
    any_of = rule.get("any") if isinstance(rule, dict) else None
    return isinstance(any_of, list) and "everyone" in any_of


def _repeated(document: Document, part: str, key: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for loc, text in _texts(document.data, part, key):
        line = document.values[loc][0]
        text = _plain_url(text) if key == "org_url" else text
        if first.setdefault(text, line) != line:
            message = f"Another of the {part} has this {key}, on line {first[text]}."
            yield document.problem(loc, message, expected="one of its own")


def _unknown_integrations(document: Document, part: str) -> Iterator[Problem]:
    known = {name for _, name in _texts(document.data, "integrations", "name")}
    for loc, name in _texts(document.data, part, "integration"):
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
