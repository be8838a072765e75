"""Users, through the API: finding them, and the end of their accounts."""

import pytest

from bot.sandbox.okta import OktaOrg
from tests.sandbox.okta_calls import Calls, refused

USERS = "/api/v1/users"


def logins(users: list[dict[str, dict[str, str]]]) -> list[str]:
    return [user["profile"]["login"] for user in users]


def test_a_user_is_written_as_okta_writes_it(org: OktaOrg, app: Calls) -> None:
    id = org.add_user("ada@example.com", first="Ada", last="Byron", managerId="bob")
    user = app.get(f"{USERS}/{id}")
    assert (id[:3], len(id), user["status"]) == ("00u", 20, "ACTIVE")
    assert user["profile"] == {
        "login": "ada@example.com",
        "email": "ada@example.com",
        "firstName": "Ada",
        "lastName": "Byron",
        "managerId": "bob",
    }


@pytest.mark.parametrize("name", ["ada@example.com", "ADA@example.com", "ada"])
def test_a_user_is_found_by_login_or_its_unambiguous_start(
    org: OktaOrg, app: Calls, name: str
) -> None:
    id = org.add_user("ada@example.com", email="ada.byron@example.org")
    assert app.get(f"{USERS}/{name}")["id"] == id


@pytest.mark.parametrize("name", ["ada", "bob.e@example.org", "nobody", "me"])
def test_an_ambiguous_start_or_an_email_finds_nobody(
    org: OktaOrg, app: Calls, name: str
) -> None:
    org.add_user("ada@example.com")
    org.add_user("ada@example.net")
    org.add_user("bob@example.com", email="bob.e@example.org")
    assert refused(app("GET", f"{USERS}/{name}")) == (404, "E0000007")


def test_a_renamed_user_is_found_by_the_new_login_only(
    org: OktaOrg, app: Calls
) -> None:
    id = org.add_user("ada@example.com")
    org.set_user(id, login="byron@example.com")
    assert app.get(f"{USERS}/byron@example.com")["id"] == id
    assert app("GET", f"{USERS}/ada@example.com").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["ada@example.com", "bob@example.com"]),
        ({"q": "bo"}, ["bob@example.com"]),
        ({"search": 'profile.email eq "TEAM@example.com"'}, ["ada", "bob", "cyd"]),
        ({"search": 'profile.slackId eq "U1"'}, ["bob"]),
        ({"search": 'status eq "DEPROVISIONED"'}, ["cyd"]),
        ({"filter": 'profile.email eq "team@example.com"'}, ["ada", "bob", "cyd"]),
        ({"filter": 'profile.email eq "TEAM@example.com"'}, []),
    ],
)
def test_users_are_found_by_expression(
    org: OktaOrg, app: Calls, query: dict[str, str], found: list[str]
) -> None:
    org.add_user("ada@example.com", email="team@example.com")
    org.add_user("bob@example.com", email="team@example.com", slackId="U1")
    org.add_user("cyd@example.com", email="team@example.com", status="DEPROVISIONED")
    shown = logins(app.get(USERS, **query))
    assert [login.split("@")[0] for login in shown] == [f.split("@")[0] for f in found]


def test_the_groups_of_a_user_come_in_pages_of_200(org: OktaOrg, app: Calls) -> None:
    ada = org.add_user("ada@example.com")
    for number in range(201):
        org.add_group(f"group {number}", members=[ada])
    pages = app.pages(f"{USERS}/{ada}/groups")
    assert [len(page) for page in pages] == [200, 1]


def test_suspending_keeps_groups_and_can_be_undone(
    org: OktaOrg, super_app: Calls
) -> None:
    ada = org.add_user("ada@example.com")
    org.add_group("prod", members=[ada])
    path = f"{USERS}/{ada}/lifecycle"
    assert super_app("POST", f"{path}/suspend").status_code == 200
    assert refused(super_app("POST", f"{path}/suspend")) == (400, "E0000001")
    assert org.members("prod") == ["ada@example.com"]
    assert super_app("POST", f"{path}/unsuspend").status_code == 200
    assert super_app.get(f"{USERS}/{ada}")["status"] == "ACTIVE"


def test_deactivating_ends_every_membership_once(
    org: OktaOrg, super_app: Calls
) -> None:
    ada = org.add_user("ada@example.com")
    group = org.add_group("prod", members=[ada])
    path = f"{USERS}/{ada}/lifecycle/deactivate"
    assert super_app("POST", path, params={"sendEmail": "false"}).status_code == 200
    assert refused(super_app("POST", path)) == (403, "E0000038")
    assert org.members("prod") == []
    assert f"remove {group} {ada}" in [call.effect for call in org.journal]


def test_the_same_delete_deactivates_first_and_then_deletes(
    org: OktaOrg, super_app: Calls
) -> None:
    ada = org.add_user("ada@example.com")
    assert super_app("DELETE", f"{USERS}/{ada}").status_code == 204
    assert super_app.get(f"{USERS}/{ada}")["status"] == "DEPROVISIONED"
    assert super_app("DELETE", f"{USERS}/{ada}").status_code == 204
    assert super_app("GET", f"{USERS}/{ada}").status_code == 404
    effects = [call.effect for call in org.journal if call.effect]
    assert effects == [f"deactivate {ada}", f"delete {ada}"]


def test_admin_roles_of_people_and_groups_can_be_read(
    org: OktaOrg, super_app: Calls
) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("admins")
    org.set_user_roles(ada, ["SUPER_ADMIN"])
    org.set_group_admin(group, True)
    [role] = super_app.get(f"{USERS}/{ada}/roles")
    assert (role["type"], role["assignmentType"]) == ("SUPER_ADMIN", "USER")
    assert len(super_app.get(f"/api/v1/groups/{group}/roles")) == 1
