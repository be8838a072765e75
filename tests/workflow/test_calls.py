"""What a grant asks of Okta: no call more than is needed, none twice.

A call that is added here is paid for by every grant, out of the org's limit.
"""

import pytest

from benchmarks.calls_per_grant import calls_of_a_grant, named, repeated
from bot.core.words import GrantStatus
from tests.workflow.world import World

pytestmark = pytest.mark.anyio

GROUP_WITH_GUARDS = ["GET /groups/{}", "GET /groups", "GET /groups/rules"]
PERSON_WITH_GROUPS = ["GET /users/{}", "GET /users/{}/groups"]
OWNERS = ["GET /groups", "GET /groups/{}/users"]
FRESH_DECISION = [*GROUP_WITH_GUARDS, *PERSON_WITH_GROUPS]

CALLS = {
    "asked and put to its owners": [*FRESH_DECISION, *OWNERS],
    "approved": [],
    "given": [
        *FRESH_DECISION,
        *PERSON_WITH_GROUPS,  # who approved, before it is given on their word
        *OWNERS,
        "PUT /groups/{}/users/{}",
        *PERSON_WITH_GROUPS,
    ],
    "ended": ["DELETE /groups/{}/users/{}", *PERSON_WITH_GROUPS],
}


async def test_a_plain_grant_makes_exactly_these_calls(world: World) -> None:
    stages = await calls_of_a_grant(world)
    assert world.grant().status is GrantStatus.REVOKED
    assert {name: [*map(named, calls)] for name, calls in stages.items()} == CALLS


async def test_no_read_is_made_twice_within_one_decision(world: World) -> None:
    stages = await calls_of_a_grant(world)
    assert [repeated(calls) for calls in stages.values()] == [[], [], [], []]


async def test_a_read_made_again_before_a_change_would_be_noticed(world: World) -> None:
    before = len(world.org.journal)
    await world.look_at("prod-db")
    await world.look_at("prod-db")
    assert repeated(world.org.journal[before:]) == GROUP_WITH_GUARDS
