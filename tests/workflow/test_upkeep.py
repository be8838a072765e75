"""What goes on when nobody is looking: discovery, pins, clean-up."""

import pytest

from bot.core.words import DirectoryError
from bot.store import directory
from bot.store.tables import OktaGroup, OktaPerson, PersonLink
from bot.workflow import search, upkeep
from bot.workflow.notices import EVERYBODY
from bot.workflow.reading import policy_for
from tests.workflow.world import HOUR, World, known, why

pytestmark = pytest.mark.anyio

DAY = 24 * HOUR


def groups(world: World) -> set[str]:
    """Return the names of the groups that are there."""
    return {row.name for row in world.rows(OktaGroup) if row.gone_at is None}


def pins(world: World) -> dict[str, str]:
    return world.look(lambda session: directory.pins(session, "corp").groups)


async def discover(world: World) -> int | None:
    """Discover some time later."""
    world.wait(HOUR)
    return await upkeep.discover(world.office)


async def test_discovery_knows_the_groups_the_pins_and_the_people_to_tell(
    world: World,
) -> None:
    assert groups(world) == {"Engineering", "DBAs", "prod-db", "prod-logs"}
    assert pins(world) == {"Engineering": world.ids["Engineering"]}
    remembered = world.look(
        lambda session: directory.remembered(session, EVERYBODY.format("corp"))
    )
    assert remembered is not None
    assert remembered.facts == {
        "owner": [world.ids["lead"]],
        "admins": [world.ids["ops"]],
    }


async def test_a_group_that_is_gone_is_not_offered_any_more(world: World) -> None:
    world.org.delete_group("prod-logs")
    await discover(world)
    assert "prod-logs" not in groups(world)
    assert "no such group" in why(await world.ask(group="prod-logs"))


async def test_a_listing_that_shrank_is_not_believed_and_told(world: World) -> None:
    for name in ("DBAs", "prod-db", "prod-logs"):
        world.org.delete_group(name)
    assert await discover(world) is None
    assert "prod-db" in groups(world)
    assert "listed 1 groups where 4" in world.alerts("ops")


async def test_a_file_that_looks_at_fewer_groups_is_no_listing_that_shrank(
    world: World,
) -> None:
    world.open_office(discovery='{every: 1h, include: ["prod-db"]}')
    assert await discover(world) == 1
    assert groups(world) == {"prod-db"}


async def test_a_listing_that_fails_changes_nothing(world: World) -> None:
    world.org.down()
    with pytest.raises(DirectoryError):
        await discover(world)
    assert len(groups(world)) == 4


async def test_a_renamed_group_keeps_its_pin_and_another_does_not_take_it(
    world: World,
) -> None:
    world.org.set_group("Engineering", name="Crafts")
    world.org.add_group("Engineering", members=["lead@example.com"])
    await discover(world)
    assert pins(world) == {"Engineering": world.ids["Engineering"]}
    assert "leads elsewhere" in world.alerts("ops")
    known(await world.ask())
    assert "no group" in why(await world.ask("lead"))


async def test_a_name_that_two_groups_have_is_pinned_to_neither(world: World) -> None:
    world.edit("delete from pin")
    world.org.add_group("Engineering")
    await discover(world)
    assert pins(world) == {}
    assert "leads to 2" in world.alerts("ops")
    assert "cannot tell" in why(await world.ask())


async def test_a_name_with_spaces_that_leads_nowhere_is_told_and_no_more(
    world: World,
) -> None:
    world.open_office(owner="[{group: IAM Team}]")
    assert await discover(world) == 4
    assert "“IAM Team” in access.yaml leads to 0" in world.alerts("ops")


async def test_an_owner_group_gone_from_okta_does_not_stop_discovery(
    world: World,
) -> None:
    world.org.add_group("Leads", members=["bea@example.com"])
    world.open_office(owner="[{group: Leads}]")
    await discover(world)
    world.org.delete_group("Leads")
    assert await discover(world) == 4


async def test_every_group_an_attribute_may_mean_carries_authority(
    world: World,
) -> None:
    second = world.org.add_group("DBAs")
    await discover(world)
    office = world.office
    policy = world.look(
        lambda session: policy_for(session, office.catalogue, office.integration)
    )
    assert {world.ids["DBAs"], second} <= policy.owner_groups


async def test_a_person_is_offered_what_they_may_ask_for_nearest_first(
    world: World,
) -> None:
    world.org.add_group("prod-eu-logs")
    world.org.add_group("prod-roots")
    world.org.set_group_admin("prod-roots")
    await discover(world)
    ann, office = known(await world.who("ann")), world.office

    def offered(typed: str, most: int = 100) -> list[str]:
        found = world.look(
            lambda session: search.groups_for(session, office, ann, typed, most)
        )
        return [group.name for group in found]

    assert offered("") == ["prod-db", "prod-eu-logs", "prod-logs"]
    assert offered("LOGS") == ["prod-eu-logs", "prod-logs"]
    assert offered("og") == ["prod-eu-logs", "prod-logs"]
    assert offered("prod", most=1) == ["prod-db"]
    assert offered("%") == offered("_") == offered("Engineering") == []
    bea = known(await world.who("bea"))
    assert world.look(lambda s: search.groups_for(s, office, bea, "")) == []


async def ended(world: World) -> None:
    """Ann held something, and it ended."""
    await world.held()
    world.wait(HOUR)
    await world.settle()


def is_known(world: World, name: str = "ann") -> bool:
    ids = {row.id for row in world.rows(OktaPerson)}
    return world.ids[name] in ids


async def test_people_are_forgotten_so_long_after_their_last_access(
    world: World,
) -> None:
    await ended(world)
    world.wait(29 * DAY)
    assert await upkeep.clean_up(world.office) == 0
    world.wait(DAY)
    assert await upkeep.clean_up(world.office) == 1
    assert not is_known(world)
    assert "U-ann" not in {link.slack_id for link in world.rows(PersonLink)}
    assert world.events()[-1] == "person forgotten"
    assert await upkeep.clean_up(world.office) == 0


async def test_who_was_forgotten_may_ask_again(world: World) -> None:
    await ended(world)
    world.wait(30 * DAY)
    await upkeep.clean_up(world.office)
    known(await world.ask())


async def test_who_holds_or_awaits_something_is_not_forgotten(world: World) -> None:
    await ended(world)
    known(await world.ask(group="prod-logs"))
    world.wait(30 * DAY)
    assert await upkeep.clean_up(world.office) == 0
    assert is_known(world)


async def test_who_has_back_what_we_gave_is_kept_and_told_of(world: World) -> None:
    await ended(world)
    world.org.add_member("prod-db", "ann@example.com")
    world.wait(30 * DAY)
    assert await upkeep.clean_up(world.office) == 0
    assert is_known(world)
    assert "added by someone else" in world.alerts("ops")
    assert world.members == ["ann"]


async def test_an_org_out_of_reach_forgets_nobody(world: World) -> None:
    await ended(world)
    world.wait(30 * DAY)
    world.org.down()
    with pytest.raises(DirectoryError):
        await upkeep.clean_up(world.office)
    assert is_known(world)


async def test_while_an_add_may_still_land_nobody_is_forgotten(world: World) -> None:
    await ended(world)
    world.edit("update access_grant set unsure_until = '2027-01-01 00:00:00'")
    world.wait(30 * DAY)
    assert await upkeep.clean_up(world.office) == 0


async def test_without_the_setting_nobody_is_forgotten(world: World) -> None:
    await ended(world)
    world.open_office(cleanup="custom_access_details: None")
    world.wait(60 * DAY)
    assert await upkeep.clean_up(world.office) == 0
