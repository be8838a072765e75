"""What the org's groups are to the bot: which are seen, refused, owned, by whom.

All groups are listed, as discovery does; owners are looked up for the first
few, and it is said how many. Policy decides what is refused, not this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.core.catalogue import (
    Catalogue,
    GroupPattern,
    GroupSelector,
    Integration,
    ResourceOwner,
    UserSelector,
    matches,
)
from bot.core.owners import attribute_values
from bot.core.policy import Policy, is_about, named_in_authority, refuse_group
from bot.core.words import DirectoryGone, Group, Refused
from bot.okta.directory import OktaDirectory
from bot.okta.rules import Rules
from bot.ops.doctor.database import Pins
from bot.ops.doctor.findings import Sheet, counted, few
from bot.workflow.reading import groups_called

LOOKED_AT = 25
"""Of how many groups the owners are looked up, and of how many people the links."""

MEND_NAME = "Correct the name in access.yaml, or write the id instead."


@dataclass(frozen=True, kw_only=True)
class Org:
    """One integration, with what is needed to look at it.

    `pinned` is what names were led to before: nothing before the first start.
    """

    sheet: Sheet
    directory: OktaDirectory
    catalogue: Catalogue
    integration: Integration
    pinned: Pins = field(default_factory=dict)

    def wants(self, group: Group) -> bool:
        """Tell whether discovery and some flow let people ask for `group`."""
        flows = self.catalogue.flows_of(self.integration.name)
        known = self.integration.discovery.fits(group.name)
        policy = Policy(
            catalogue=self.catalogue,
            integration=self.integration,
            groups={
                name: id_
                for (org, kind, name), id_ in self.pinned.items()
                if org == self.integration.name and kind == "group"
            },
        )
        return known and any(
            is_about(policy, flow.groups, group) is not False for flow in flows
        )


async def look_at_groups(org: Org) -> None:
    """Look at rules, groups, names of authority, guards and owners, in this order."""
    rules = await _rules(org)
    groups: list[Group] = []
    with org.sheet.trying("groups"):
        groups = await org.directory.all_groups()
        _look_at_visible(org, groups)
    policy = await _look_at_names(org, groups)
    wanted = [group for group in groups if org.wants(group)]
    _look_at_refused(org, policy, wanted, rules)
    _look_at_attributes(org, wanted)
    with org.sheet.trying("owners"):
        await _look_at_owners(org, wanted)


async def _rules(org: Org) -> Rules | None:
    rules = None
    with org.sheet.trying("group rules"):
        rules = await org.directory.rules()
        filled = counted(len(rules.managed), "group")
        org.sheet.ok("group rules", f"Group rules are readable; they fill {filled}.")
    return rules


def _look_at_visible(org: Org, groups: Sequence[Group]) -> None:
    wanted = sum(map(org.wants, groups))
    says = f"{counted(len(groups), 'group')} visible, {wanted} of them in a flow."
    if wanted:
        org.sheet.ok("groups", says)
    else:
        org.sheet.warning(
            "groups",
            says,
            "Widen groups of the flows or discovery in access.yaml, or the app's role.",
        )


async def _look_at_names(org: Org, groups: Sequence[Group]) -> Policy:
    """Lead each name of authority to its one id; return the policy with those."""
    users: dict[str, str] = {}
    pins: dict[str, str] = {}
    with org.sheet.trying("names"):
        astray, moved = [], []
        named = named_in_authority(org.catalogue, org.integration)
        for selector in sorted(named, key=str):
            kind, name, ids = await _lead(org.directory, selector)
            if len(ids) != 1:
                astray.append(name)
                continue
            (users if kind == "user" else pins)[name] = ids[0]
            if org.pinned.get((org.integration.name, kind, name), ids[0]) != ids[0]:
                moved.append(name)
        _judge_names(org, astray, moved, len(users) + len(pins))
    return Policy(
        catalogue=org.catalogue,
        integration=org.integration,
        users=users,
        groups=pins,
        owner_groups=_owner_groups(org, groups),
    )


def _judge_names(org: Org, astray: list[str], moved: list[str], led: int) -> None:
    if astray:
        says = (
            f"These names in access.yaml lead to nobody, or to several: {few(astray)}."
        )
        org.sheet.failed("names", says, MEND_NAME)
    elif moved:
        says = f"These names in access.yaml lead elsewhere than before: {few(moved)}."
        remedy = "Whom they meant first stays. See who renamed what in Okta."
        org.sheet.warning("names", says, remedy)
    else:
        each = "name of authority leads" if led == 1 else "names of authority lead"
        org.sheet.ok("names", f"{led} {each} to exactly one user or group.")


async def _lead(
    directory: OktaDirectory, selector: UserSelector | GroupSelector
) -> tuple[str, str, list[str]]:
    """Return the kind, the name, and the ids it leads to."""
    if isinstance(selector, UserSelector):
        person = await directory.person(selector.user)
        return "user", selector.user, [person.id] if person else []
    found = await groups_called(directory, selector.group)
    return "group", selector.group, [group.id for group in found]


def _owner_groups(org: Org, groups: Iterable[Group]) -> frozenset[str]:
    """Return the groups that some group's owner attribute names, by id."""
    named = {
        value
        for mapping in org.integration.resource_owner
        if mapping.attribute == "group"
        for group in groups
        for value in attribute_values(group, mapping.key)
    }
    return frozenset(named.union(g.id for g in groups if g.name in named))


