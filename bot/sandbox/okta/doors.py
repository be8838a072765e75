"""The org's endpoints, each with the scope and permission that open it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.responses import Response

from bot.sandbox.okta import admin, groups, users
from bot.sandbox.okta.answers import ApiError, linked
from bot.sandbox.okta.permissions import Permission, allows
from bot.sandbox.okta.state import Asked, State

P = Permission
Endpoint = Callable[[State, Asked], Response]
Path = tuple[str, str, Endpoint]


@dataclass(frozen=True)
class Door:
    """An endpoint, and what opens it."""

    method: str
    path: str
    endpoint: Endpoint
    scope: str
    permission: Permission

    def enter(self, state: State, asked: Asked) -> Response:
        """What the endpoint answers, once token, scope and role let it.

        Raises ApiError where they do not; a list is empty without a role.
        """
        self._require_scope(state, asked)
        if allows(asked, self.permission):
            return self.endpoint(state, asked)
        if self.endpoint in WITHOUT_A_ROLE_EMPTY:
            return linked("[]", [])
        raise ApiError("E0000006")

    def _require_scope(self, state: State, asked: Asked) -> None:
        kind, _, bearer = asked.headers.get("authorization", "").partition(" ")
        token = state.apps.token(bearer) if kind == "Bearer" else None
        if token is None:
            raise ApiError("E0000011", challenge="invalid_token")
        asked.app = state.apps.apps[token.client_id]
        # Okta: manage implies read of the same resource.
        if not token.scopes & {self.scope, self.scope.replace(".read", ".manage")}:
            raise ApiError("E0000006", challenge="insufficient_scope")


WITHOUT_A_ROLE_EMPTY: frozenset[Endpoint] = frozenset(
    {groups.list_groups, groups.list_rules, users.list_users, admin.list_log}
)


def _doors(scope: str, permission: Permission, *paths: Path) -> Iterator[Door]:
    for method, path, endpoint in paths:
        yield Door(method, path, endpoint, f"okta.{scope}", permission)


GROUPS = "/api/v1/groups"
GROUP = GROUPS + "/{group}"
MEMBER = GROUP + "/users/{user}"
USERS = "/api/v1/users"
USER = USERS + "/{user}"
LIFE = USER + "/lifecycle"
KEYS = "/api/v1/apps/{app}/credentials/jwks"
KEY = KEYS + "/{key}"

# The more exact path goes first: /groups/rules is not a group.
DOORS: tuple[Door, ...] = (
    *_doors(
        "groups.read",
        P.READ_GROUPS,
        ("GET", GROUPS, groups.list_groups),
        ("GET", GROUPS + "/rules", groups.list_rules),
        ("GET", GROUPS + "/rules/{rule}", groups.get_rule),
        ("GET", GROUP, groups.get_group),
        ("GET", GROUP + "/users", groups.list_members),
        ("GET", GROUP + "/owners", groups.list_owners),
    ),
    *_doors(
        "groups.manage",
        P.CHANGE_MEMBERS,
        ("PUT", MEMBER, groups.add_member),
        ("DELETE", MEMBER, groups.remove_member),
    ),
    *_doors(
        "users.read",
        P.READ_USERS,
        ("GET", USERS, users.list_users),
        ("GET", USER, users.get_user),
        ("GET", USER + "/groups", users.list_groups_of),
    ),
    *_doors(
        "users.manage",
        P.CHANGE_USERS,
        ("DELETE", USER, users.delete_user),
        ("POST", LIFE + "/suspend", users.suspend),
        ("POST", LIFE + "/unsuspend", users.unsuspend),
        ("POST", LIFE + "/deactivate", users.deactivate),
    ),
    *_doors(
        "roles.read",
        P.READ_ROLES,
        ("GET", GROUP + "/roles", groups.list_group_roles),
        ("GET", USER + "/roles", users.list_user_roles),
        ("GET", "/oauth2/v1/clients/{app}/roles", admin.list_client_roles),
    ),
    *_doors(
        "apps.read",
        P.READ_APPS,
        ("GET", KEYS, admin.list_keys),
        ("GET", KEY, admin.get_key),
    ),
    *_doors(
        "apps.manage",
        P.CHANGE_KEYS,
        ("POST", KEYS, admin.add_key),
        ("DELETE", KEY, admin.delete_key),
        ("POST", KEY + "/lifecycle/activate", admin.activate_key),
        ("POST", KEY + "/lifecycle/deactivate", admin.deactivate_key),
    ),
    *_doors("logs.read", P.READ_LOGS, ("GET", "/api/v1/logs", admin.list_log)),
    *_doors("orgs.read", P.READ_ORG, ("GET", "/api/v1/org", admin.get_org)),
)
