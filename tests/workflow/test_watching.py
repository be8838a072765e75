"""What the bot's own key did in Okta that its audit does not explain."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.app.recovering import watch, whose
from bot.okta.client import OktaClient
from bot.okta.log import SCOPES, Change, changes_by
from bot.store import audit
from bot.store.tables import Event
from bot.workflow.freezing import Frozen, freeze
from bot.workflow.upkeep.strays import Membership, Whose
from bot.workflow.upkeep.watching import RECOVERED, to_watch, watched
from tests.workflow.world import HOUR, MINUTE, QUICK, World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def log(world: World) -> AsyncIterator[OktaClient]:
    """A client of the same app that may read the log."""
    world.org.set_scopes(
        world.app["client_id"],
        ["okta.groups.manage", "okta.users.read", *SCOPES],
    )
    world.org.set_role(world.app["client_id"], "ORG_ADMIN")
    secret = json.dumps(world.app)
    async with OktaClient(
        world.org.url, lambda: secret, SCOPES, timing=QUICK
    ) as client:
        yield client


_AT: dict[Change, datetime] = {}
"""When each change of the log was, by the clock that stands."""


async def _look(world: World, log: OktaClient) -> int:
    """Look at the log as of now; the org's clock is the machine's, ours stands."""
    now = datetime.now(UTC)
    seen = await changes_by(log, world.app["client_id"], now - HOUR, now + HOUR)
    for each in seen:
        _AT.setdefault(each, world.clock())
    changes = [
        Change(each.verb, each.person_id, each.group_id, _AT[each]) for each in seen
    ]
    return await world.run(watched, world.office, changes, world.clock())


async def test_what_the_bot_did_is_explained(world: World, log: OktaClient) -> None:
    await world.held()
    world.wait(HOUR)
    await world.work()
    assert await _look(world, log) == 0
    assert "frozen" not in world.events()


async def test_what_others_do_with_the_key_stops_giving_and_is_told(
    world: World, log: OktaClient
) -> None:
    await world.office.directory.add_member(
        world.ids["prod-db"], world.ids["bea"], before_send=lambda: None
    )
    assert await _look(world, log) == 1
    assert "is used elsewhere" in world.alerts("ops")
    assert world.events()[-2:] == ["key used elsewhere", "frozen"]
    refused = await world.ask()
    assert "frozen" in str(refused)


async def test_a_change_that_was_told_is_not_acted_on_again(
    world: World, log: OktaClient
) -> None:
    for person, found in (("bea", 1), ("bob", 1)):
        await world.office.directory.add_member(
            world.ids["prod-db"], world.ids[person], before_send=lambda: None
        )
        assert await _look(world, log) == found
        await world.run(
            freeze, "corp", Frozen.EVERYTHING, "", by="ops", now=world.clock(), on=False
        )
        assert await _look(world, log) == 0
        assert world.events()[-1] == "unfrozen"


async def test_what_admins_do_themselves_is_no_matter_of_the_key(
    world: World, log: OktaClient
) -> None:
    world.org.add_member("prod-db", "bea@example.com")
    assert await _look(world, log) == 0


@pytest.mark.parametrize("ahead", [11 * MINUTE, 6 * HOUR, -11 * MINUTE])
async def test_what_is_ours_is_told_apart_whatever_our_clock_says(
    world: World, log: OktaClient, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    monkeypatch.setenv("OKTA", json.dumps(world.app))
    world.set_ahead(ahead)
    assert await watch(world.office) == 0
    await world.held()
    assert await watch(world.office) == 0
    world.wait(MINUTE)
    world.set_ahead(ahead)
    await world.office.directory.add_member(
        world.ids["prod-db"], world.ids["bea"], before_send=lambda: None
    )
    world.wait(MINUTE)
    world.set_ahead(ahead)
    assert await watch(world.office) == 1


async def test_what_others_changed_is_theirs_whatever_our_clock_says(
    world: World, log: OktaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKTA", json.dumps(world.app))
    world.set_ahead(-11 * MINUTE)
    await world.held()
    [given] = await changes_by(
        log, world.app["client_id"], world.clock(), world.clock() + HOUR
    )
    ours = Membership(person_id=given.person_id, group_id=given.group_id, at=given.at)
    assert await whose(world.office, ours) is Whose.OURS
    world.org.remove_member("prod-db", "ann@example.com")
    world.org.add_member("prod-db", "ann@example.com")
    assert await whose(world.office, ours) is Whose.OTHERS


@pytest.mark.parametrize("skew", [timedelta(), 2 * MINUTE, -2 * MINUTE])
async def test_what_was_recovered_on_another_machine_is_not_looked_at_again(
    world: World, skew: timedelta
) -> None:
    now = world.clock()
    await world.run(watched, world.office, [], now)
    await world.run(audit.record, RECOVERED, by="cli:ops@other", now=now)
    world.wait(MINUTE)
    since = world.look(lambda s: to_watch(s, "corp", world.clock(), skew))
    assert since >= now


async def test_the_log_is_looked_at_from_a_little_before_the_last_look(
    world: World,
) -> None:
    now = world.clock()
    assert world.look(lambda s: to_watch(s, "corp", now)) == now
    await world.run(watched, world.office, [], now)
    since = world.look(lambda s: to_watch(s, "corp", now + HOUR))
    assert since == now - timedelta(minutes=10)
    assert len(world.rows(Event)) > 0
