"""Users: finding them, their groups, their life."""

from collections.abc import Callable

from starlette.responses import Response

from bot.sandbox.okta.answers import (
    ApiError,
    answer,
    array,
    limit_of,
    linked,
    nothing,
    page,
)
from bot.sandbox.okta.directory import GONE
from bot.sandbox.okta.groups import parsed_filter, parsed_search
from bot.sandbox.okta.records import User, role_document
from bot.sandbox.okta.state import Asked, State

FILTERABLE = frozenset(
    {"id", "status", "lastUpdated"}
    | {f"profile.{name}" for name in ("login", "email", "firstName", "lastName")}
)
SEARCHABLE = frozenset({"id", "status", "created", "lastUpdated"})
GROUPS_PER_PAGE = 200


def list_users(state: State, asked: Asked) -> Response:
    """GET /api/v1/users.

    Okta: search and filter find DEPROVISIONED people too; the plain list and
    `q` leave them out, and `q` has no pages.
    """
    limit = limit_of(asked.query, default=200, most=200)
    fits = _predicate(asked.query)
    users = [user for user in state.directory.users.values() if fits(user)]
    if "q" in asked.query:
        return linked(array([u.document(state.url) for u in users[:limit]]), [])
    shown, links = page(users, state.url + asked.path, asked.query, limit)
    return linked(array([user.document(state.url) for user in shown]), links)


def _predicate(query: dict[str, str]) -> Callable[[User], bool]:
    if "filter" in query and "search" in query:
        raise ApiError("E0000033")
    if "search" in query:
        search = parsed_search(query["search"], SEARCHABLE)
        return lambda user: search(user.look)
    if "filter" in query:
        filter = parsed_filter(query["filter"], FILTERABLE)
        return lambda user: filter(user.look)
    typed = query.get("q", "").casefold()
    return lambda user: user.status != GONE and _begins(user, typed)


def _begins(user: User, typed: str) -> bool:
    names = (user.profile.get(name) for name in ("firstName", "lastName", "email"))
    return any(str(name or "").casefold().startswith(typed) for name in names)


def get_user(state: State, asked: Asked) -> Response:
    """GET /api/v1/users/{id or login}, or the unambiguous start of a login."""
    return linked(_user(state, asked).document(state.url), [])


def _user(state: State, asked: Asked) -> User:
    sought, directory = asked.params["user"], state.directory
    if sought in directory.users or sought.casefold() in directory.logins:
        return directory.user(sought)
    short = sought.casefold() + "@"
    ids = [id for login, id in directory.logins.items() if login.startswith(short)]
    return directory.user(ids[0] if len(ids) == 1 else sought)


def list_groups_of(state: State, asked: Asked) -> Response:
    """GET /api/v1/users/{id}/groups: pages of 200, though nobody says so."""
    seen = state.directory.seen_groups(_user(state, asked))
    groups = [group for group in seen if state.sees(asked.app, group)]
    address = state.url + asked.path
    shown, links = page(groups, address, asked.query, GROUPS_PER_PAGE)
    return linked(array([group.document(state.url) for group in shown]), links)


def list_user_roles(state: State, asked: Asked) -> Response:
    """GET /api/v1/users/{id}/roles."""
    user = _user(state, asked)
    return answer([role_document(role, "USER", user.created) for role in user.roles])


def suspend(state: State, asked: Asked) -> Response:
    """POST .../lifecycle/suspend: only from ACTIVE."""
    return _switch(state, asked, "ACTIVE", "SUSPENDED")


def unsuspend(state: State, asked: Asked) -> Response:
    """POST .../lifecycle/unsuspend: only from SUSPENDED."""
    return _switch(state, asked, "SUSPENDED", "ACTIVE")


def _switch(state: State, asked: Asked, before: str, after: str) -> Response:
    user = _user(state, asked)
    verb = "suspend" if after == "SUSPENDED" else "unsuspend"
    asked.effect = f"{verb} {user.id}"
    if user.status != before:
        raise ApiError(
            "E0000001", "user", [f"Cannot {verb} a user who is not {before}"]
        )
    state.directory.change_user(user, after, {})
    target = [{"id": user.id, "type": "User", "alternateId": user.login}]
    state.directory.note(
        f"user.lifecycle.{verb}", asked.actor, target, asked.request_id
    )
    asked.changed = True
    return answer({})


def deactivate(state: State, asked: Asked) -> Response:
    """POST .../lifecycle/deactivate: not for those who already are."""
    user = _user(state, asked)
    asked.effect = f"deactivate {user.id}"
    if user.status == GONE:
        raise ApiError("E0000038")
    state.directory.deactivate(user, asked.actor, asked.request_id)
    asked.changed = True
    return answer({})


def delete_user(state: State, asked: Asked) -> Response:
    """DELETE /api/v1/users/{id}.

    Okta: the first call only deactivates, the second deletes; both answer 204.
    """
    user = _user(state, asked)
    gone = user.status == GONE
    asked.effect = f"{'delete' if gone else 'deactivate'} {user.id}"
    end = state.directory.drop_user if gone else state.directory.deactivate
    end(user, asked.actor, asked.request_id)
    asked.changed = True
    return nothing()
