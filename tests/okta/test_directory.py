"""Okta's JSON as people, groups and memberships, when Okta is odd."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.words import (
    DirectoryError,
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    Person,
)
from bot.okta.client import TRIES
from bot.okta.directory import literal, segment
from bot.okta.readings import read_group, read_person
from tests.okta.scripted import ORIGIN, ScriptedOkta, done, error, ok, silence
from tests.okta.virtual import EPOCH, now

pytestmark = pytest.mark.anyio

JANE = "jane@example.com"


def user(id: str = "00uJANE", status: str = "ACTIVE", **profile: Any) -> dict[str, Any]:
    whole = {"login": JANE, "email": JANE, "firstName": "Jane", "lastName": "Doe"}
    return {"id": id, "status": status, "profile": {**whole, **profile}}


def group(id: str = "00gPROD", name: str = "prod", **members: Any) -> dict[str, Any]:
    profile = {"name": name, "description": None, "resourceOwner": ["a", "b"]}
    return {"id": id, "type": "OKTA_GROUP", "profile": profile, **members}


def stats(carries: Any) -> dict[str, Any]:
    return {"_embedded": {"stats": {"usersCount": 1, "hasAdminPrivlege": carries}}}


def rule(**members: Any) -> dict[str, Any]:
    condition = {"expression": {"value": 'isMemberOfGroupName("prod")'}}
    actions = {"assignUserToGroups": {"groupIds": ["00gOTHER"]}}
    return {
        "id": "0pr1",
        "status": "ACTIVE",
        "conditions": condition,
        "actions": actions,
        **members,
    }


# People


async def test_a_person_is_read_by_login(okta: ScriptedOkta) -> None:
    okta.says(ok(user(nickName="JD", tags=["a"])))
    found = await okta.directory().person(JANE)
    assert found == Person(
        id="00uJANE",
        login=JANE,
        email=JANE,
        name="Jane Doe",
        status="ACTIVE",
        profile=user(nickName="JD", tags=["a"])["profile"],
        read_at=now(),
    )
    assert okta.targets == ["GET /api/v1/users/jane%40example.com"]
    assert "omitCredentials" in okta.asked[0].headers["content-type"]


@pytest.mark.parametrize("login", [JANE, "JANE@Example.com", "00uJANE"])
async def test_a_person_is_found_by_the_whole_login_or_the_id(
    okta: ScriptedOkta, login: str
) -> None:
    okta.says(ok(user()))
    assert await okta.directory().person(login)


async def test_the_first_part_of_a_login_names_nobody(okta: ScriptedOkta) -> None:
    okta.says(ok(user()))
    assert await okta.directory().person("jane") is None


@pytest.mark.parametrize("word", ["me", "ME", "", " ", ".", "..", ". ."])
async def test_words_that_mean_something_else_to_okta_are_never_sent(
    okta: ScriptedOkta, word: str
) -> None:
    assert await okta.directory().person(word) is None
    assert okta.asked == []


async def test_nobody_is_none(okta: ScriptedOkta) -> None:
    okta.says(error(404, "E0000007"))
    assert await okta.directory().person(JANE) is None


@pytest.mark.parametrize(
    "answer", [error(403, "E0000006"), httpx.Response(404), ok([]), ok({"id": "00u1"})]
)
async def test_no_answer_is_not_nobody(
    okta: ScriptedOkta, answer: httpx.Response
) -> None:
    okta.says(answer)
    with pytest.raises(DirectoryError):
        await okta.directory().person(JANE)


@pytest.mark.parametrize(
    "login", ["a/b@example.com", "a?b", "../groups", "a#b", "a\\b"]
)
async def test_a_login_that_would_change_the_path_is_searched_for(
    okta: ScriptedOkta, login: str
) -> None:
    okta.says(ok([user(login=login)]), ok([]))
    found = await okta.directory().person(login)
    assert found
    assert found.login == login
    assert okta.asked[0].url.path == "/api/v1/users"
    assert await okta.directory().person(login) is None


@given(login=st.text(max_size=30))
def test_any_login_stays_within_the_path_of_one_user(login: str) -> None:
    path = httpx.URL(f"{ORIGIN}/api/v1/users/{segment(login)}").raw_path.decode()
    assert path.startswith("/api/v1/users/")
    assert path.count("/") == 4
    assert not set(path) & set("?# ")


async def test_a_person_being_deactivated_is_deactivated(okta: ScriptedOkta) -> None:
    okta.says(ok({**user(), "transitioningToStatus": "DEPROVISIONED"}))
    found = await okta.directory().person(JANE)
    assert found
    assert found.status == "DEPROVISIONED"
    assert not found.may_receive


async def test_a_person_being_activated_is_not_yet_active(okta: ScriptedOkta) -> None:
    okta.says(ok({**user(status="STAGED"), "transitioningToStatus": "ACTIVE"}))
    found = await okta.directory().person(JANE)
    assert found
    assert found.status == "STAGED"


async def test_a_status_nobody_knows_crashes_nothing_and_gives_nothing(
    okta: ScriptedOkta,
) -> None:
    okta.says(ok(user(status="HIBERNATING")))
    found = await okta.directory().person(JANE)
    assert found
    assert not found.may_receive


async def test_people_with_one_address_are_all_told(okta: ScriptedOkta) -> None:
    users = [user("00u1"), user("00u2", "DEPROVISIONED", email="JANE@EXAMPLE.COM")]
    okta.says(ok(users))
    found = await okta.directory().people_with_email(JANE)
    assert [(one.id, one.status) for one in found] == [
        ("00u1", "ACTIVE"),
        ("00u2", "DEPROVISIONED"),
    ]
    assert okta.asked[0].url.params["search"] == f'profile.email eq "{JANE}"'


async def test_people_who_only_nearly_fit_are_left_out(okta: ScriptedOkta) -> None:
    okta.says(
        ok(
            [
                user("00u1", slackId="U1"),
                user("00u2", slackId="U12"),
                user("00u3", slackId=None),
                user("00u4"),
                user("00u5", slackId=["U0", "u1"]),
                user("00u6", slackId=1),
            ]
        )
    )
    found = await okta.directory().people_with("slackId", "U1")
    assert [one.id for one in found] == ["00u1", "00u5"]


@pytest.mark.parametrize("attribute", ["", "a b", 'x eq "1" or profile.y', "a.b", "é"])
async def test_an_attribute_that_is_no_name_is_not_searched_for(
    okta: ScriptedOkta, attribute: str
) -> None:
    with pytest.raises(DirectoryRefused):
        await okta.directory().people_with(attribute, "x")
    assert okta.asked == []


@given(st.text())
def test_a_literal_ends_where_the_value_ends(value: str) -> None:
    written = literal(value)
    assert json.loads(written) == value
    assert written[0] == written[-1] == '"'
    inside = written[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inside
    assert written.isascii()
    assert written.isprintable()


# Groups


async def test_a_group_is_read_fresh_with_its_admin_role(okta: ScriptedOkta) -> None:
    okta.says(ok(group()), ok([group(**stats(True))]))
    found = await okta.directory().group("00gPROD")
    assert found
    assert (found.name, found.description) == ("prod", "")
    assert found.profile["resourceOwner"] == ["a", "b"]
    assert found.carries_admin_role is True
    assert found.rule_managed is found.feeds_rule is None
    assert okta.asked[1].url.params["search"] == 'id eq "00gPROD"'
    assert okta.asked[1].url.params["expand"] == "stats"


UNKNOWN = {
    "not in the index yet": ok([]),
    "another group": ok([group("00gELSE", **stats(False))]),
    "twice": ok([group(**stats(False)), group(**stats(False))]),
    "no stats": ok([group()]),
    "stats that are odd": ok([group(**stats("no"))]),
    "stats of another shape": ok([group(_embedded=[])]),
    "a refusal": error(403, "E0000006"),
    "a search that is not known": error(400, "E0000031"),
}


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_an_admin_role_that_is_not_told_is_unknown(
    okta: ScriptedOkta, answer: httpx.Response
) -> None:
    okta.says(ok(group()), answer)
    found = await okta.directory().group("00gPROD")
    assert found
    assert found.carries_admin_role is None


async def test_an_outage_is_not_taken_for_unknown(okta: ScriptedOkta) -> None:
    okta.says(ok(group()), *[httpx.Response(502) for _ in range(TRIES)])
    with pytest.raises(DirectoryUnavailable):
        await okta.directory().group("00gPROD")


async def test_a_group_that_is_gone_is_none(okta: ScriptedOkta) -> None:
    okta.says(error(404, "E0000007"))
    assert await okta.directory().group("00gPROD") is None


async def test_a_name_fits_only_exactly(okta: ScriptedOkta) -> None:
    names = ["prod", "Prod", "prod ", "prod"]
    okta.says(ok([group(f"00g{at}", name) for at, name in enumerate(names)]))
    found = await okta.directory().group_named("prod")
    assert [one.id for one in found] == ["00g0", "00g3"]


async def test_all_groups_come_with_their_stats(okta: ScriptedOkta) -> None:
    next = f"{ORIGIN}/api/v1/groups?after=a&limit=200&expand=stats"
    first = [group("00g1", **stats(False)), group("00g2")]
    okta.says(ok(first, next=next), ok([group("00g2", "renamed"), group("00g3")]))
    told: list[int] = []
    found = await okta.directory().all_groups(progress=told.append)
    assert [(one.id, one.name) for one in found] == [
        ("00g1", "prod"),
        ("00g2", "renamed"),
        ("00g3", "prod"),
    ]
    assert [one.carries_admin_role for one in found] == [False, None, None]
    assert told == [2, 4]


async def test_changed_groups_are_asked_for_by_both_their_dates(
    okta: ScriptedOkta,
) -> None:
    okta.says(ok([]))
    since = datetime(2026, 3, 1, 11, 59, 59, 900_000, tzinfo=UTC)
    await okta.directory().all_groups(since)
    assert okta.asked[0].url.params["filter"] == (
        'lastUpdated gt "2026-03-01T11:59:59.000Z" or '
        'lastMembershipUpdated gt "2026-03-01T11:59:59.000Z"'
    )


@pytest.mark.parametrize(
    "odd",
    [{}, {"id": "00g1"}, group(type=None), group(profile=[]), {**group(), "id": 7}],
)
async def test_a_listing_with_a_group_that_is_none_is_no_listing(
    okta: ScriptedOkta, odd: dict[str, Any]
) -> None:
    okta.says(ok([group(), odd]))
    with pytest.raises(DirectoryUnavailable):
        await okta.directory().all_groups()


async def test_a_guarded_group_knows_what_rules_mean_for_it(
    okta: ScriptedOkta,
) -> None:
    okta.says(ok(group()), ok([group(**stats(False))]), ok([rule()]))
    found = await okta.directory().guarded_group("00gPROD")
    assert found
    assert found.carries_admin_role is False
    assert found.rule_managed is False
    assert found.feeds_rule is True


async def test_guarded_groups_know_what_rules_mean_for_them(
    okta: ScriptedOkta,
) -> None:
    okta.says(ok([rule()]), ok([group(), group("00gOTHER", "other")]))
    found = await okta.directory().guarded_groups()
    assert [(one.rule_managed, one.feeds_rule) for one in found] == [
        (False, True),
        (True, False),
    ]


# Members and owners


async def test_the_first_members_are_enough_where_only_some_are_wanted(
    okta: ScriptedOkta,
) -> None:
    next = f"{ORIGIN}/api/v1/groups/00gPROD/users?after=a&limit=3"
    users = [user(f"00u{number}") for number in range(3)]
    okta.says(ok(users[:2], next=next), ok(users[2:], next=next + "b"))
    found = await okta.directory().members("00gPROD", 3)
    assert [one.id for one in found] == ["00u0", "00u1", "00u2"]
    assert okta.targets[0] == "GET /api/v1/groups/00gPROD/users?limit=3"
    assert len(okta.asked) == 2


async def test_all_members_are_read_to_the_end(okta: ScriptedOkta) -> None:
    next = f"{ORIGIN}/api/v1/groups/00gPROD/users?after=a"
    okta.says(ok([user("00u0")], next=next), ok([user("00u1", "SUSPENDED")]))
    found = await okta.directory().members("00gPROD", None)
    assert [one.status for one in found] == ["ACTIVE", "SUSPENDED"]


async def test_groups_of_a_person_are_whole_or_an_error(okta: ScriptedOkta) -> None:
    next = f"{ORIGIN}/api/v1/users/00uJANE/groups?after=a"
    okta.says(ok([group("00g1")], next=next), ok([group("00g2")]))
    assert await okta.directory().groups_of("00uJANE") == {"00g1", "00g2"}
    okta.says(ok([group("00g1")], next=next), *[silence] * TRIES)
    with pytest.raises(DirectoryUnavailable):
        await okta.directory().groups_of("00uJANE")


@pytest.mark.parametrize("answer", [ok([{}]), ok({"id": "00gPROD"}), ok(["00gPROD"])])
async def test_a_membership_that_cannot_be_read_is_an_error(
    okta: ScriptedOkta, answer: httpx.Response
) -> None:
    okta.says(answer)
    with pytest.raises(DirectoryUnavailable):
        await okta.directory().is_member("00gPROD", "00uJANE")


async def test_nobody_is_in_no_group(okta: ScriptedOkta) -> None:
    okta.says(error(404, "E0000007"))
    with pytest.raises(DirectoryGone):
        await okta.directory().is_member("00gPROD", "00uJANE")


async def test_owners_are_users_and_groups(okta: ScriptedOkta) -> None:
    owners = [{"id": "00u1", "type": "USER"}, {"id": "00g1", "type": "GROUP"}]
    okta.says(ok(owners))
    assert await okta.directory().owners("00gPROD") == [
        ("USER", "00u1"),
        ("GROUP", "00g1"),
    ]


async def test_an_org_without_owners_is_asked_once(okta: ScriptedOkta) -> None:
    okta.says(error(401, "E0000015"))
    directory = okta.directory()
    assert await directory.owners("00gPROD") is None
    assert await directory.owners("00gELSE") is None
    assert len(okta.asked) == len(okta.tokens_asked) == 1


@pytest.mark.parametrize(("status", "code"), [(403, "E0000006"), (404, "E0000007")])
async def test_owners_that_are_refused_are_asked_for_again(
    okta: ScriptedOkta, status: int, code: str
) -> None:
    okta.says(error(status, code), ok([]))
    directory = okta.directory()
    assert await directory.owners("00gPROD") is None
    assert await directory.owners("00gPROD") == []


async def test_an_outage_is_not_an_org_without_owners(okta: ScriptedOkta) -> None:
    okta.says(error(400, "E0000031"))
    with pytest.raises(DirectoryRefused):
        await okta.directory().owners("00gPROD")


# Changes


async def test_a_change_says_what_okta_called_it(okta: ScriptedOkta) -> None:
    okta.says(done(), done())
    directory = okta.directory()
    assert await directory.add_member("00gPROD", "00uJANE") == "req1"
    assert await directory.remove_member("00gPROD", "00uJANE") == "req2"
    assert okta.targets == [
        "PUT /api/v1/groups/00gPROD/users/00uJANE",
        "DELETE /api/v1/groups/00gPROD/users/00uJANE",
    ]


async def test_an_add_without_an_answer_is_not_repeated(okta: ScriptedOkta) -> None:
    okta.says(silence)
    with pytest.raises(DirectoryUnavailable) as met:
        await okta.directory().add_member("00gPROD", "00uJANE")
    assert met.value.landed


async def test_a_removal_without_an_answer_is_repeated(okta: ScriptedOkta) -> None:
    okta.says(silence, done())
    assert await okta.directory().remove_member("00gPROD", "00uJANE") == "req2"


@pytest.mark.parametrize(
    "id", ["", ".", "..", "me", "a/b", "a?b", "a b", "00u1\n", "é", "a" * 65, "%2e"]
)
async def test_what_is_no_id_reaches_no_path(okta: ScriptedOkta, id: str) -> None:
    directory = okta.directory()
    for call in (
        directory.add_member("00gPROD", id),
        directory.remove_member(id, "00uJANE"),
        directory.groups_of(id),
        directory.group(id),
        directory.members(id),
        directory.owners(id),
    ):
        with pytest.raises(DirectoryRefused):
            await call
    assert okta.asked == []


# Any JSON

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
_names = ("id", "status", "type", "transitioningToStatus", "profile", "_embedded")
_spoilt = st.dictionaries(st.sampled_from(_names), _json)
_within = st.dictionaries(
    st.sampled_from(["login", "name", "email", "firstName"]), _json
)


@given(_spoilt, _within)
def test_any_json_is_a_person_or_an_error(
    spoilt: dict[str, Any], within: dict[str, Any]
) -> None:
    try:
        found = read_person({**user(**within), **spoilt}, EPOCH)
    except DirectoryUnavailable:
        return
    assert found.id
    assert found.login
    assert found.status


@given(_spoilt, _within)
def test_any_json_is_a_group_or_an_error(
    spoilt: dict[str, Any], within: dict[str, Any]
) -> None:
    item = {**group(), **spoilt}
    if isinstance(item["profile"], dict):
        item["profile"] = {**item["profile"], **within}
    try:
        found = read_group(item, EPOCH)
    except DirectoryUnavailable:
        return
    assert found.id
    assert found.name
    assert found.type
    assert found.carries_admin_role is None
