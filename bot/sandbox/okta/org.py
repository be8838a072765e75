"""The control verbs of the org: what an administrator, or fate, does to it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import wraps
from typing import Any, TypeVar, cast

from starlette.applications import Starlette

from bot.sandbox.faults import Kind
from bot.sandbox.okta.answers import ApiError
from bot.sandbox.okta.api import api
from bot.sandbox.okta.apps import SCOPES, App, Key, public_part
from bot.sandbox.okta.permissions import ROLES
from bot.sandbox.okta.records import ADMIN, Call, Group, User, new_id
from bot.sandbox.okta.state import State
from bot.sandbox.serving import control

STATUSES = frozenset(
    {"ACTIVE", "DEPROVISIONED", "LOCKED_OUT", "PASSWORD_EXPIRED"}
    | {"PROVISIONED", "RECOVERY", "STAGED", "SUSPENDED"}
)
TYPES = frozenset({"OKTA_GROUP", "APP_GROUP", "BUILT_IN"})
DEFAULT_SCOPES = ("okta.groups.manage", "okta.users.read")
VERBS: set[str] = set()
V = TypeVar("V", bound=Callable[..., Any])


def verb(function: V) -> V:
    """A control verb: spoken under the org's lock, and over `/_control`."""

    @wraps(function)
    def spoken(org: "OktaOrg", *args: Any, **named: Any) -> Any:
        with org.state.lock:
            return function(org, *args, **named)

    VERBS.add(function.__name__)
    return cast(V, spoken)


