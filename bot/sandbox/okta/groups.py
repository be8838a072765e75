"""Groups, their members, owners, roles and rules."""

import json
from typing import Any

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
from bot.sandbox.okta.permissions import changeable_group, visible_group
from bot.sandbox.okta.records import Group, Rule, role_document
from bot.sandbox.okta.search import Expression, InvalidExpression, Predicate
from bot.sandbox.okta.state import Asked, State

FILTERABLE = frozenset({"id", "type", "lastUpdated", "lastMembershipUpdated"})
SEARCHABLE = FILTERABLE | {"created", "source.id"}


def list_groups(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups."""
    groups = _listed(state, asked)
    write = Group.document
    if "stats" in asked.query.get("expand", "").split(","):
        write = Group.document_with_stats
    address = state.url + asked.path
    if "q" in asked.query:
        # Okta: `q` gives at most 300 and no Link header at all.
        return linked(array([write(g, state.url) for g in groups[:300]]), [])
    limit = limit_of(asked.query, default=10_000, most=10_000)
    shown, links = page(groups, address, asked.query, limit)
    return linked(array([write(g, state.url) for g in shown]), links)


def _listed(state: State, asked: Asked) -> list[Group]:
    query, app = asked.query, asked.app
    sought = (query.get("filter"), query.get("search"), query.get("q"))
    whose = (app.client_id, app.role, app.role_groups) if app else ()
    key = (state.directory.version, sought, whose)
    if state.listing.key != key:
        fits = _predicate(*sought)
        state.listing.groups = [
            group
            for group in state.directory.groups.values()
            if state.sees(app, group) and fits(group.look)
        ]
        state.listing.key = key
    return state.listing.groups


def _predicate(filter: str | None, search: str | None, q: str | None) -> Predicate:
    if filter is not None and search is not None:
        raise ApiError("E0000033")
    if q is not None:
        prefix = q.casefold()
        return lambda look: str(look("profile.name")).casefold().startswith(prefix)
    if filter is not None:
        return parsed_filter(filter, FILTERABLE)
    if search is not None:
        return parsed_search(search, SEARCHABLE)
    return lambda look: True


def parsed_filter(text: str, names: frozenset[str]) -> Predicate:
    """The predicate of a `filter`. Raises ApiError E0000053."""
    try:
        return Expression(text, names.__contains__).matches
    except InvalidExpression as error:
        raise ApiError("E0000053", text, [str(error)]) from error


def parsed_search(text: str, names: frozenset[str]) -> Predicate:
    """The predicate of a `search`, which may name any attribute of the profile.

    Raises ApiError E0000031.
    """
    try:
        return Expression(
            text, lambda n: n in names or n.startswith("profile."), exact=False
        ).matches
    except InvalidExpression as error:
        raise ApiError("E0000031", text, [str(error)]) from error


def get_group(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups/{id}."""
    group = visible_group(state, asked)
    return linked(group.document(state.url), [])


def list_members(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups/{id}/users: suspended people are among them."""
    members = state.directory.seen_members(visible_group(state, asked))
    limit = limit_of(asked.query, default=1000, most=1000)
    shown, links = page(members, state.url + asked.path, asked.query, limit)
    return linked(array([user.document(state.url) for user in shown]), links)


def add_member(state: State, asked: Asked) -> Response:
    """PUT /api/v1/groups/{id}/users/{user}.

    Okta: 204 for a new member and for an old one; the answer cannot tell which.
    """
    asked.effect = f"add {asked.params['group']} {asked.params['user']}"
    group = changeable_group(state, asked)
    user = state.directory.user_by_id(asked.params["user"])
    if user.status == GONE:
        raise ApiError("E0000038")
    asked.changed = state.directory.change_member(
        group, user, True, asked.actor, asked.request_id
    )
    return nothing()


def remove_member(state: State, asked: Asked) -> Response:
    """DELETE /api/v1/groups/{id}/users/{user}.

    Okta: a member whom a rule put there is excluded from that rule for good.
    """
    asked.effect = f"remove {asked.params['group']} {asked.params['user']}"
    group = changeable_group(state, asked)
    user = state.directory.user_by_id(asked.params["user"])
    asked.changed = state.directory.change_member(
        group, user, False, asked.actor, asked.request_id
    )
    if asked.changed:
        state.directory.exclude_from_rules(group, user, asked.actor, asked.request_id)
    return nothing()


def list_owners(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups/{id}/owners, where the org has bought the feature."""
    if not state.owners_sold:
        raise ApiError("E0000015")
    owners = visible_group(state, asked).owners
    limit = limit_of(asked.query, default=1000, most=1000)
    shown, links = page(owners, state.url + asked.path, asked.query, limit)
    return linked(array([owner.document() for owner in shown]), links)


def list_group_roles(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups/{id}/roles."""
    group = visible_group(state, asked)
    roles = ["GROUP_MEMBERSHIP_ADMIN"] if group.carries_admin_role else []
    return answer([role_document(role, "GROUP", group.created) for role in roles])


def list_rules(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups/rules."""
    keyword = asked.query.get("search", "").casefold()
    rules = [r for r in state.directory.rules.values() if keyword in r.name.casefold()]
    limit = limit_of(asked.query, default=50, most=200)
    shown, links = page(rules, state.url + asked.path, asked.query, limit)
    return linked(array([_rule(state, asked, rule) for rule in shown]), links)


def get_rule(state: State, asked: Asked) -> Response:
    """GET /api/v1/groups/rules/{id}."""
    rule = state.directory.rules.get(asked.params["rule"])
    if rule is None:
        raise ApiError("E0000007", f"{asked.params['rule']} (GroupRule)")
    return linked(_rule(state, asked, rule), [])


def _rule(state: State, asked: Asked, rule: Rule) -> str:
    if asked.query.get("expand") != "groupIdToGroupNameMap":
        return rule.document()
    known = state.directory.groups
    return rule.document({id: known[id].name for id in rule.targets if id in known})


def read_json(body: bytes) -> Any:
    """The JSON body of a call. Raises ApiError E0000019."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise ApiError("E0000019") from error
