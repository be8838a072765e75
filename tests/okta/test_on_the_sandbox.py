"""The client over real sockets, against the sandbox's Okta org.

What the scripted tests take for granted is judged here by somebody else's
Okta: it verifies the assertion, keeps the members, and counts the calls.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.words import (
    DirectoryGone,
    DirectoryRefused,
    DirectoryUnavailable,
    SettingError,
)
from bot.okta.client import OktaClient
from bot.okta.directory import OktaDirectory
from bot.okta.pacing import Lane
from bot.okta.timing import OktaTiming
from bot.sandbox import Sandbox
from bot.sandbox.faults import Kind
from bot.sandbox.okta import OktaOrg

pytestmark = pytest.mark.anyio

JANE = "jane@example.com"
BRISK = OktaTiming(
    deadline=timedelta(seconds=0.3),
    backoff=timedelta(milliseconds=5),
    crowded=timedelta(milliseconds=5),
    after_reset=timedelta(milliseconds=50),
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Real sockets need real time."""
    return "asyncio"


@pytest.fixture
def org(sandbox: Sandbox) -> OktaOrg:
    return sandbox.okta


@pytest.fixture
async def directory(org: OktaOrg) -> AsyncIterator[OktaDirectory]:
    credentials = json.dumps(org.new_app())
    async with OktaClient(org.url, lambda: credentials, timing=BRISK) as client:
        yield OktaDirectory(client)


