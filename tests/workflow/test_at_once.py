"""What several do at the same moment: one winner, one event, one grant."""

import asyncio
from typing import Any

import pytest

from bot.core.owners import step_basis
from bot.core.words import Refused, RequestStatus, StaleState
from bot.store import directory, moves
from bot.store.tables import AccessGrant, AccessRequest, Answer
from bot.workflow import requests
from bot.workflow.reading import policy_for
from bot.workflow.requests import Reply, Wish
from bot.workflow.seats import step_of
from tests.workflow.world import HOUR, World, known

pytestmark = pytest.mark.anyio

TIMES = 200


def _routed(session: Any, world: World, group_id: str) -> AccessRequest:
    """Ask for a group and put it to its owners, in one transaction."""
    wish = Wish(
        requester_id=world.ids["ann"],
        group_id=group_id,
        duration=HOUR,
        justification="OPS-12",
    )
    request: AccessRequest = known(
        requests.ask(session, world.office, wish, world.clock())
    )
    office = world.office
    policy = policy_for(session, office.catalogue, office.integration)
    group = directory.group(session, office.name, group_id)
    ann = directory.person(session, office.name, world.ids["ann"])
    assert group is not None
    assert ann is not None
    owners = {"rung": "resource", "users": [], "groups": [world.ids["DBAs"]]}
    routing = owners | {
        "people": [world.ids["bob"], world.ids["bea"]],
        "passed": [],
        "asks": {"any_of": ["owner"]},
        "basis": step_basis(policy, group, ann, step_of({})),
        "since": world.clock().isoformat(),
    }
    moves.advance(
        session,
        request,
        "routed",
        by="bot",
        now=world.clock(),
        step=1,
        routing=routing,
        due_at=None,
    )
    return request


async def test_of_two_who_approve_at_once_one_wins_each_of_many_times(
    world: World,
) -> None:
    for name in ("bob", "bea", "ann"):
        known(await world.who(name))
    for number in range(TIMES):
        world.add_group(f"prod-{number:03}", resourceOwner="DBAs")
    await world.discover()

    async def approve(request: AccessRequest, name: str) -> AccessRequest | Refused:
        reply = Reply(
            request_id=request.id,
            person_id=world.ids[name],
            approves=True,
            step_shown=1,
        )
        try:
            return await world.run(requests.answer, world.office, reply, world.clock())
        except StaleState:
            return Refused("Someone else was faster.")

    for number in range(TIMES):
        request = await world.run(_routed, world, world.ids[f"prod-{number:03}"])
        came = await asyncio.gather(approve(request, "bob"), approve(request, "bea"))
        assert sum(isinstance(each, Refused) for each in came) == 1, came
    assert len(world.rows(Answer)) == TIMES
    assert len(world.rows_of_grants()) == TIMES
    assert world.events().count("request approved") == TIMES
    assert len({grant.request_id for grant in world.rows(AccessGrant)}) == TIMES


async def test_of_two_equal_submits_at_once_one_request_is_made(world: World) -> None:
    person = known(await world.who("ann"))

    async def ask(delivery: str) -> AccessRequest | Refused:
        try:
            return await world.ask_as(person.id, delivery=delivery)
        except StaleState:
            return Refused("Someone else was faster.")

    for _ in range(20):
        await asyncio.gather(ask("view:1"), ask("view:1"))
    made = world.rows(AccessRequest)
    assert [request.status for request in made] == [RequestStatus.PENDING]
    await asyncio.gather(ask("view:2"), ask("view:3"))
    assert len(world.rows(AccessRequest)) == 1


async def test_two_who_approve_one_step_of_two_at_once_both_count(
    world: World,
) -> None:
    world.open_office(more="\n    approval: [{any_of: [owner], approvals: 2}]")
    request = await world.asked()
    for name in ("bob", "bea"):
        known(await world.who(name))

    async def approve(name: str) -> AccessRequest | Refused:
        for _ in range(3):
            try:
                return await world.answer(request, name)
            except StaleState:
                continue
        return Refused("Someone else was faster.")

    came = await asyncio.gather(approve("bob"), approve("bea"))
    assert not any(isinstance(each, Refused) for each in came), came
    assert world.request(request.id).status is RequestStatus.APPROVED
    await world.work()
    assert world.members == ["ann"]
