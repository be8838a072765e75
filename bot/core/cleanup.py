"""Whether an Okta account may be ended by clean-up, and why not.

NB. This is the only thing the bot does to an account itself, and deletion is for
good: whatever is not known protects. Only members of groups that the file binds
it to, which neither a rule nor anybody's wish can fill, are ever acted on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.core.catalogue import UserSelector
from bot.core.policy import Policy, is_about, named_in_authority
from bot.core.words import Group, Person, Refused

Action = Literal["suspend", "deactivate", "delete"]

ACTED_ON: Mapping[Action, frozenset[str]] = {
    "suspend": frozenset({"ACTIVE"}),
    "deactivate": frozenset({"ACTIVE", "SUSPENDED", "PASSWORD_EXPIRED", "LOCKED_OUT"}),
    "delete": frozenset(
        {"ACTIVE", "SUSPENDED", "PASSWORD_EXPIRED", "LOCKED_OUT", "DEPROVISIONED"}
    ),
}
"""The statuses from which each action is begun. Okta: suspend is only from ACTIVE."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account as it was just read, whole.

    `is_admin` is None where Okta does not tell of its roles; `bounds` are the
    groups that clean-up is bound to by id, None for one that is not to be read.
    """

    person: Person
    is_admin: bool | None = None
    bounds: Mapping[str, Group | None] = field(default_factory=dict)


def protected(policy: Policy, action: Action, account: Account) -> Refused | None:
    """Return why this account is left alone, or None."""
    person = account.person
    if person.status not in ACTED_ON[action]:
        return Refused(f"They are {person.status}, from which I do not {action}.")
    if account.is_admin is not False:
        told = "have" if account.is_admin else "may have, as Okta does not tell,"
        return Refused(f"They {told} an admin role.")
    if _is_named(policy, person):
        return Refused("access.yaml names them.")
    if person.groups is None or not policy.authority.isdisjoint(person.groups):
        return Refused("They are in a group that decides about others.")
    return _outside(policy, account)


def _is_named(policy: Policy, person: Person) -> bool:
    """Tell whether the file names the person, by login or by what it is pinned to."""
    named = named_in_authority(policy.catalogue, policy.integration)
    logins = {each.user.casefold() for each in named if isinstance(each, UserSelector)}
    pinned = person.id in policy.users.values()
    return pinned or bool(logins & {person.login.casefold(), person.id.casefold()})


def _outside(policy: Policy, account: Account) -> Refused | None:
    """Return why no group that bounds clean-up holds the account, or None."""
    cleanup, groups = policy.integration.user_cleanup, account.person.groups or ()
    why = Refused("They are in none of the groups that clean-up is bound to.")
    for bound in cleanup.only_members_of if cleanup else ():
        id_ = policy.groups.get(bound.group)
        if id_ is None or id_ not in groups:
            continue
        group = account.bounds.get(id_)
        if group is None or group.type != "OKTA_GROUP":
            why = Refused(f"“{bound.group}” cannot be read as an Okta group.")
        elif group.rule_managed is not False:
            why = Refused(f"“{bound.group}” is filled by an Okta group rule.")
        elif any(
            is_about(policy, flow.groups, group) is not False for flow in policy.flows
        ):
            why = Refused(f"“{bound.group}” can be asked for.")
        else:
            return None
    return why
