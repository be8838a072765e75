"""Whose turn it is, and how much of a limit is used."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from bot.okta.answers import Limits
from bot.okta.pacing import MOST_IN_FLIGHT, Lane, Pacer, TooLate, bucket_of
from bot.okta.timing import OktaTiming
from tests.okta.buckets import LATENCY, Bucket

pytestmark = pytest.mark.anyio

GROUPS = "/api/v1/groups"
TOLD_NOTHING = Limits()
CROWDED = Limits(limit=0, remaining=0, epoch=1, resets_in=timedelta(seconds=50))


def time() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
def pacer() -> Pacer:
    return Pacer(OktaTiming())


async def turn(pacer: Pacer, lane: Lane, deadline: float) -> None:
    """Have a turn."""
    async with pacer.turn(GROUPS, lane, deadline):
        pass


async def unanswered(pacer: Pacer, bucket: Bucket) -> None:
    """One call whose answer is lost on the way back."""
    with suppress(ConnectionError):
        async with pacer.turn(GROUPS, Lane.REVOKE, time() + 600):
            await bucket.call()
            raise ConnectionError


async def call(pacer: Pacer, bucket: Bucket, lane: Lane = Lane.READ) -> None:
    """Call until it is not refused, as the client does."""
    refused = True
    while refused:
        async with pacer.turn(GROUPS, lane, time() + 600) as turn:
            told, refused = await bucket.call()
            turn.answered(told, refused=refused)


async def busy(seconds: float, one: Callable[[], Awaitable[None]]) -> None:
    """Let 16 callers do `one` again and again for so long."""
    until = time() + seconds

    async def caller() -> None:
        while time() < until:
            await one()

    async with asyncio.timeout(seconds + 120), asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(caller())


async def hold(pacer: Pacer, lane: Lane, seconds: float, limits: Limits) -> None:
    """One call that takes so long."""
    async with pacer.turn(GROUPS, lane, time() + 600) as turn:
        await asyncio.sleep(seconds)
        turn.answered(limits, refused=False)


@pytest.mark.parametrize("limit", [50, 100, 250, 500, 600])
@pytest.mark.parametrize("begins", [-40.0, -0.37, -13.9])
async def test_nearly_all_of_a_limit_is_used_and_almost_none_refused(
    pacer: Pacer, limit: int, begins: float
) -> None:
    bucket = Bucket(limit, begins=time() + begins)
    await busy(300, lambda: call(pacer, bucket))
    whole = [bucket.used[number] for number in sorted(bucket.used)[1:-1]]
    assert sum(whole) >= 0.98 * limit * len(whole) or limit - min(whole) <= 2
    assert bucket.refused <= 1


async def test_a_limit_shared_with_others_is_seldom_overrun(pacer: Pacer) -> None:
    bucket = Bucket(500, begins=time() - 13.9)

    async def others() -> None:
        while True:
            await asyncio.sleep(1)
            bucket.taken_by_others(3)

    beside = asyncio.create_task(others())
    await busy(300, lambda: call(pacer, bucket))
    beside.cancel()
    assert bucket.refused <= len(bucket.used)
    assert sum(bucket.used.values()) + sum(bucket.by_others.values()) >= 0.97 * 2500


async def test_processes_that_share_a_limit_keep_to_it_and_use_it_alike() -> None:
    pacers = [Pacer(OktaTiming(), lambda: 1 / 3) for _ in range(3)]
    bucket, calls = Bucket(500, begins=time() - 13.9), [0, 0, 0]

    async def one(number: int) -> None:
        await call(pacers[number], bucket)
        calls[number] += 1

    await asyncio.gather(*[busy(300, partial(one, number)) for number in range(3)])
    whole = [bucket.used[number] for number in sorted(bucket.used)[1:-1]]
    assert sum(whole) >= 0.97 * 500 * len(whole)
    assert bucket.refused <= len(pacers)
    assert min(calls) >= 0.75 * max(calls)


async def test_one_that_is_busy_alone_uses_what_the_others_leave() -> None:
    bucket = Bucket(500, begins=time() - 13.9)
    shared = Pacer(OktaTiming(), lambda: 1 / 3)
    await busy(300, lambda: call(shared, bucket))
    whole = [bucket.used[number] for number in sorted(bucket.used)[1:-1]]
    assert sum(whole) >= 0.9 * 500 * len(whole)
    assert bucket.refused <= 1


@pytest.mark.parametrize("lane", Lane)
@pytest.mark.parametrize(("limit", "share"), [(3, 1 / 4), (3, 1 / 3), (1, 1)])
async def test_a_share_of_less_than_one_call_goes_once_a_window(
    lane: Lane, limit: int, share: float
) -> None:
    pacer, bucket = Pacer(OktaTiming(), lambda: share), Bucket(limit, begins=time())
    began = time()
    for _ in range(4):
        await call(pacer, bucket, lane)
    assert time() - began < 4 * 62
    assert bucket.refused == 0


async def test_a_part_of_a_limit_costs_no_wait(pacer: Pacer) -> None:
    bucket, began = Bucket(600, begins=time()), time()
    await asyncio.gather(*[call(pacer, bucket) for _ in range(400)])
    assert time() - began < 400 * LATENCY


async def test_the_first_call_of_a_bucket_goes_alone(pacer: Pacer) -> None:
    bucket = Bucket(3, begins=time())
    await asyncio.gather(*[call(pacer, bucket) for _ in range(9)])
    assert bucket.refused == 0


async def test_a_bucket_without_a_limit_is_never_waited_for(pacer: Pacer) -> None:
    began = time()
    calls = [hold(pacer, Lane.READ, 0.01, TOLD_NOTHING) for _ in range(61)]
    await asyncio.gather(*calls)
    assert time() - began == pytest.approx(0.11)


async def test_a_429_closes_the_gate_for_all_until_the_reset(pacer: Pacer) -> None:
    bucket, began = Bucket(600, begins=time()), time()
    await call(pacer, bucket)
    bucket.taken_by_others(600)
    await asyncio.gather(*[call(pacer, bucket) for _ in range(20)])
    assert time() >= began + 60
    assert bucket.refused <= Lane.READ.places


async def test_a_429_that_names_no_reset_is_waited_out_longer_each_time(
    pacer: Pacer,
) -> None:
    waits = []
    for _ in range(7):
        began = time()
        async with pacer.turn(GROUPS, Lane.READ, began + 600) as turn:
            waits.append(time() - began)
            turn.answered(TOLD_NOTHING, refused=True)
    assert waits == pytest.approx([0, 2, 3, 5, 9, 17, 31])


async def test_a_429_with_a_reset_of_its_own_is_believed_over_the_window(
    pacer: Pacer,
) -> None:
    window = Limits(600, 400, 1000, timedelta(seconds=55))
    refusal = Limits(600, 0, 950, timedelta(seconds=5))
    await hold(pacer, Lane.READ, 0, window)
    async with pacer.turn(GROUPS, Lane.READ, time() + 600) as turn:
        turn.answered(refusal, refused=True)
    began = time()
    await hold(pacer, Lane.READ, 0, window)
    assert time() - began == pytest.approx(6)


async def test_what_an_answer_says_after_a_429_is_believed_again(
    pacer: Pacer,
) -> None:
    window = Limits(600, 400, 1000, timedelta(seconds=55))
    await hold(pacer, Lane.READ, 0, window)
    async with pacer.turn(GROUPS, Lane.READ, time() + 600) as turn:
        turn.answered(Limits(600, 0, 950, timedelta(seconds=5)), refused=True)
    await hold(pacer, Lane.READ, 0, Limits(600, 0, 1000, timedelta(seconds=20)))
    began = time()
    await hold(pacer, Lane.REVOKE, 0, TOLD_NOTHING)
    assert time() - began == pytest.approx(20)


async def test_refusals_that_come_together_count_as_one(pacer: Pacer) -> None:
    async def one(wait: float) -> None:
        async with pacer.turn(GROUPS, Lane.READ, time() + 600) as turn:
            await asyncio.sleep(wait)
            turn.answered(TOLD_NOTHING, refused=True)

    await hold(pacer, Lane.READ, 0, TOLD_NOTHING)
    await asyncio.gather(*[one(0.5) for _ in range(Lane.READ.places)])
    began = time()
    await hold(pacer, Lane.READ, 0, TOLD_NOTHING)
    assert time() - began == pytest.approx(2)


async def test_a_reset_in_another_year_is_not_believed(pacer: Pacer) -> None:
    for_ever = Limits(600, 0, 2**40, timedelta(days=900))
    async with pacer.turn(GROUPS, Lane.READ, time() + 600) as turn:
        turn.answered(for_ever, refused=True)
    began = time()
    await hold(pacer, Lane.READ, 0, TOLD_NOTHING)
    assert time() - began == pytest.approx(121)


async def test_too_many_at_once_holds_every_bucket_back_longer_each_time(
    pacer: Pacer,
) -> None:
    waits = []
    for number in range(8):
        began = time()
        async with pacer.turn(f"/{number}", Lane.REVOKE, began + 600) as turn:
            waits.append(time() - began)
            turn.answered(CROWDED, refused=True)
    assert waits == pytest.approx([0, 1, 2, 4, 8, 16, 30, 30])


async def test_an_answer_ends_what_too_many_at_once_began(pacer: Pacer) -> None:
    for limits, refused in [(CROWDED, True), (TOLD_NOTHING, False), (CROWDED, True)]:
        async with pacer.turn(GROUPS, Lane.READ, time() + 600) as turn:
            turn.answered(limits, refused=refused)
    began = time()
    await hold(pacer, Lane.READ, 0, TOLD_NOTHING)
    assert time() - began == pytest.approx(1)


async def test_too_many_at_once_says_nothing_of_the_bucket(pacer: Pacer) -> None:
    bucket, began = Bucket(600, begins=time()), time()
    await call(pacer, bucket)
    async with pacer.turn(GROUPS, Lane.READ, time() + 600) as turn:
        turn.answered(CROWDED, refused=True)
    await asyncio.gather(*[call(pacer, bucket) for _ in range(300)])
    assert time() - began < 1 + 300 * LATENCY


async def test_no_more_than_eight_are_in_flight(pacer: Pacer) -> None:
    together, most = 0, 0

    async def one(bucket: str) -> None:
        nonlocal together, most
        async with pacer.turn(bucket, Lane.REVOKE, time() + 600) as turn:
            together += 1
            most = max(most, together)
            await asyncio.sleep(1)
            together -= 1
            turn.answered(TOLD_NOTHING, refused=False)

    await asyncio.gather(*[one(f"/{number}") for number in range(50)])
    assert most == MOST_IN_FLIGHT


async def test_a_revocation_finds_a_place_beside_reads_that_hang(
    pacer: Pacer,
) -> None:
    reads = [
        asyncio.create_task(_elsewhere(pacer, f"/{number}", Lane.READ, 10))
        for number in range(30)
    ]
    await asyncio.sleep(1)
    began = time()
    await _elsewhere(pacer, "/revoke", Lane.REVOKE, 0)
    assert time() == began
    await asyncio.gather(*reads)


async def test_the_urgent_go_first(pacer: Pacer) -> None:
    gone: list[Lane] = []

    async def one(lane: Lane) -> None:
        async with pacer.turn(GROUPS, lane, time() + 600) as turn:
            gone.append(lane)
            await asyncio.sleep(1)
            turn.answered(TOLD_NOTHING, refused=False)

    probe = asyncio.create_task(one(Lane.READ))
    await asyncio.sleep(0.5)
    waiting = [Lane.READ] * 9 + [Lane.GRANT] * 2 + [Lane.REVOKE] * 2
    await asyncio.gather(probe, *[one(lane) for lane in waiting])
    assert gone == [Lane.READ, *sorted(waiting)]


async def test_a_due_revocation_waits_behind_at_most_one_read(pacer: Pacer) -> None:
    bucket = Bucket(100, begins=time())
    reading = asyncio.create_task(busy(120, lambda: call(pacer, bucket)))
    waited = []
    for _ in range(11):
        await asyncio.sleep(5.1)
        began = time()
        await call(pacer, bucket, Lane.REVOKE)
        waited.append(time() - began)
    reading.cancel()
    assert max(waited) < 3 * LATENCY


async def test_reads_leave_a_part_of_the_limit_to_the_urgent(pacer: Pacer) -> None:
    bucket, began = Bucket(100, begins=time()), time()
    reading = asyncio.create_task(busy(120, lambda: call(pacer, bucket)))
    await asyncio.sleep(20)
    left = bucket.left()
    assert left >= 10 * 2 / 3
    await asyncio.gather(*[call(pacer, bucket, Lane.REVOKE) for _ in range(left)])
    assert time() < began + 22
    assert bucket.refused == 0
    reading.cancel()


async def test_grants_leave_a_part_of_the_limit_to_revocations(pacer: Pacer) -> None:
    bucket, began = Bucket(100, begins=time()), time()
    granting = [
        asyncio.create_task(call(pacer, bucket, Lane.GRANT)) for _ in range(200)
    ]
    await asyncio.sleep(2)
    assert bucket.left() >= 5
    await asyncio.gather(*[call(pacer, bucket, Lane.REVOKE) for _ in range(5)])
    assert time() < began + 3
    await asyncio.gather(*granting)


async def test_reads_wait_while_little_is_left_for_grants(pacer: Pacer) -> None:
    little = Limits(100, 8, 60, timedelta(seconds=60))
    await hold(pacer, Lane.READ, 0, little)
    began = time()
    await hold(pacer, Lane.GRANT, 0, little)
    assert time() == began
    await hold(pacer, Lane.READ, 0, little)
    assert time() > began + 10


async def test_answers_that_overtake_each_other_do_not_give_calls_back(
    pacer: Pacer,
) -> None:
    await hold(pacer, Lane.REVOKE, 0, Limits(600, 500, 60, timedelta(seconds=60)))
    used_up = Limits(600, 0, 60, timedelta(seconds=60))
    before = Limits(600, 400, 60, timedelta(seconds=60))
    await asyncio.gather(
        hold(pacer, Lane.REVOKE, 1, used_up), hold(pacer, Lane.REVOKE, 2, before)
    )
    began = time()
    await hold(pacer, Lane.REVOKE, 0, TOLD_NOTHING)
    assert time() >= began + 58


async def test_a_call_without_an_answer_counts_as_one(pacer: Pacer) -> None:
    bucket = Bucket(2, begins=time())
    await call(pacer, bucket, Lane.REVOKE)
    await unanswered(pacer, bucket)
    await call(pacer, bucket, Lane.REVOKE)
    assert bucket.refused == 0


async def test_an_answer_of_the_last_window_says_nothing_of_this_one(
    pacer: Pacer,
) -> None:
    old = Limits(600, 0, 60, timedelta(seconds=1))
    new = Limits(600, 599, 120, timedelta(seconds=60))
    await hold(pacer, Lane.READ, 0, new)
    await hold(pacer, Lane.READ, 0, old)
    began = time()
    await hold(pacer, Lane.READ, 0, new)
    assert time() == began


@pytest.mark.parametrize("lane", list(Lane))
async def test_a_call_that_cannot_go_before_its_deadline_is_not_sent(
    pacer: Pacer, lane: Lane
) -> None:
    used_up = Limits(600, 0, 100, timedelta(seconds=30))
    await hold(pacer, lane, 0, used_up)
    began = time()
    with pytest.raises(TooLate) as late:
        await turn(pacer, lane, began + 20)
    assert time() == began
    assert not late.value.landed
    assert late.value.retry_after == timedelta(seconds=30)


async def test_a_call_waits_no_longer_than_its_deadline(pacer: Pacer) -> None:
    probe = asyncio.create_task(hold(pacer, Lane.READ, 50, TOLD_NOTHING))
    await asyncio.sleep(1)
    began = time()
    with pytest.raises(TooLate):
        await turn(pacer, Lane.REVOKE, began + 5)
    assert time() == began + 5
    await probe


async def test_a_deadline_that_has_passed_is_too_late_even_when_nobody_waits(
    pacer: Pacer,
) -> None:
    with pytest.raises(TooLate):
        await turn(pacer, Lane.REVOKE, time())


@pytest.mark.parametrize("steps", range(4))
async def test_a_caller_who_leaves_takes_no_place_with_them(
    pacer: Pacer, steps: int
) -> None:
    probe = asyncio.create_task(hold(pacer, Lane.READ, 1, TOLD_NOTHING))
    await asyncio.sleep(0)
    leaving = [
        asyncio.create_task(hold(pacer, Lane.READ, 1, TOLD_NOTHING)) for _ in range(20)
    ]
    await asyncio.sleep(1)
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    await asyncio.gather(probe, *leaving, return_exceptions=True)
    began = time()
    places = Lane.READ.places
    await asyncio.gather(
        *[hold(pacer, Lane.READ, 1, TOLD_NOTHING) for _ in range(places)]
    )
    assert time() == began + 1


@pytest.mark.parametrize(
    ("method", "path", "bucket"),
    [
        ("GET", "/api/v1/groups", "/api/v1/groups"),
        ("GET", "/api/v1/groups/rules", "/api/v1/groups/rules"),
        ("GET", "/api/v1/groups/00g1", "/api/v1/groups/{}"),
        ("PUT", "/api/v1/groups/00g1/users/00u1", "/api/v1/groups/{}/users/{}"),
        ("DELETE", "/api/v1/groups/00g1/users/00u1", "/api/v1/groups/{}/users/{}"),
        ("GET", "/api/v1/users", "/api/v1/users"),
        ("GET", "/api/v1/users/a%40b", "/api/v1/users/{}"),
        ("GET", "/api/v1/users/00u1/groups", "/api/v1/users/{}/groups"),
        ("DELETE", "/api/v1/users/00u1", "/api/v1/users/{} write"),
        (
            "GET",
            "/api/v1/apps/0oa1/credentials/jwks",
            "/api/v1/apps/{}/credentials/jwks",
        ),
        ("POST", "/oauth2/v1/token", "/oauth2/v1/token"),
    ],
)
def test_ids_and_logins_are_no_part_of_a_bucket(
    method: str, path: str, bucket: str
) -> None:
    assert bucket_of(method, path) == bucket


async def _elsewhere(pacer: Pacer, bucket: str, lane: Lane, seconds: float) -> None:
    async with pacer.turn(bucket, lane, time() + 600) as turn:
        await asyncio.sleep(seconds)
        turn.answered(TOLD_NOTHING, refused=False)


async def test_a_call_that_went_well_amid_a_crowd_breaks_nothing(pacer: Pacer) -> None:
    deadline = time() + 600
    fine = Limits(limit=600, remaining=500, epoch=1, resets_in=timedelta(seconds=50))
    async with pacer.turn(GROUPS, Lane.READ, deadline) as before:
        before.answered(fine, refused=False)
    async with (
        pacer.turn(GROUPS, Lane.READ, deadline) as first,
        pacer.turn(GROUPS, Lane.READ, deadline) as second,
        pacer.turn(GROUPS, Lane.READ, deadline) as third,
    ):
        # They come back in the order of the stack: the last one first.
        third.answered(CROWDED, refused=True)
        second.answered(fine, refused=False)
        first.answered(CROWDED, refused=True)
    assert pacer._crowds == 1
