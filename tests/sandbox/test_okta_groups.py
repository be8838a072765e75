"""Groups and their members, through the API."""

from collections.abc import Callable

import pytest

from bot.sandbox.okta import OktaOrg
from tests.sandbox import openapi
from tests.sandbox.okta_calls import Calls, refused

GROUPS = "/api/v1/groups"


def names(groups: list[dict[str, dict[str, str]]]) -> list[str]:
    return [group["profile"]["name"] for group in groups]


def test_answers_are_held_against_oktas_own_document() -> None:
    openapi.required()
    assert openapi.check_answer("GET", GROUPS, 200, [])
    with pytest.raises(AssertionError):
        openapi.check_answer("GET", GROUPS, 200, [{"id": 5}])


def test_a_group_is_written_as_okta_writes_it(org: OktaOrg, app: Calls) -> None:
    id = org.add_group("prod", description="Production", tier="gold")
    group = app.get(f"{GROUPS}/{id}")
    assert (id[:3], len(id)) == ("00g", 20)
    assert group["profile"] == {
        "name": "prod",
        "description": "Production",
        "tier": "gold",
    }
    assert (group["type"], group["objectClass"]) == ("OKTA_GROUP", ["okta:user_group"])


def test_pages_are_followed_by_their_second_link_header(
    org: OktaOrg, app: Calls
) -> None:
    org.fill(groups=5)
    answer = app("GET", GROUPS, params={"limit": 2})
    own, onward = answer.headers.get_list("link")
    assert 'rel="self"' in own
    assert 'rel="next"' in onward
    pages = app.pages(GROUPS, limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    shown = [name for page in pages for name in names(page)]
    assert shown == [f"group-0000{n}" for n in range(1, 6)]


def test_a_group_deleted_between_pages_moves_no_other(org: OktaOrg, app: Calls) -> None:
    org.fill(groups=4)
    first = app("GET", GROUPS, params={"limit": 2})
    org.delete_group("group-00001")
    rest = app.get(first.links["next"]["url"])
    assert names(rest) == ["group-00003", "group-00004"]


@pytest.mark.parametrize(
    ("how", "expression", "found"),
    [
        ("filter", 'type eq "OKTA_GROUP"', ["prod-db", "prod-web", "Staging"]),
        ("filter", 'type eq "BUILT_IN" or type eq "APP_GROUP"', ["imported"]),
        ("filter", 'lastUpdated gt "2999-01-01T00:00:00.000Z"', []),
        ("search", 'profile.name eq "staging"', ["Staging"]),
        ("search", 'profile.name sw "prod-"', ["prod-db", "prod-web"]),
        ("search", 'profile.tier eq "gold"', ["prod-db"]),
        ("search", 'profile.owners eq "Ada"', ["prod-web"]),
        ("search", 'profile.name co "web" or profile.tier pr', ["prod-db", "prod-web"]),
        (
            "search",
            'type eq "OKTA_GROUP" and (profile.name sw "prod" and profile.tier pr)',
            ["prod-db"],
        ),
        ("search", 'profile.name eq "say \\"hi\\""', []),
        ("q", "prod", ["prod-db", "prod-web"]),
    ],
)
def test_groups_are_found_by_expression(
    org: OktaOrg, app: Calls, how: str, expression: str, found: list[str]
) -> None:
    org.add_group("prod-db", tier="gold")
    org.add_group("prod-web", owners=["ada", "bob"])
    org.add_group("Staging")
    org.add_group("imported", type="APP_GROUP")
    assert names(app.get(GROUPS, **{how: expression})) == found


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"filter": 'profile.name eq "x"'}, "E0000053"),
        ({"filter": 'type eq "x'}, "E0000053"),
        ({"search": 'type ne "x"'}, "E0000031"),
        ({"search": "(type eq"}, "E0000031"),
        ({"search": 'type eq "a" type eq "b"'}, "E0000031"),
        ({"search": 'id eq "a"', "filter": 'id eq "a"'}, "E0000033"),
        ({"limit": "0"}, "E0000001"),
        ({"limit": "10001"}, "E0000001"),
        ({"after": "made up"}, "E0000029"),
    ],
)
def test_what_okta_does_not_take_is_refused(
    app: Calls, query: dict[str, str], code: str
) -> None:
    assert refused(app("GET", GROUPS, params=query)) == (400, code)


