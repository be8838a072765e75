"""What is kept too long is let go of, and the audit goes on from a checkpoint."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from bot.core.catalogue.values import Retention
from bot.core.words import GrantStatus
from bot.store.tables import (
    AccessGrant,
    AccessRequest,
    Event,
    EventText,
    Notice,
    OktaPerson,
)
from bot.store.verification import verify
from bot.workflow.upkeep import retain
from bot.workflow.upkeep.retaining import Retained
from bot.workflow.upkeep.strays import Membership, endings, forget, give_end, waiting
from tests.hand import by_hand
from tests.workflow.world import HOUR, World, known

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
RULE = Retention(audit=365 * DAY, messages=30 * DAY)


async def _ended(world: World) -> None:
    """Let Ann have had the group for an hour, and everybody be told."""
    await world.held()
    world.wait(HOUR * 2)
    await world.work()
    assert world.grant().status is GrantStatus.REVOKED
    await world.run(_all_told)


def _all_told(session: Session) -> None:
    session.execute(update(Notice).values(due_at=None))


async def _retain(world: World) -> Retained:
    return await retain(world.database, RULE, world.clock())


def _numbers(world: World) -> list[int]:
    return world.look(
        lambda s: list(s.exec(select(Event.seq).order_by(col(Event.seq))))
    )


async def test_nothing_is_let_go_of_before_its_time(world: World) -> None:
    await _ended(world)
    world.wait(29 * DAY)
    assert await _retain(world) == Retained()


async def test_texts_go_and_the_audit_keeps_its_own(world: World) -> None:
    await _ended(world)
    texts = len(world.rows(EventText))
    world.wait(31 * DAY)
    let_go = await _retain(world)
    assert let_go.messages > 0
    assert (let_go.requests, let_go.events) == (1, 0)
    [request] = world.rows(AccessRequest)
    assert request.justification is None
    assert len(world.rows(EventText)) == texts
    ann = world.look(lambda s: s.get_one(OktaPerson, ("corp", world.ids["ann"])))
    assert (ann.profile, ann.name != "") == ({}, True)


async def test_what_lives_keeps_its_texts_and_messages(world: World) -> None:
    await world.held(duration=8 * HOUR)
    await world.run(_all_told)
    granted = world.told("granted")
    world.wait(31 * DAY)
    await world.run(_still_lives)
    let_go = await _retain(world)
    assert world.told("granted") == granted != []
    assert let_go.events == 0


def _still_lives(session: Session) -> None:
    assert session.exec(select(AccessGrant)).one().status is GrantStatus.ACTIVE


async def test_the_audit_is_pruned_behind_a_checkpoint_and_verifies(
    world: World,
) -> None:
    await _ended(world)
    world.wait(400 * DAY)
    await _ended_again(world)
    before = _numbers(world)
    let_go = await _retain(world)
    after = _numbers(world)
    assert let_go.events > 0
    assert after[0] == let_go.events + 1
    assert after[-1] == before[-1] + 1
    assert world.look(lambda s: list(verify(s))) == []
    assert len(world.rows(AccessRequest)) == 1
    assert world.rows(EventText)[0].seq >= after[0]


async def test_the_end_of_a_stray_membership_is_kept_until_it_is_settled(
    world: World,
) -> None:
    pair = {"person_id": world.ids["bob"], "group_id": world.ids["prod-logs"]}
    stray = Membership(**pair, at=world.clock())
    until = world.clock() + 500 * DAY
    await world.run(give_end, "corp", stray, until, by="cli:ops", now=world.clock())
    [seq] = world.look(waiting)
    await _ended(world)
    world.wait(400 * DAY)
    await _ended_again(world)
    await _retain(world)
    assert _numbers(world)[0] <= seq
    [ending] = world.look(lambda session: endings(session, "corp"))
    await world.run(forget, "corp", ending, "gone", by="cli:ops", now=world.clock())
    assert (await _retain(world)).events > 0


@pytest.mark.parametrize("answered", [True, False])
async def test_what_was_extended_is_pruned_with_its_extension(
    world: World, answered: bool
) -> None:
    await world.held()
    asked = await world.ask_to_extend()
    await world.work()
    if answered:
        known(await world.answer(known(asked), "bea"))
    else:
        known(await world.give_back(world.grant()))
        await world.settle()
        world.wait(2 * DAY)  # and the request to extend it is not looked at so long
    world.wait(HOUR * 2)
    await world.settle()
    await world.run(_all_told)
    world.wait(364 * DAY)
    await _retain(world)
    assert len(world.rows(AccessRequest)) == 2, "one of the two is too young"
    world.wait(400 * DAY)
    await _ended_again(world)
    assert (await _retain(world)).events > 0
    assert world.look(lambda s: list(verify(s))) == []
    assert len(world.rows(AccessRequest)) == 1


async def _ended_again(world: World) -> None:
    known(await world.answer(await world.asked()))
    assert await world.work() == []
    world.wait(HOUR * 2)
    await world.work()


@pytest.mark.parametrize("cut", ["first", "checkpoint"])
async def test_what_is_cut_off_by_hand_is_found(world: World, cut: str) -> None:
    await _ended(world)
    world.wait(400 * DAY)
    await _retain(world)
    assert world.look(lambda s: list(verify(s))) == []
    world.tampered = True
    if cut == "first":
        first = _numbers(world)[0]
        by_hand(world.database, "delete from event where seq = :seq", seq=first)
    else:
        by_hand(
            world.database, "update event set kind = 'x' where kind = 'audit pruned'"
        )
    assert world.look(lambda s: list(verify(s))) != []