async def test_a_member_is_added_seen_and_removed(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    jane, prod = org.add_user(JANE), org.add_group("prod")
    assert not await directory.is_member(prod, jane)
    added = await directory.add_member(prod, jane)
    assert org.members("prod") == [JANE]
    assert await directory.is_member(prod, jane)
    removed = await directory.remove_member(prod, jane)
    assert org.members("prod") == []
    told = [one.request_id for one in org.journal if one.actual_change]
    assert told == [added, removed]


async def test_people_groups_rules_and_owners_are_read(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    jane = org.add_user(JANE, first="Jane", last="Doe", slackId="U1")
    prod = org.add_group("prod", resourceOwner=JANE, members=[JANE])
    org.add_rule("r", ["prod"], 'isMemberOfGroupName("prod")')
    org.set_group_admin("prod")
    org.set_owners("prod", [JANE])
    found = await directory.guarded_group(prod)
    assert found
    assert found.profile["resourceOwner"] == JANE
    assert found.carries_admin_role is found.rule_managed is found.feeds_rule is True
    assert [one.id for one in await directory.group_named("prod")] == [prod]
    assert [one.id for one in await directory.people_with("slackId", "U1")] == [jane]
    assert [one.id for one in await directory.people_with_email(JANE)] == [jane]
    assert [one.name for one in await directory.members(prod)] == ["Jane Doe"]
    assert await directory.owners(prod) == [("USER", jane)]
    by_id, by_login = await directory.person(jane), await directory.person(JANE)
    assert by_id
    assert by_login
    assert by_id.login == by_login.login == JANE
    await directory.ping()


async def test_what_is_not_there_is_told_apart_from_what_is_refused(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    jane, imported = org.add_user(JANE), org.add_group("ad", type="APP_GROUP")
    assert await directory.person("nobody@example.com") is None
    assert await directory.group("00gNOTTHERE") is None
    with pytest.raises(DirectoryGone):
        await directory.add_member("00gNOTTHERE", jane)
    with pytest.raises(DirectoryRefused):
        await directory.add_member(imported, jane)


async def test_quotes_and_backslashes_stay_within_a_search(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    odd = ['say "hi"', "back\\slash", 'x" or profile.name sw "', "ünïcode ☂"]
    ids = [org.add_group(name) for name in odd]
    for name, id in zip(odd, ids, strict=True):
        assert [one.id for one in await directory.group_named(name)] == [id]


async def test_a_big_org_is_read_whole(org: OktaOrg, directory: OktaDirectory) -> None:
    org.fill(groups=2_345)
    names = {one.name for one in await directory.all_groups()}
    assert len(names & {f"group-{number:05}" for number in range(1, 2_346)}) == 2_345


@pytest.mark.parametrize("kind", ["500", "503", "cut_before", "html"])
async def test_a_listing_is_never_a_part_of_one(
    org: OktaOrg, directory: OktaDirectory, kind: Kind
) -> None:
    org.fill(groups=900)
    whole = len(await directory.all_groups())
    for page in range(5):
        org.fail("GET /api/v1/groups", kind, skip=page)
        try:
            assert len(await directory.all_groups()) == whole
        except DirectoryUnavailable:
            assert kind == "html"
        org.mend()


async def test_a_429_on_a_page_is_waited_out(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    org.fill(groups=900)
    org.fail("GET /api/v1/groups", "429", skip=2)
    assert len(await directory.all_groups()) >= 900


@pytest.mark.parametrize(
    "kind", ["cut_before", "cut_after", "timeout_before", "timeout_after"]
)
async def test_an_add_without_an_answer_may_have_landed(
    org: OktaOrg, directory: OktaDirectory, kind: Kind
) -> None:
    jane, prod = org.add_user(JANE), org.add_group("prod")
    org.fail("PUT ", kind)
    with pytest.raises(DirectoryUnavailable) as met:
        await directory.add_member(prod, jane)
    assert met.value.landed
    assert len([one for one in org.journal if one.method == "PUT"]) <= 1


@pytest.mark.parametrize(
    "kind",
    ["cut_before", "cut_after", "timeout_before", "timeout_after", "drip", "502"],
)
async def test_a_removal_is_repeated_until_it_is_answered(
    org: OktaOrg, directory: OktaDirectory, kind: Kind
) -> None:
    jane, prod = org.add_user(JANE), org.add_group("prod", members=[JANE])
    org.fail("DELETE ", kind)
    assert await directory.remove_member(prod, jane)
    assert org.members("prod") == []


async def test_tokens_taken_away_are_replaced(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    jane, prod = org.add_user(JANE), org.add_group("prod")
    await directory.ping()
    org.revoke_tokens()
    await directory.add_member(prod, jane)
    assert org.members("prod") == [JANE]


@pytest.mark.parametrize("skew", [-3000, -600, 600, 86_400])
async def test_a_clock_apart_from_oktas_is_no_obstacle(
    org: OktaOrg, directory: OktaDirectory, skew: float
) -> None:
    org.set_clock_skew(skew)
    await directory.ping()


async def test_an_app_that_still_requires_dpop_is_told_so(org: OktaOrg) -> None:
    app = org.new_app()
    org.require_dpop(app["client_id"])
    async with OktaClient(org.url, lambda: json.dumps(app), timing=BRISK) as client:
        with pytest.raises(SettingError, match="untick Require DPoP"):
            await client.token()


async def test_an_app_without_a_scope_is_told_which_it_needs(org: OktaOrg) -> None:
    app = org.new_app(scopes=["okta.users.read"])
    async with OktaClient(org.url, lambda: json.dumps(app), timing=BRISK) as client:
        with pytest.raises(SettingError, match=r"okta\.groups\.manage"):
            await client.token()


async def test_another_apps_key_is_told_so(org: OktaOrg) -> None:
    app, other = org.new_app(), org.new_app()
    mixed = {**app, "private_key": other["private_key"]}
    async with OktaClient(org.url, lambda: json.dumps(mixed), timing=BRISK) as client:
        with pytest.raises(SettingError, match="key"):
            await client.token()


async def test_a_key_that_was_replaced_is_read_again(org: OktaOrg) -> None:
    old, new = org.new_app(), org.new_app()
    mixed = {**old, "private_key": new["private_key"]}
    secrets = [json.dumps(mixed), json.dumps(new)]
    client = OktaClient(org.url, lambda: secrets.pop(0), timing=BRISK)
    async with client:
        await OktaDirectory(client).ping()


async def test_a_limit_that_can_be_seen_coming_is_not_overrun(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    ids = [org.add_group(f"g{number}") for number in range(30)]
    org.require_limit("group", 40, window=2)
    for _ in range(2):
        await asyncio.gather(*[directory.group(id) for id in ids[:20]])
    assert [one.status for one in org.journal if one.status == 429] == []


async def test_too_many_at_once_is_waited_out(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    ids = [org.add_group(f"g{number}") for number in range(12)]
    await directory.ping()
    org.set_concurrency(2)
    org.set_latency(0.02)
    found = await asyncio.gather(*[directory.group(id) for id in ids])
    assert [one.id for one in found if one] == ids


async def test_no_more_than_eight_calls_reach_okta_at_once(org: OktaOrg) -> None:
    id, credentials = org.add_group("prod"), json.dumps(org.new_app())
    async with OktaClient(org.url, lambda: credentials) as client:
        urgent = OktaDirectory(client).at(Lane.REVOKE)
        await urgent.ping()
        org.set_latency(0.3)  # all that are let through meet there
        await asyncio.gather(*[urgent.group(id) for _ in range(17)])
    assert org.most_in_flight == 8


async def test_okta_down_is_unavailable_and_nothing_was_sent(
    org: OktaOrg, directory: OktaDirectory
) -> None:
    org.down()
    with pytest.raises(DirectoryUnavailable) as met:
        await directory.add_member("00g1", "00u1")
    assert not met.value.landed
    org.up()
    await directory.ping()
