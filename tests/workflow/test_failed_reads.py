"""Each read of the way to an add fails once, in turn: that never gives more.

Between the approval and the add something changes that forbids it. Whatever
one read answers instead of the truth, Okta is never asked to add anybody. What
reads answer is the same to either database: these run on one.
"""

from collections.abc import Callable

import pytest

from bot.core.words import GrantStatus
from bot.sandbox.faults import Kind
from tests.conftest import sqlite_alone
from tests.workflow.world import World

pytestmark = [pytest.mark.anyio, sqlite_alone]

READS = 9
"""Reads before an add, as `test_an_add_is_preceded_by_so_many_reads` counts them."""

Change = Callable[[World], object]

FORBIDDING: dict[str, Change] = {
    "an admin role": lambda world: world.org.set_group_admin("prod-db", True),
    "a group rule": lambda world: world.org.add_rule("fill", ["prod-db"]),
    "the requester left": lambda world: world.org.remove_member(
        "Engineering", "ann@example.com"
    ),
    "the owner left": lambda world: world.org.remove_member("DBAs", "bob@example.com"),
    "the requester was suspended": lambda world: world.org.set_user(
        "ann@example.com", status="SUSPENDED"
    ),
    "somebody else added them": lambda world: world.org.add_member(
        "prod-db", "ann@example.com"
    ),
}
ANSWERS: tuple[Kind, ...] = ("404", "403", "500", "html")


async def test_an_add_is_preceded_by_so_many_reads(world: World) -> None:
    await world.approved()
    before = len(world.org.journal)
    assert await world.work() == []
    methods = [call.method for call in world.org.journal[before:]]
    assert methods.index("PUT") == READS


@pytest.mark.parametrize("read", range(READS))
@pytest.mark.parametrize("forbids", FORBIDDING)
async def test_a_read_that_fails_never_gives_what_is_forbidden(
    world: World, forbids: str, read: int
) -> None:
    await world.approved()
    FORBIDDING[forbids](world)
    kind = ANSWERS[(read + len(forbids)) % len(ANSWERS)]
    world.org.fail("^GET", kind, skip=read)
    await world.work(times=3)
    assert world.changes("PUT") == 0
    assert world.grant().status in (GrantStatus.FAILED, GrantStatus.GRANTING)


@pytest.mark.parametrize("read", range(READS))
async def test_a_read_that_fails_never_gives_twice_nor_without_an_end(
    world: World, read: int
) -> None:
    await world.approved()
    world.org.fail("^GET", ANSWERS[read % len(ANSWERS)], skip=read)
    await world.work(times=3)
    assert world.changes("PUT") <= 1
    grant = world.grant()
    assert (grant.status is GrantStatus.ACTIVE) == (world.members == ["ann"])