def test_what_changed_is_found_by_its_instant(org: OktaOrg, app: Calls) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    before = app.get(f"{GROUPS}/{group}")["lastMembershipUpdated"]
    expression = f'lastMembershipUpdated gt "{before}"'
    assert app.get(GROUPS, filter=expression) == []
    org.set_clock_skew(5)
    org.add_member(group, ada)
    assert names(app.get(GROUPS, filter=expression)) == ["prod"]


def test_an_admin_role_shows_in_the_statistics(org: OktaOrg, app: Calls) -> None:
    id = org.add_group("admins", members=[org.add_user("ada@example.com")])
    org.set_group_admin("admins", True)
    [group] = app.get(GROUPS, search=f'id eq "{id}"', expand="stats")
    stats = group["_embedded"]["stats"]
    assert (stats["hasAdminPrivlege"], stats["usersCount"]) == (True, 1)
    assert "_embedded" not in app.get(f"{GROUPS}/{id}")


def test_adding_twice_cannot_be_told_from_adding_once(org: OktaOrg, app: Calls) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    path = f"{GROUPS}/{group}/users/{ada}"
    answers = [app("PUT", path), app("PUT", path)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2
    assert org.members("prod") == ["ada@example.com"]
    assert [call.actual_change for call in org.journal[-2:]] == [True, False]


def test_removing_takes_the_member_away(org: OktaOrg, app: Calls) -> None:
    ada = org.add_user("ada@example.com")
    group = org.add_group("prod", members=[ada])
    assert app("DELETE", f"{GROUPS}/{group}/users/{ada}").status_code == 204
    assert app.get(f"{GROUPS}/{group}/users") == []
    assert app.get(f"/api/v1/users/{ada}/groups") == []
    assert org.journal[-3].effect == f"remove {group} {ada}"


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_a_change_needs_the_ids_of_both(org: OktaOrg, app: Calls, verb: str) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    missing = (404, "E0000007")
    assert refused(app(verb, f"{GROUPS}/{'0' * 20}/users/{ada}")) == missing
    assert refused(app(verb, f"{GROUPS}/{group}/users/{'0' * 20}")) == missing
    assert refused(app(verb, f"{GROUPS}/{group}/users/ada@example.com")) == missing


@pytest.mark.parametrize("type", ["APP_GROUP", "BUILT_IN"])
def test_only_okta_groups_can_be_changed(org: OktaOrg, app: Calls, type: str) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("other", type=type)
    assert refused(app("PUT", f"{GROUPS}/{group}/users/{ada}")) == (403, "E0000006")


def test_a_group_with_an_admin_role_needs_a_super_admin(
    org: OktaOrg, app: Calls, super_app: Calls
) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("admins")
    org.set_group_admin(group, True)
    path = f"{GROUPS}/{group}/users/{ada}"
    assert refused(app("PUT", path)) == (403, "E0000006")
    assert super_app("PUT", path).status_code == 204


def test_somebody_deactivated_cannot_be_added(org: OktaOrg, app: Calls) -> None:
    ada = org.add_user("ada@example.com", status="DEPROVISIONED")
    group = org.add_group("prod")
    assert refused(app("PUT", f"{GROUPS}/{group}/users/{ada}")) == (403, "E0000038")


def test_removing_whom_a_rule_put_there_excludes_them_for_good(
    org: OktaOrg, app: Calls
) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    rule = org.add_rule("staff", [group], 'user.department=="IT"', rule_member=[ada])
    assert org.is_member(group, ada)
    app("DELETE", f"{GROUPS}/{group}/users/{ada}")
    [shown] = app.get(f"{GROUPS}/rules")
    assert shown["id"] == rule
    assert shown["actions"]["assignUserToGroups"]["groupIds"] == [group]
    assert shown["conditions"]["people"]["users"]["exclude"] == [ada]


def test_rules_come_in_pages_with_the_names_of_their_groups(
    org: OktaOrg, app: Calls
) -> None:
    group = org.add_group("prod")
    for number in range(3):
        org.add_rule(f"rule {number}", [group], status="INACTIVE")
    pages = app.pages(f"{GROUPS}/rules", limit=2, expand="groupIdToGroupNameMap")
    assert [len(page) for page in pages] == [2, 1]
    assert pages[1][0]["_embedded"] == {"groupIdToGroupNameMap": {group: "prod"}}
    assert app.get(f"{GROUPS}/rules/{pages[0][0]['id']}")["status"] == "INACTIVE"


def test_owners_are_a_feature_that_the_org_may_lack(org: OktaOrg, app: Calls) -> None:
    org.add_user("ada@example.com")
    group, team = org.add_group("prod"), org.add_group("Team")
    path = f"{GROUPS}/{group}/owners"
    assert refused(app("GET", path)) == (401, "E0000015")
    org.set_owners(group, ["ada@example.com", "Team"])
    owners = app.get(path)
    assert [owner["type"] for owner in owners] == ["USER", "GROUP"]
    assert owners[1]["id"] == team


def test_a_read_may_lag_behind_a_change(org: OktaOrg, app: Calls) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    org.set_read_lag(3600)
    app("PUT", f"{GROUPS}/{group}/users/{ada}")
    assert app.get(f"{GROUPS}/{group}/users") == []
    assert app.get(f"/api/v1/users/{ada}/groups") == []
    assert org.is_member(group, ada)


def test_a_removal_may_be_read_late_too(org: OktaOrg, app: Calls) -> None:
    ada = org.add_user("ada@example.com")
    group = org.add_group("prod", members=[ada])
    org.set_read_lag(3600)
    app("DELETE", f"{GROUPS}/{group}/users/{ada}")
    assert names(app.get(f"/api/v1/users/{ada}/groups")) == ["prod"]
    assert not org.is_member(group, ada)


def test_without_a_role_lists_are_empty_and_the_rest_is_refused(
    org: OktaOrg, app_with: Callable[..., Calls]
) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    app = app_with(role=None)
    assert app.get(GROUPS) == app.get("/api/v1/users") == []
    for method, path in [
        ("GET", f"{GROUPS}/{group}"),
        ("PUT", f"{GROUPS}/{group}/users/{ada}"),
        ("GET", f"/api/v1/users/{ada}"),
    ]:
        assert refused(app(method, path)) == (403, "E0000006")


def test_a_narrowed_role_does_not_see_other_groups(
    org: OktaOrg, app_with: Callable[..., Calls]
) -> None:
    ada = org.add_user("ada@example.com")
    mine, other = org.add_group("mine", members=[ada]), org.add_group("other")
    app = app_with(groups=["mine"])
    assert names(app.get(GROUPS)) == ["mine"]
    assert refused(app("GET", f"{GROUPS}/{other}")) == (404, "E0000007")
    assert refused(app("GET", f"{GROUPS}/{other}/users")) == (404, "E0000007")
    assert refused(app("PUT", f"{GROUPS}/{other}/users/{ada}")) == (403, "E0000006")
    assert app("DELETE", f"{GROUPS}/{mine}/users/{ada}").status_code == 204


def test_everyone_is_not_shown_to_group_admins(
    org: OktaOrg, app: Calls, super_app: Calls
) -> None:
    org.add_group("Everyone", type="BUILT_IN")
    assert app.get(GROUPS) == []
    assert names(super_app.get(GROUPS)) == ["Everyone"]


def test_paths_and_methods_okta_lacks_are_refused_in_its_words(app: Calls) -> None:
    assert refused(app("GET", "/api/v1/nothing")) == (404, "E0000008")
    assert refused(app("DELETE", GROUPS)) == (405, "E0000022")
