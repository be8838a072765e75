"""Who is asked: whether those whom the file names to answer can be asked in Slack.

The first few are looked up, and it is said how many. Owners that only an attribute
names, and managers, are not among them.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from bot.core.catalogue import GroupSelector, Identity, UserSelector
from bot.core.words import DirectoryGone, Person
from bot.okta.directory import OktaDirectory
from bot.ops.doctor.findings import Sheet, counted, few
from bot.ops.doctor.groups import LOOKED_AT, Org
from bot.workflow.reading import groups_called

MayAct = Callable[[str], Awaitable[bool]]
"""Whether the Slack account with this e-mail may act here."""


async def look_at_approvers(org: Org, may_act: MayAct | None) -> None:
    """Count those of the people the file names whom no card can reach."""
    if may_act is None:
        org.sheet.unchecked("approvers", "Slack could not be asked.")
        return
    with org.sheet.trying("approvers"):
        some = (await _named(org))[:LOOKED_AT]
        identity = org.catalogue.identity
        missing = [
            person.name or person.login
            for person in some
            if not await _is_reached(person, identity, may_act)
        ]
        _judge(org.sheet, len(some), missing)


def _judge(sheet: Sheet, looked_at: int, missing: list[str]) -> None:
    if not looked_at:
        sheet.unchecked("approvers", "The file names nobody that Okta knows as active.")
    elif missing:
        is_are = "is" if len(missing) == 1 else "are"
        sheet.warning(
            "approvers",
            f"Of {counted(looked_at, 'Okta user')} looked at that the file names, "
            f"{len(missing)} {is_are} not in Slack as themselves: {few(missing)}.",
            "Invite them with the e-mail Okta has, or name others; until then no card "
            "reaches them.",
        )
    else:
        says = f"Each of {counted(looked_at, 'Okta user')} looked at that the file "
        sheet.ok("approvers", f"{says}names to answer is in Slack.")


async def _named(org: Org) -> list[Person]:
    """Return the active people that the file names, each once, until there are some."""
    found: dict[str, Person] = {}
    for entry in dict.fromkeys(_entries(org)):
        people = await _people_behind(org.directory, entry)
        found |= {person.id: person for person in people if person.may_receive}
        if len(found) >= LOOKED_AT:
            break
    return list(found.values())


def _entries(org: Org) -> Iterator[Any]:
    yield from org.catalogue.admins
    yield from org.integration.owner
    for flow in org.catalogue.flows_of(org.integration.name):
        for step in flow.approval:
            yield from step.named


async def _people_behind(directory: OktaDirectory, entry: object) -> Sequence[Person]:
    match entry:
        case UserSelector(user=login):
            person = await directory.person(login)
            return [person] if person else []
        case GroupSelector(group=name):
            return await _members(directory, name)
    return []


async def _members(directory: OktaDirectory, name: str) -> Sequence[Person]:
    groups = await groups_called(directory, name)
    if len(groups) != 1:
        return []  # the check of names says so
    try:
        return await directory.members(groups[0].id)
    except DirectoryGone:
        return []


async def _is_reached(person: Person, identity: Identity, may_act: MayAct) -> bool:
    """Tell whether the identity rule of the file leads from Okta to a Slack account."""
    if identity.attribute:
        return bool(person.profile.get(identity.attribute))
    email = person.email if identity.match == "email" else person.login
    return "@" in email and await may_act(email)
