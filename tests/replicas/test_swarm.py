"""Web and worker processes on one database: nothing lost, nothing twice, nothing late.

`SWARM_SECONDS=120` kills for that long instead of a few seconds.
"""

import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from bot.app.roles import Role
from bot.sandbox.okta.records import Call
from bot.store.tables import AccessGrant, AccessRequest
from tests.flows.world import GROUP, HAS, WHY, World
from tests.replicas.process import LEASE
from tests.replicas.swarm import Process, Swarm

pytestmark = pytest.mark.long

SECONDS = float(os.environ.get("SWARM_SECONDS", "8"))
SEED = int(os.environ.get("SEED", "7"))

LATE = LEASE + timedelta(seconds=2)
"""How late a revocation may be whose worker was killed."""

AT_ONCE = 4
"""Groups that are asked for between two killings."""

PATIENCE = 60.0
"""Seconds within which the bot does what it waits for nobody to do."""


def found(world: World) -> Iterator[str]:
    """Make many groups, and give their names as they are asked for."""
    names = [f"prod-{number:03}" for number in range(int(SECONDS * AT_ONCE) + 20)]
    for name in names:
        world.okta.add_group(name, resourceOwner="db-owners")
    return iter(names)


def started(swarm: Swarm, world: World, workers: int) -> list[Process]:
    """Start one web process and some workers; return these, once the bot is ready."""
    swarm.start(Role.WEB)
    working = [swarm.start(Role.WORKER) for _ in range(workers)]
    world.slack.wait_for(world.is_met, PATIENCE)
    return working


def ask_and_approve(world: World, groups: list[str]) -> None:
    """Let Rita ask for each of `groups` for some seconds, and Olga approve.

    Who is not answered, while a process that is paused holds up all writers, does it
    again.
    """
    for group in groups:
        world.slack.wait_for(partial(is_asked, world, group), PATIENCE)
    for group in groups:
        world.slack.wait_for_message(world.id("olga"), group, PATIENCE)
        world.slack.wait_for(partial(is_answered, world, group), PATIENCE)


def is_asked(world: World, group: str) -> bool:
    """Let Rita ask; tell whether it was taken, now or before."""
    said = world.ask("rita", f"{group} 6s {WHY}")
    return "You asked for" in said or "already" in said


def is_answered(world: World, group: str) -> bool:
    """Let Olga approve; tell whether that was taken."""
    card = world.slack.wait_for_message(world.id("olga"), group, PATIENCE)
    return "approve" not in card.buttons or world.press("olga", "approve", card).ok


def changes(world: World, verb: str) -> dict[str, list[Call]]:
    """Return by the group's id what was added or removed, where it was so before."""
    made: dict[str, list[Call]] = {}
    for call in world.okta.journal:
        is_ours = call.method != "OUTSIDE" and call.actual_change
        if is_ours and (call.effect or "").startswith(verb):
            made.setdefault((call.effect or "").split()[1], []).append(call)
    return made


def is_told(world: World, group: str) -> bool:
    """Tell whether Rita knows by now what became of what was approved.

    What has ended before its message was sent is told as over.
    """
    began = ("You have", "You had", "You were not given")
    outcomes = [f"{each} {group}" for each in began]
    return any(world.was_told("rita", each) for each in outcomes)


def is_given(world: World) -> bool:
    """Tell whether a worker holds the one grant there is, to add it."""
    owners = [row.lease_owner for row in world.all_of(AccessGrant)]
    return len(owners) == 1 and owners[0] is not None


def test_three_workers_of_which_two_are_killed_again_and_again(
    world: World, swarm: Swarm
) -> None:
    chance, groups = random.Random(SEED), found(world)  # noqa: S311 -- no secret
    workers, asked = started(swarm, world, 3), list[str]()
    killed, until = list[float](), time.monotonic() + SECONDS
    while time.monotonic() < until:
        asked += ask_for_some(world, groups)
        time.sleep(chance.uniform(0, 3))
        doomed = chance.sample(workers, 2)
        swarm.kill(*doomed)
        killed.append(time.time())
        survivors = [each for each in workers if each not in doomed]
        workers = [*survivors, *(swarm.start(Role.WORKER) for _ in doomed)]
    require_once_and_in_time(world, asked, killed)


def test_three_workers_of_which_one_is_paused_past_its_lease_again_and_again(
    world: World, swarm: Swarm
) -> None:
    chance, groups = random.Random(SEED), found(world)  # noqa: S311 -- no secret
    workers, asked = started(swarm, world, 3), list[str]()
    stopped, until = list[float](), time.monotonic() + SECONDS
    while time.monotonic() < until:
        paused = chance.choice(workers)
        asked += ask_for_some(world, groups)
        paused.pause()
        stopped.append(time.time())
        asked += ask_for_some(world, groups)
        time.sleep((LEASE * 1.2).total_seconds())
        paused.resume()
    require_once_and_in_time(world, asked, stopped)


def ask_for_some(world: World, groups: Iterator[str]) -> list[str]:
    """Let Rita be approved for some more groups; return them."""
    some = [next(groups) for _ in range(AT_ONCE)]
    ask_and_approve(world, some)
    return some


def require_once_and_in_time(
    world: World, asked: list[str], troubles: list[float]
) -> None:
    """See that each was given once, and taken within a lease and 2 s of its end.

    Or of the last of the `troubles` before that: who was to take it is killed too.
    """
    ended = ["revoked"] * len(asked)
    world.slack.wait_for(lambda: world.grants() == ended, PATIENCE)
    assert len(world.all_of(AccessRequest)) == len(asked)
    added, removed = changes(world, "add"), changes(world, "remove")
    for grant in world.all_of(AccessGrant):
        [add], [remove] = added.pop(grant.group_id), removed.pop(grant.group_id)
        assert add.wall < remove.wall
        due = grant.expires_at.timestamp()
        since = max(due, *(at for at in troubles if at < remove.wall), 0)
        assert remove.wall - since <= LATE.total_seconds()
    assert (added, removed) == ({}, {})
    for group in asked:
        # Who is killed in the middle of giving what is short gives it too late.
        world.slack.wait_for(partial(is_told, world, group), PATIENCE)


def test_a_worker_paused_past_its_lease_sends_nothing(
    world: World, swarm: Swarm
) -> None:
    [paused] = started(swarm, world, 1)
    world.asked()
    paused.pause()
    world.slack.wait_for(partial(is_answered, world, GROUP), PATIENCE)
    world.comes_to("granting")
    world.okta.fail("GET", "late", times=None, delay=1)
    paused.resume()
    world.slack.wait_for(lambda: is_given(world))
    paused.pause()
    world.okta.mend()
    swarm.start(Role.WORKER)
    world.slack.wait_for(lambda: world.was_told("rita", HAS), PATIENCE)
    before = len(world.okta.journal)
    paused.resume()
    world.slack.wait_for(lambda: "row moved on" in paused.log(), PATIENCE)
    assert {call.method for call in world.okta.journal[before:]} <= {"GET"}
    world.members("rita")
    assert len(world.changes("add")) == 1