def _look_at_refused(
    org: Org, policy: Policy, wanted: Sequence[Group], rules: Rules | None
) -> None:
    """Count the groups that a flow names and no one is ever given, by why."""
    if not wanted:
        org.sheet.unchecked("refused groups", "No group is in a flow.")
        return
    refused: dict[str, list[str]] = {}
    for group in wanted:
        known = org.directory.with_guards(group, rules) if rules else group
        why = refuse_group(policy, known)
        if why is not None:
            refused.setdefault(_guard(why, group), []).append(group.name)
    if not refused:
        says = f"None of the {counted(len(wanted), 'group')} in flows is refused."
        org.sheet.ok("refused groups", says)
    for guard, names in sorted(refused.items()):
        says = f"{counted(len(names), 'group')} in flows refused, {few(names)}: {guard}"
        remedy = "Leave them out of the flows, or change that in Okta."
        org.sheet.warning("refused groups", says, remedy)


def _guard(why: Refused, group: Group) -> str:
    """Return the refusal's reason without the name of the group."""
    return why.reason.replace(f"“{group.name}”", "it")


def _look_at_attributes(org: Org, wanted: Sequence[Group]) -> None:
    for mapping in org.integration.resource_owner:
        having = sum(bool(attribute_values(group, mapping.key)) for group in wanted)
        says = (
            f"{having} of {counted(len(wanted), 'group')} in flows "
            f"{'has' if having == 1 else 'have'} the attribute {mapping.key}."
        )
        if having:
            org.sheet.ok("owner attribute", says)
        else:
            org.sheet.warning(
                "owner attribute",
                says,
                "Check its spelling against the group profile in Okta's Profile "
                "Editor, and fill it in.",
            )


async def _look_at_owners(org: Org, wanted: Sequence[Group]) -> None:
    """Look whether the owner attributes of the first groups lead to active people."""
    owned = [group for group in wanted if _values(org, group)]
    some = owned[:LOOKED_AT]
    astray = [group.name for group in some if not await _has_owner(org, group)]
    if not org.integration.resource_owner:
        org.sheet.ok("owners", "No attribute names owners; the file itself does.")
    elif not some:
        org.sheet.unchecked("owners", "No group in a flow names an owner.")
    elif astray:
        says = f"Of {counted(len(some), 'group')} looked at, {len(astray)} name no "
        org.sheet.warning(
            "owners",
            f"{says}active owner: {few(astray)}.",
            "Correct their owner attribute in Okta; until then the next rung answers.",
        )
    else:
        says = f"Each of {counted(len(some), 'group')} looked at, of {len(owned)}, "
        org.sheet.ok("owners", f"{says}names an active owner.")


def _values(org: Org, group: Group) -> list[tuple[ResourceOwner, str]]:
    return [
        (mapping, value)
        for mapping in org.integration.resource_owner
        for value in attribute_values(group, mapping.key)
    ]


async def _has_owner(org: Org, group: Group) -> bool:
    for mapping, value in _values(org, group):
        if await _names_somebody(org.directory, mapping, value):
            return True
    return False


async def _names_somebody(
    directory: OktaDirectory, mapping: ResourceOwner, value: str
) -> bool:
    """Tell whether `value` leads to one person or group, and to somebody active."""
    if mapping.attribute == "group":
        groups = await groups_called(directory, value)
        allowed = [g.id for g in groups if _within(mapping, g.name, g.id)]
        return len(allowed) == 1 and await _has_active_member(directory, allowed[0])
    if mapping.attribute == "user":
        person = await directory.person(value)
        people = [person] if person else await directory.people_with("email", value)
    else:
        attribute = mapping.attribute.removeprefix("profile.")
        people = await directory.people_with(attribute, value)
    fit = [p for p in people if _within(mapping, p.login, p.id)]
    return len(fit) == 1 and fit[0].may_receive


async def _has_active_member(directory: OktaDirectory, group_id: str) -> bool:
    try:
        members = await directory.members(group_id)
    except DirectoryGone:
        return False
    return any(person.may_receive for person in members)


def _within(mapping: ResourceOwner, name: str, id_: str) -> bool:
    """Tell whether the mapping's `only` lets its attribute name this one."""
    bounds = [
        bound.group if isinstance(bound, GroupPattern) else bound.user
        for bound in mapping.only
        if isinstance(bound, GroupPattern) == (mapping.attribute == "group")
    ]
    return not mapping.only or any(matches(b, name) or b == id_ for b in bounds)