class OktaOrg:
    """An Okta org on loopback. Its verbs may be spoken from any thread.

    Groups are named by id or name, users by id or login. Every verb raises
    KeyError for what is not there, ValueError for what Okta does not know.
    """

    def __init__(self) -> None:
        self.state = State()

    @property
    def url(self) -> str:
        """The org's URL, once it is served."""
        return self.state.url

    @url.setter
    def url(self, url: str) -> None:
        self.state.url = url

    def app(self) -> Starlette:
        """The org's endpoints, `/_control` among them."""
        return api(self.state, control(self, frozenset(VERBS)))

    def announcement(self) -> dict[str, Any]:
        """Nothing but the address: apps are made with `new_app`."""
        return {}

    @property
    def journal(self) -> list[Call]:
        """Every call so far, and every change of members made outside."""
        with self.state.lock:
            return list(self.state.journal)

    @property
    def most_in_flight(self) -> int:
        """The most calls that were under way at once since `reset`."""
        return self.state.most_in_flight

    @property
    def lagging(self) -> bool:
        """Whether member reads do not show every change yet."""
        with self.state.lock:
            return self.state.directory.is_lagging()

    @verb
    def calls(self) -> list[dict[str, Any]]:
        """The journal, as data."""
        return [asdict(call) for call in self.state.journal]

    @verb
    def reset(self) -> None:
        """An empty org again; answers still held are given up."""
        self.state.faults.clear()
        self.state.faults.up()
        self.state.clear()

    # Apps

    @verb
    def new_app(
        self,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        role: str | None = "GROUP_MEMBERSHIP_ADMIN",
        groups: Iterable[str] | None = None,
    ) -> dict[str, Any]:
        """An API Services app with one key pair: {"client_id", "private_key"}."""
        private = self.state.key_ring.take()
        app = App(new_id("0oa"), frozenset(), None)
        app.keys.append(Key(public_part(private), self.state.clock.stamp()))
        self.state.apps.register(app)
        self.set_scopes(app.client_id, scopes)
        self.set_role(app.client_id, role, groups)
        return {"client_id": app.client_id, "private_key": private}

    @verb
    def set_role(
        self, client_id: str, role: str | None, groups: Iterable[str] | None = None
    ) -> None:
        """Give the app this admin role only, or none; for those groups only."""
        if role is not None and role not in ROLES:
            raise ValueError(f"there is no role {role}: {', '.join(ROLES)}")
        app = self.state.apps.apps[client_id]
        app.role = role
        narrowed = groups is not None
        ids = frozenset(self._group(name).id for name in groups or ())
        app.role_groups = ids if narrowed else None

    @verb
    def app_keys(self, client_id: str) -> dict[str, bool]:
        """The keys of the app by kid, each with whether it is active."""
        keys = self.state.apps.apps[client_id].keys
        return {str(key.jwk["kid"]): key.status == "ACTIVE" for key in keys}

    @verb
    def fetch_keys(self, client_id: str, jwks: Mapping[str, Any]) -> None:
        """Give the app the keys of a JWKS, as Okta does that reads its jwks_uri."""
        app, stamp = self.state.apps.apps[client_id], self.state.clock.stamp()
        app.keys[:] = [Key(dict(jwk), stamp) for jwk in jwks["keys"]]

    @verb
    def set_scopes(self, client_id: str, scopes: Iterable[str]) -> None:
        """Grant the app these scopes; tokens already issued keep theirs."""
        granted = frozenset(scopes)
        if granted - SCOPES:
            raise ValueError(f"there is no scope {', '.join(granted - SCOPES)}")
        self.state.apps.apps[client_id].scopes = granted

    @verb
    def require_dpop(self, client_id: str, required: bool = True) -> None:
        """Tick or untick "Require DPoP" on the app."""
        self.state.apps.apps[client_id].dpop = required

    @verb
    def revoke_tokens(self) -> None:
        """Make every token invalid."""
        self.state.apps.tokens.clear()

    @verb
    def set_token_lifetime(self, seconds: float) -> None:
        """How long tokens issued from now on are good. Okta: one hour, fixed."""
        self.state.apps.lifetime = seconds

    # Users

    @verb
    def add_user(
        self,
        login: str,
        *,
        first: str = "",
        last: str = "",
        email: str | None = None,
        status: str = "ACTIVE",
        **profile: Any,
    ) -> str:
        """A user; the id. E-mail is the login unless it is given."""
        _require_status(status)
        if login.casefold() in self.state.directory.logins:
            raise ValueError(f"there is already a user {login}")
        first, last = first or login.split("@")[0].title(), last or "Example"
        names = {"firstName": first, "lastName": last, "email": email or login}
        user = self.state.directory.new_user(
            status, {"login": login, **names, **profile}
        )
        return user.id

    @verb
    def set_user(self, user: str, status: str | None = None, **profile: Any) -> None:
        """Change the status, attributes of the profile, or both."""
        _require_status(status or "ACTIVE")
        found = self._user(user)
        if status == "DEPROVISIONED":
            self.state.directory.deactivate(found, ADMIN, "")
        self.state.directory.change_user(found, status, profile)

    @verb
    def status(self, user: str) -> str:
        """The status of the user with this login; empty where there is none."""
        id_ = self.state.directory.logins.get(user.casefold(), "")
        found = self.state.directory.users.get(id_)
        return found.status if found else ""

    @verb
    def set_user_roles(self, user: str, roles: Iterable[str]) -> None:
        """Make the user an admin with these roles."""
        self._user(user).roles = list(roles)

    @verb
    def delete_user(self, user: str) -> None:
        """Delete the user for good."""
        self.state.directory.drop_user(self._user(user), ADMIN, "")

    # Groups

    @verb
    def add_group(
        self,
        name: str,
        *,
        description: str = "",
        type: str = "OKTA_GROUP",
        members: Iterable[str] = (),
        **profile: Any,
    ) -> str:
        """A group; the id. What is not a known word is a custom attribute."""
        if type not in TYPES:
            raise ValueError(f"there is no group type {type}")
        named = {"name": name, "description": description}
        group = self.state.directory.new_group(type, {**named, **profile})
        for member in members:
            self.add_member(group.id, member)
        return group.id

    @verb
    def set_group(self, group: str, **profile: Any) -> None:
        """Change attributes of the group's profile, its name among them."""
        self.state.directory.change_group(self._group(group), profile)

    @verb
    def delete_group(self, group: str) -> None:
        """Delete the group for good."""
        self.state.directory.drop_group(self._group(group), ADMIN, "")

    @verb
    def set_group_admin(self, group: str, carries: bool = True) -> None:
        """Let the group carry an admin role, or no longer."""
        found = self._group(group)
        found.carries_admin_role = carries
        verb = "grant" if carries else "revoke"
        target = [{"id": found.id, "type": "UserGroup", "displayName": found.name}]
        self.state.directory.note(f"group.privilege.{verb}", ADMIN, target, "")

    @verb
    def set_owners(self, group: str, owners: Iterable[str]) -> None:
        """The group's owners, users or groups; the org then has the feature."""
        self.state.owners_sold = True
        self._group(group).owners = [self._owner(owner) for owner in owners]

    @verb
    def sell_owners(self, sold: bool = True) -> None:
        """Whether the org has the feature of group owners."""
        self.state.owners_sold = sold

    @verb
    def add_member(self, group: str, user: str) -> bool:
        """Add a member as an administrator; whether that changed anything."""
        return self._change_member(group, user, True)

    @verb
    def remove_member(self, group: str, user: str) -> bool:
        """Remove a member as an administrator; whether that changed anything."""
        return self._change_member(group, user, False)

    @verb
    def members(self, group: str) -> list[str]:
        """The logins of the members as they really are, sorted."""
        users = self.state.directory.users
        return sorted(users[one].login for one in self._group(group).members)

    @verb
    def is_member(self, group: str, user: str) -> bool:
        """Whether the user really is a member."""
        return self._user(user).id in self._group(group).members

    @verb
    def add_rule(
        self,
        name: str,
        target_groups: Iterable[str],
        expression: str = "",
        status: str = "ACTIVE",
        rule_member: Iterable[str] = (),
    ) -> str:
        """A group rule; the id. `rule_member`: whom it fills its groups with."""
        groups = [self._group(target) for target in target_groups]
        ids = [group.id for group in groups]
        rule = self.state.directory.new_rule(name, ids, expression, status)
        chosen = [rule_member] if isinstance(rule_member, str) else rule_member
        for user in [self._user(one) for one in chosen]:
            rule.members.add(user.id)
            for group in groups:
                self._change_member(group.id, user.id, True)
        return rule.id

    @verb
    def set_rule(self, rule_id: str, status: str) -> None:
        """Activate or deactivate a rule, or find it INVALID."""
        self.state.directory.rules[rule_id].status = status

    @verb
    def fill(self, groups: int = 20_000, users: int = 0, prefix: str = "group") -> None:
        """Make many groups and users at once: group-00001, user-00001@example.com."""
        for number in range(1, groups + 1):
            profile = {"name": f"{prefix}-{number:05}", "description": ""}
            self.state.directory.new_group("OKTA_GROUP", profile)
        for number in range(1, users + 1):
            self.add_user(f"user-{number:05}@example.com")

    # Faults and limits

    def fail(self, match: str, kind: Kind, **options: Any) -> None:
        """Let calls fail: `match` is looked for in "METHOD /path"."""
        self.state.faults.add(match, kind, **options)

    def mend(self) -> None:
        """No faults any more."""
        self.state.faults.clear()

    def down(self) -> None:
        """Cut every call until `up`."""
        self.state.faults.down()

    def up(self) -> None:
        """End what `down` began."""
        self.state.faults.up()

    @verb
    def require_limit(self, bucket: str, limit: int, window: float = 60.0) -> None:
        """Allow a bucket so many calls in a window of so many seconds."""
        self.state.limits.require(bucket, limit, window)

    @verb
    def set_concurrency(self, at_once: int) -> None:
        """Allow so many calls at once."""
        self.state.limits.at_once = at_once

    @verb
    def set_latency(self, seconds: float) -> None:
        """Let every call take at least so long."""
        self.state.latency = seconds

    @verb
    def set_read_lag(self, seconds: float) -> None:
        """Let member reads show a change only after so long."""
        self.state.directory.read_lag = seconds

    @verb
    def set_clock_skew(self, seconds: float) -> None:
        """Set the org's clock so far ahead of ours."""
        self.state.clock.skew = seconds

    @verb
    def set_keys_wrapped(self, wrapped: bool = True) -> None:
        """List an app's keys as Okta's example does, not as its schema does."""
        self.state.keys_wrapped = wrapped

    def _user(self, id_or_login: str) -> User:
        try:
            return self.state.directory.user(id_or_login)
        except ApiError as error:
            raise KeyError(f"there is no user {id_or_login}") from error

    def _group(self, id_or_name: str) -> Group:
        groups = self.state.directory.groups
        if id_or_name in groups:
            return groups[id_or_name]
        for group in groups.values():
            if group.name == id_or_name:
                return group
        raise KeyError(f"there is no group {id_or_name}")

    def _change_member(self, group: str, user: str, present: bool) -> bool:
        return self.state.directory.change_outside(
            self._group(group), self._user(user), present, ADMIN, ""
        )

    def _owner(self, ref: str) -> Any:
        directory = self.state.directory
        try:
            user = directory.user(ref)
        except ApiError:
            group = self._group(ref)
            return directory.new_owner("GROUP", group.id, group.name)
        return directory.new_owner("USER", user.id, user.login)


def _require_status(status: str) -> None:
    if status not in STATUSES:
        raise ValueError(f"there is no status {status}")


VERBS.update({"fail", "mend", "down", "up"})
