"""What an admin role on the app allows.

Okta has two gates: the scope of the token says which API, the admin role of
the app says which objects. Having a scope proves nothing about permission.
"""

from enum import Enum, auto

from bot.sandbox.okta.answers import ApiError
from bot.sandbox.okta.records import Group
from bot.sandbox.okta.state import Asked, State


class Permission(Enum):
    """What an endpoint needs the role to allow."""

    READ_GROUPS = auto()
    READ_USERS = auto()
    CHANGE_MEMBERS = auto()
    CHANGE_USERS = auto()
    READ_ROLES = auto()
    READ_APPS = auto()
    CHANGE_KEYS = auto()
    READ_LOGS = auto()
    READ_ORG = auto()


P = Permission
LOOKING = frozenset({P.READ_GROUPS, P.READ_USERS, P.READ_ORG})
READING = LOOKING | {P.READ_ROLES, P.READ_APPS, P.READ_LOGS}
ROLES: dict[str, frozenset[Permission]] = {
    "SUPER_ADMIN": frozenset(Permission),
    "ORG_ADMIN": READING | {P.CHANGE_MEMBERS, P.CHANGE_USERS},
    "USER_ADMIN": LOOKING | {P.CHANGE_MEMBERS, P.CHANGE_USERS},
    "GROUP_MEMBERSHIP_ADMIN": LOOKING | {P.CHANGE_MEMBERS},
    "READ_ONLY_ADMIN": READING,
    "HELP_DESK_ADMIN": LOOKING,
    "REPORT_ADMIN": frozenset({P.READ_LOGS, P.READ_ORG}),
}


def allows(asked: Asked, permission: Permission) -> bool:
    """Whether the role of the asking app has the permission."""
    role = asked.app.role if asked.app else None
    return role is not None and permission in ROLES[role]


def visible_group(state: State, asked: Asked) -> Group:
    """The group in the path. Raises ApiError E0000007 if it is not to be seen."""
    group = state.directory.group(asked.params["group"])
    if not state.sees(asked.app, group):
        raise ApiError("E0000007", f"{group.id} (UserGroup)")
    return group


def changeable_group(state: State, asked: Asked) -> Group:
    """The group in the path, if the app may change its members.

    Raises ApiError E0000007 where there is none, E0000006 where it may not.
    """
    group = state.directory.group(asked.params["group"])
    # NB. Whoever changes the members of a group with an admin role makes admins:
    # only a Super Admin may.
    needs_super = group.carries_admin_role
    is_super = asked.app is not None and asked.app.role == "SUPER_ADMIN"
    if not state.sees(asked.app, group) or (needs_super and not is_super):
        raise ApiError("E0000006")
    if group.type != "OKTA_GROUP":
        raise ApiError("E0000006")
    return group
