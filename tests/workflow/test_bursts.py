"""Ends that would all come at one time are spread over the minutes before."""

from datetime import timedelta

import pytest

from bot.workflow.grants import bursts
from tests.workflow.world import HOUR, World, known

pytestmark = pytest.mark.anyio

GROUPS = 7


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bursts, "ENDS_A_MINUTE", 2)


async def _hold(world: World, count: int, length: timedelta) -> list[timedelta]:
    """Let Ann hold so many groups; return how much earlier each ends than asked."""
    for number in range(count):
        world.add_group(f"prod-{number}", resourceOwner="DBAs")
    await world.discover()
    earlier = []
    for number in range(count):
        request = await world.asked(group=f"prod-{number}", duration=length)
        known(await world.answer(request))
        at = world.clock()
        await world.work()
        [grant] = [g for g in world.rows_of_grants() if g.request_id == request.id]
        earlier.append(at + length - grant.expires_at)
    return earlier


async def test_no_minute_has_more_ends_than_it_carries(world: World) -> None:
    earlier = await _hold(world, GROUPS, 4 * HOUR)
    minutes = [round(each / timedelta(minutes=1)) for each in earlier]
    assert minutes == [0, 0, 1, 1, 2, 2, 3]


async def test_an_end_is_never_later_nor_much_earlier_than_asked(world: World) -> None:
    earlier = await _hold(world, GROUPS, 20 * timedelta(minutes=1))
    assert max(earlier) <= timedelta(minutes=1, seconds=1)
    assert min(earlier) >= timedelta(seconds=-1)


def test_the_finish_of_a_backlog_is_told_by_its_rate() -> None:
    assert bursts.finish_of(4) == timedelta(minutes=2)
    assert bursts.finish_of(0) == timedelta()
