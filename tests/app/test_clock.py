"""The one clock: never back, never still, and no second twice."""

from datetime import UTC, datetime, timedelta
from threading import Thread

from bot.settings import Clock

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = 3600.0


class Machine:
    """A machine's two clocks. `passes` comes to pass at the next look at either."""

    def __init__(self) -> None:
        self.wall, self.monotonic, self.passes = START.timestamp(), 0.0, 0.0
        self.clock = Clock(wall=self._wall, monotonic=self._monotonic)

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def _wall(self) -> float:
        return self._look("wall")

    def _monotonic(self) -> float:
        return self._look("monotonic")

    def _look(self, at: str) -> float:
        seen: float = getattr(self, at)
        passes, self.passes = self.passes, 0.0
        self.wait(passes)
        return seen


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_it_goes_on_when_the_wall_clock_is_set_back() -> None:
    machine = Machine()
    machine.wall -= HOUR
    assert machine.clock() == after(0)
    machine.wait(5)
    assert machine.clock() == after(5)


def test_it_follows_a_wall_clock_that_is_set_forward() -> None:
    machine = Machine()
    machine.wall += HOUR
    assert machine.clock() == after(HOUR)


def test_time_that_passes_while_it_looks_is_counted_once() -> None:
    machine = Machine()
    machine.passes = HOUR
    assert machine.clock() <= after(HOUR)
    assert machine.clock() == after(HOUR)


def test_two_threads_read_it_one_after_the_other() -> None:
    looks = iter(range(9))
    waited: list[bool] = []

    def look() -> float:
        if (look := next(looks)) == 1:
            other.start()
            other.join(0.2)
            waited.append(other.is_alive())
        return float(look)

    clock = Clock(wall=lambda: 0.0, monotonic=look)
    other = Thread(target=clock)
    first = clock()
    other.join()
    assert waited == [True]
    assert first < clock()


def test_it_goes_by_the_clock_of_a_shared_database_and_by_the_wall_no_more() -> None:
    machine = Machine()
    machine.clock.follow(after(60))
    machine.wall += HOUR
    assert machine.clock() == after(60)
    machine.wait(5)
    assert machine.clock() == after(65)
    machine.clock.follow(after(30))
    assert machine.clock() == after(65)


def test_it_is_never_before_what_it_is_told() -> None:
    machine = Machine()
    machine.clock.not_before(after(HOUR))
    assert machine.clock() == after(HOUR)
