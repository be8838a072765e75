"""Discovery: whole now and then, by changes between, and what it sees is told."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from bot.core.catalogue.groups import Discovery
from bot.core.words import DirectoryError
from bot.sandbox.faults import Kind
from bot.store import directory
from bot.store.tables import Event, EventText, OktaGroup
from bot.workflow import upkeep
from bot.workflow.reading import policy_for
from bot.workflow.upkeep import discovery
from tests.workflow.world import HOUR, MINUTE, START, World, known

pytestmark = pytest.mark.anyio

YEARS = timedelta(days=3650)


async def later(world: World, wait: timedelta = HOUR) -> None:
    """Discover all of it some time later."""
    world.wait(wait)
    await upkeep.discover(world.office)


async def changes(world: World, wait: timedelta = 5 * MINUTE) -> int:
    """Discover what changed, some time later."""
    world.wait(wait)
    return await upkeep.discover_changes(world.office)


def since(world: World) -> list[str]:
    """Return from when on changes were asked for, in order."""
    asked = (
        re.search(r'lastUpdated gt "([^"]*)"', unquote_plus(call.query))
        for call in world.org.journal
    )
    return [found[1] for found in asked if found]


def names(world: World) -> set[str]:
    return {row.name for row in world.rows(OktaGroup) if row.gone_at is None}


def event_text(world: World, kind: str) -> list[Mapping[str, str]]:
    query = (
        select(EventText.text)
        .join(Event, col(Event.seq) == EventText.seq)
        .where(Event.kind == kind)
        .order_by(col(Event.seq))
    )
    return world.look(lambda session: list(session.exec(query)))


# By changes


async def test_a_new_group_and_a_renamed_one_are_known_by_the_next_changes(
    world: World,
) -> None:
    world.org.add_group("prod-new")
    world.org.set_group("prod-logs", name="prod-lines")
    await changes(world)
    assert {"prod-new", "prod-lines"} <= names(world)
    assert "prod-logs" not in names(world)


async def test_a_group_that_left_what_is_looked_at_is_known_by_its_new_name(
    world: World,
) -> None:
    world.open_office(discovery='{every: 1h, include: ["prod-*"]}')
    await later(world)
    world.org.set_group("prod-logs", name="secret")
    world.org.add_group("elsewhere")
    await changes(world)
    assert names(world) == {"prod-db", "secret"}
    await later(world)
    assert names(world) == {"prod-db"}


async def test_only_the_whole_listing_tells_that_a_group_is_gone(world: World) -> None:
    world.org.delete_group("prod-logs")
    await changes(world)
    assert "prod-logs" in names(world)
    await later(world)
    assert "prod-logs" not in names(world)


async def test_before_the_first_whole_discovery_there_are_no_changes(
    world: World,
) -> None:
    world.edit("delete from upkeep where name like 'discovered:%'")
    world.org.add_group("prod-new")
    assert await changes(world) == 0
    assert "prod-new" not in names(world)


async def test_each_reading_of_changes_overlaps_the_one_before(world: World) -> None:
    await changes(world)
    await changes(world)
    whole, first = (datetime.fromisoformat(each) for each in since(world))
    assert abs(whole - (START - 5 * MINUTE)) < timedelta(seconds=5)
    assert abs(first - START) < timedelta(seconds=5)


@pytest.mark.parametrize("ahead", [11 * MINUTE, 6 * HOUR, -11 * MINUTE])
async def test_what_changed_is_read_whatever_our_clock_says(
    world: World, ahead: timedelta
) -> None:
    world.set_ahead(ahead)
    await world.discover()
    world.wait(MINUTE)
    world.set_ahead(ahead)
    world.add_group("prod-new")
    await changes(world, MINUTE)
    assert "prod-new" in names(world)


async def test_after_a_failed_reading_the_next_goes_back_as_far(world: World) -> None:
    world.org.fail("GET /api/v1/groups$", "500", times=None)
    with pytest.raises(DirectoryError):
        await changes(world)
    world.org.mend()
    await changes(world)
    assert len(set(since(world))) == 1 < len(since(world))


async def test_a_failed_reading_of_changes_is_made_up_by_the_next(
    world: World,
) -> None:
    world.org.add_group("prod-new")
    world.org.down()
    with pytest.raises(DirectoryError):
        await changes(world)
    world.org.up()
    await changes(world, HOUR)
    assert "prod-new" in names(world)


# What is not believed


async def test_a_whole_listing_that_fails_is_told_to_the_admins_once_a_day(
    world: World,
) -> None:
    world.org.fail("GET /api/v1/groups$", "503", times=None)
    for _ in range(2):
        with pytest.raises(DirectoryError):
            await later(world, MINUTE)
    assert len(names(world)) == 4
    assert world.alerts("ops").count("keep the old picture") == 1


@pytest.mark.parametrize("kind", ["500", "html", "cut_after", "404"])
async def test_a_later_page_that_fails_leaves_the_old_picture(
    world: World, kind: Kind
) -> None:
    world.org.fill(groups=10_000)
    world.org.delete_group("prod-logs")
    world.org.fail("GET /api/v1/groups$", kind, skip=1, times=None)
    with pytest.raises(DirectoryError):
        await later(world)
    assert names(world) == {"Engineering", "DBAs", "prod-db", "prod-logs"}


async def test_an_empty_listing_is_not_believed(world: World) -> None:
    for name in list(names(world)):
        world.org.delete_group(name)
    await later(world)
    assert len(names(world)) == 4
    assert "listed 0 groups where 4" in world.alerts("ops")


async def test_an_operator_may_have_a_shorter_listing_believed(world: World) -> None:
    for name in ("DBAs", "prod-db", "prod-logs"):
        world.org.delete_group(name)
    world.wait(HOUR)
    assert await upkeep.discover(world.office, believe_fewer=True) == 1
    assert names(world) == {"Engineering"}


async def test_progress_is_told_as_pages_are_read(world: World) -> None:
    told: list[int] = []
    await upkeep.discover(world.office, progress=told.append)
    assert told[-1] == 4


# What is told of groups that are held


async def test_a_held_group_that_gains_an_admin_role_is_told_at_once(
    world: World,
) -> None:
    await world.held()
    world.org.set_group_admin("prod-db")
    await changes(world)
    for name in ("lead", "ops"):
        assert "“prod-db” carries an Okta admin role now" in world.alerts(name)
    assert event_text(world, "guard gained") == [{"group": "prod-db"}]
    assert world.members == ["ann"], "who holds it keeps it"


async def test_a_held_group_that_an_active_rule_fills_is_told_once(
    world: World,
) -> None:
    await world.held()
    rule = world.org.add_rule("r", ["prod-db"], status="INACTIVE")
    await changes(world)
    assert world.alerts("lead") == ""
    world.org.set_rule(rule, "ACTIVE")
    for _ in range(2):
        await changes(world)
    await later(world)
    assert world.alerts("lead").count("is filled by an active Okta group rule") == 1


async def test_a_held_group_that_begins_to_feed_another_is_told(world: World) -> None:
    await world.held()
    feeds = f'isMemberOfAnyGroup("{world.ids["prod-db"]}")'
    world.org.add_rule("r", ["prod-logs"], expression=feeds)
    await later(world)
    assert "puts its members into other groups" in world.alerts("ops")


async def test_a_group_that_nobody_holds_is_not_told_of(world: World) -> None:
    world.org.set_group_admin("prod-db")
    await later(world)
    assert world.alerts("lead") == world.alerts("ops") == ""


async def test_held_groups_are_read_anew_though_they_did_not_change(
    world: World,
) -> None:
    await world.held()
    await later(world, YEARS)
    world.org.set_group_admin("prod-db")
    world.org.set_group_admin("prod-logs")
    assert await changes(world) == 1, "by Okta's clock both changed long ago"
    assert "“prod-db” carries an Okta admin role now" in world.alerts("lead")


# Owner attributes


async def test_an_owner_attribute_that_changes_is_an_event_and_told(
    world: World,
) -> None:
    known(await world.who("bob"))
    world.org.set_group("prod-db", resourceOwner="Engineering")
    await changes(world)
    says = "“resourceOwner” of “prod-db” changed from “DBAs” to “Engineering”."
    for name in ("lead", "bob"):
        assert says in world.alerts(name)
    assert world.alerts("ann") == ""
    assert event_text(world, "owner attribute changed") == [
        {"group": "prod-db", "from": "“DBAs”", "to": "“Engineering”"}
    ]


async def test_a_change_first_seen_by_a_fresh_reading_is_told_too(
    world: World,
) -> None:
    world.org.set_group("prod-db", resourceOwner=None)
    world.wait(MINUTE)
    await world.look_at("prod-db")
    await changes(world)
    assert world.alerts("lead").count("changed from “DBAs” to nobody") == 1
    assert world.events().count("owner attribute changed") == 1


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("user", "Bob@example.com"), ("profile.title", "the one and only")],
)
async def test_whom_the_attribute_named_before_is_told(
    world: World, attribute: str, value: str
) -> None:
    mapping = json.dumps([{"key": "resourceOwner", "attribute": attribute}])
    world.open_office(resource_owner=mapping)
    world.org.set_user("bob@example.com", title="the one and only")
    known(await world.who("bob"))
    world.org.set_group("prod-db", resourceOwner=value)
    await changes(world)
    assert world.alerts("bob") == ""
    world.org.set_group("prod-db", resourceOwner="somebody")
    await changes(world)
    assert f"changed from “{value}” to “somebody”" in world.alerts("bob")


async def test_many_changes_are_one_message(world: World) -> None:
    for number in range(20):
        world.org.add_group(f"prod-{number}", resourceOwner="DBAs")
    await changes(world)
    assert world.alerts("lead") == ""
    for number in range(20):
        world.org.set_group(f"prod-{number}", resourceOwner="Engineering")
    await changes(world)
    assert world.told("alert") == ["lead"]
    assert "And 15 more changes" in world.alerts("lead")
    assert world.events().count("owner attribute changed") == 20


async def test_a_group_named_as_owner_by_a_change_carries_authority_at_once(
    world: World,
) -> None:
    second = world.org.add_group("prod-owners")
    world.org.set_group("prod-logs", resourceOwner="prod-owners")
    await changes(world)
    office = world.office
    policy = world.look(
        lambda session: policy_for(session, office.catalogue, office.integration)
    )
    assert second in policy.owner_groups


# What others wait for


@contextmanager
def writing(world: World) -> Iterator[Callable[[], bool]]:
    """Give what tells whether a transaction that writes is under way."""
    engine, under_way = world.database.engine, [0]

    def begin(_connection: object) -> None:
        under_way[0] += 1

    def end(_connection: object) -> None:
        under_way[0] -= 1

    heard = {"begin": begin, "commit": end, "rollback": end}
    for name, hear in heard.items():
        event.listen(engine, name, hear)
    yield lambda: under_way[0] > 0
    for name, hear in heard.items():
        event.remove(engine, name, hear)


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (discovery, "is_about"),
        (discovery, "attribute_values"),
        (directory, "groups_called"),
        (Discovery, "fits"),
    ],
)
async def test_nothing_is_worked_out_over_a_listing_while_others_wait_to_write(
    world: World, monkeypatch: pytest.MonkeyPatch, of: Any, name: str
) -> None:
    world.open_office(more="\n    approval: automatic")
    world.org.set_group("prod-logs", resourceOwner="prod-db")
    works_out, waited = getattr(of, name), []

    with writing(world) as is_writing:

        def noted(*about: Any) -> Any:
            waited.append(is_writing())
            return works_out(*about)

        monkeypatch.setattr(of, name, noted)
        await later(world)
    assert set(waited) == {False}
    assert world.alerts("ops") == ""
