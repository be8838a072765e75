"""A life nobody thought of: any order of deeds, waits and kills, and what must hold.

Hypothesis draws what people and the worker do, and where the worker dies: at a
call to Okta, before or after its effect, or at a commit, before or after it.
"""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session, select

from bot.core.catalogue import load
from bot.core.words import LIVE, AccessBotError, GrantStatus, RequestStatus, StaleState
from bot.settings import Clock, Timing
from bot.store import audit, claims, queries
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate
from bot.store.tables import AccessGrant, AccessRequest, Event
from bot.store.verification import verify
from bot.workflow import grants, people, requests, upkeep
from bot.workflow.freezing import Frozen, freeze
from bot.workflow.grants import ending, giving
from bot.workflow.reading import Office
from bot.workflow.requests import Reply, Wish
from tests.chaos.mutants import MUTANTS
from tests.slack.org import Org
from tests.workflow.world import TEAM, account

KEY = Chain(b"machine")
NAMES = ("ann", "bob", "bea")
GROUPS = ("prod-a", "prod-b")
FILE = """\
version: 1
limits: {open: 100, asks_per_hour: 10000, after_denial: 1s}
admins: [{user: bea@example.com}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
    owner: [{user: bob@example.com}, {user: bea@example.com}]
flows:
  - name: production
    integration: corp
    requesters: {any: [everyone]}
    groups: {include: ["prod-*"]}
    duration: {default: 1h, max: 4h}
    justification: {required: false}
    approval: [{any_of: [owner]}]
    extensions: {max: 2, each: 30m}
    lapse_after: 2h
"""


SPOILS: dict[str, tuple[Any, str]] = {
    "commit after effect": (giving, "_add"),
    "no origin check": (queries, "standing"),
    "origin read twice": (audit, "added_pair"),
    "status written past move()": (ending, "end"),
}
"""Wrong bots whose fault lies in what a life goes through, and what each replaces."""


class Killed(BaseException):
    """The worker died here: nothing of it runs on."""


class Fuse:
    """Burns down with each point that is passed, and kills at the last."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after = False

    def point(self, *, after: bool) -> None:
        if self.left is None or after is not self.after:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise Killed


class MortalOrg(Org):
    """An org whose caller may die at any call; it keeps what the bot did."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse
        self.ours: set[tuple[str, str]] = set()
        self.outside: set[tuple[str, str]] = set()
        self.added = 0

    async def add_member(
        self, group_id: str, person_id: str, *, before_send: Callable[[], None]
    ) -> str:
        self.fuse.point(after=False)
        pair = person_id, group_id
        if not self.is_member(group_id, person_id):
            self.added += 1
            self.ours.add(pair)
        said = await super().add_member(group_id, person_id, before_send=before_send)
        self.fuse.point(after=True)
        return said

    async def remove_member(
        self, group_id: str, person_id: str, *, before_send: Callable[[], None]
    ) -> str:
        self.fuse.point(after=False)
        pair = person_id, group_id
        assert pair not in self.outside, "I6: what the bot did not add was removed"
        self.ours.discard(pair)
        said = await super().remove_member(group_id, person_id, before_send=before_send)
        self.fuse.point(after=True)
        return said


class MortalDatabase(Database):
    """A database whose user may die at any commit, before it or after."""

    fuse: Fuse

    def transact(self, f: Any, *args: Any, **kwargs: Any) -> Any:
        self.fuse.point(after=False)
        result = super().transact(f, *args, **kwargs)
        self.fuse.point(after=True)
        return result


class Life(RuleBasedStateMachine):
    """What people and the worker do, in any order."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        shutil.copy(self.template, self.folder / "life.db")
        self.fuse = Fuse()
        self.org = MortalOrg(self.fuse)
        self.wall = 1_900_000_000.0
        self.clock = Clock(wall=self._tick, monotonic=lambda: 0.0)
        self.loop = asyncio.new_event_loop()
        url = f"sqlite:///{self.folder / 'life.db'}"
        self.database = open_database(url, chain=KEY)
        self.database.__class__ = MortalDatabase
        self.database.fuse = self.fuse  # type: ignore[attr-defined]
        self.approvals = 0

    @initialize()
    def found(self) -> None:
        """Everybody is met, and two groups are there."""
        for name in NAMES:
            self.org.add_person(f"{name}@example.com")
        self.ids = {name: self.org.add_group(name) for name in GROUPS}
        catalogue = load(FILE)
        self.office = Office(
            database=self.database,
            directory=self.org,
            integration=catalogue.integrations[0],
            identity=catalogue.identity,
            catalogue=catalogue,
            timing=replace(Timing(), lag=timedelta(seconds=1)),
            clock=self.clock,
        )
        self.run(self._meet())

    # What people do

    @rule(name=some.sampled_from(NAMES), group=some.sampled_from(GROUPS))
    def ask(self, name: str, group: str) -> None:
        self.run(self._known(name))
        wish = Wish(
            requester_id=f"00u{name}",
            group_id=self.ids[group],
            duration=timedelta(hours=1),
            justification="OPS-1",
        )
        self.write(requests.ask, self.office, wish, self.clock())

    @rule(name=some.sampled_from(NAMES), group=some.sampled_from(GROUPS))
    def be_approved(self, name: str, group: str) -> None:
        """Ask, be put to the owners, and be approved by one of them."""
        self.ask(name, group)
        self.work()
        self.answer("bea" if name == "bob" else "bob", approves=True)

    @rule(name=some.sampled_from(NAMES), group=some.sampled_from(GROUPS))
    def hold(self, name: str, group: str) -> None:
        """Ask, be approved, and be given it."""
        self.be_approved(name, group)
        self.work()

    @rule(name=some.sampled_from(NAMES), approves=some.booleans())
    def answer(self, name: str, approves: bool) -> None:
        waiting = [r for r in self.rows(AccessRequest) if r.step > 0]
        pending = [r for r in waiting if r.status is RequestStatus.PENDING]
        if not pending:
            return
        newest = max(pending, key=lambda request: request.asked_at)
        self.run(self._fresh(newest, name))
        reply = Reply(
            request_id=newest.id,
            person_id=f"00u{name}",
            approves=approves,
            step_shown=newest.step,
        )
        came = self.write(requests.answer, self.office, reply, self.clock())
        if isinstance(came, AccessRequest) and came.status is RequestStatus.APPROVED:
            assert name != came.requester_id.removeprefix("00u"), "I1: their own"
            self.approvals += came.extends is None

    @rule(name=some.sampled_from(NAMES))
    def cancel(self, name: str) -> None:
        for request in self.rows(AccessRequest):
            self.write(requests.cancel, request.id, f"00u{name}", self.clock())

    @rule(name=some.sampled_from(NAMES))
    def give_back(self, name: str) -> None:
        for grant in self.rows(AccessGrant):
            self.write(grants.give_back, grant.id, f"00u{name}", self.clock())

    @rule(name=some.sampled_from(NAMES))
    def extend(self, name: str) -> None:
        self.run(self._known(name))
        for grant in self.rows(AccessGrant):
            person, now = f"00u{name}", self.clock()
            self.write(requests.extend, self.office, grant.id, person, "", now)

    @rule(on=some.booleans())
    def freeze(self, on: bool) -> None:
        self.write(
            freeze, "corp", Frozen.EVERYTHING, "", by="cli", now=self.clock(), on=on
        )

    @rule(name=some.sampled_from(NAMES), group=some.sampled_from(GROUPS))
    def add_outside(self, name: str, group: str) -> None:
        pair = f"00u{name}", self.ids[group]
        if not self.org.is_member(pair[1], pair[0]) and not self._in_flight(pair):
            self.org.memberships.setdefault(pair[1], set()).add(pair[0])
            self.org.outside.add(pair)

    @rule(minutes=some.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.wall += 60 * minutes

    # What the worker does

    @rule()
    def work(self) -> None:
        self.run(self._work())

    @precondition(lambda self: self.fuse.left is None)
    @rule(points=some.integers(0, 12), after=some.booleans())
    def work_and_die(self, points: int, after: bool) -> None:
        self.fuse.left, self.fuse.after = points, after
        try:
            self.run(self._work())
        except Killed:
            pass
        finally:
            self.fuse.left = None
        self.write(claims.free_all)

    @precondition(lambda self: self.fuse.left is None)
    @rule(
        name=some.sampled_from(NAMES),
        group=some.sampled_from(GROUPS),
        points=some.integers(0, 8),
        after=some.booleans(),
    )
    def die_while_giving(self, name: str, group: str, points: int, after: bool) -> None:
        """Ask, be approved, and be given it by a worker that dies meanwhile."""
        self.be_approved(name, group)
        self.work_and_die(points, after)

    @rule()
    def settle(self) -> None:
        """Work until nothing is due; then what is held is what rows say."""
        for _ in range(12):
            self.run(self._work())
            self.wall += 2
        live = {
            (grant.grantee_id, grant.group_id)
            for grant in self.rows(AccessGrant)
            if grant.status in LIVE
        }
        held = {
            (grant.grantee_id, grant.group_id)
            for grant in self.rows(AccessGrant)
            if grant.status is GrantStatus.ACTIVE and grant.expires_at > self.clock()
        }
        assert self.org.ours <= live, "I3: a membership of ours outlives its grant"
        assert held <= self.org.ours, "I2: what is said to be held is not"

    # What always holds

    @invariant()
    def no_more_additions_than_approvals(self) -> None:
        assert self.org.added <= self.approvals, "I4: more adds than approvals"

    @invariant()
    def nothing_is_added_twice(self) -> None:
        pairs = [
            (grant.grantee_id, grant.group_id)
            for grant in self.rows(AccessGrant)
            if grant.status in LIVE
        ]
        assert len(pairs) == len(set(pairs)), "one live grant of a pair"

    def teardown(self) -> None:
        try:
            self.write(claims.free_all)
            self.settle()
            findings = self.database.look(lambda session: list(verify(session)))
            assert findings == [], "I7: the audit verifies"
            self._require_each_version()
        finally:
            self.database.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    def _require_each_version(self) -> None:
        told: dict[str, list[int]] = {}
        for event in sorted(self.rows(Event), key=lambda event: event.seq):
            if event.grant_id and "row" in event.data:
                told.setdefault(event.grant_id, []).append(event.data["row"]["version"])
        for versions in told.values():
            assert versions == [*range(1, len(versions) + 1)], "I7: each has its event"

    # How

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def write(self, f: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.database.transact(f, *args, **kwargs)
        except StaleState as stale:
            return stale

    def rows(self, table: Any) -> list[Any]:
        def every(session: Session) -> list[Any]:
            return list(session.exec(select(table)))

        return self.database.look(every)

    def _tick(self) -> float:
        self.wall += 0.001
        return self.wall

    def _in_flight(self, pair: tuple[str, str]) -> bool:
        """Tell whether an add of ours may still land, or is being undone."""
        return any(
            (grant.grantee_id, grant.group_id) == pair
            and (grant.status in LIVE or grant.unsure_until is not None)
            for grant in self.rows(AccessGrant)
        )

    async def _meet(self) -> None:
        accounts = [account(name) for name in NAMES]
        await upkeep.meet(self.database, accounts, self.clock())
        await upkeep.discover(self.office)

    async def _known(self, name: str) -> None:
        await people.identify(self.office, TEAM, f"U-{name}", self.clock())

    async def _fresh(self, request: AccessRequest, name: str) -> None:
        await self._known(name)
        for person_id in (request.requester_id, request.grantee_id):
            await people.read_person(
                self.database, self.org, "corp", person_id, self.clock()
            )
        await upkeep.discover(self.office)

    async def _work(self) -> None:
        for table in (AccessGrant, AccessRequest):
            for row in await self._claim(table):
                await self._carry_out(row)

    async def _claim(self, table: Any) -> list[Any]:
        found: list[Any] = await self.database.run(
            claims.claim,
            table,
            owner="machine",
            now=self.clock(),
            lease=timedelta(seconds=30),
            most=10,
        )
        return found

    async def _carry_out(self, row: AccessGrant | AccessRequest) -> None:
        try:
            if isinstance(row, AccessGrant):
                await grants.carry_out(self.office, row, lambda: None)
            else:
                await requests.carry_out(self.office, row)
        except StaleState:
            await self.database.run(claims.let_go, row)
        except AccessBotError:
            await self.database.run(claims.put_back, row, self.clock())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("machine") / "template.db"
    migrate(f"sqlite:///{path}", KEY)
    return path


def test_any_life_keeps_the_promises(template: Path) -> None:
    _live(template, lives=12)


@pytest.mark.long
@pytest.mark.parametrize("wrong", SPOILS)
def test_a_wrong_bot_is_caught_in_some_life(
    wrong: str, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, name = SPOILS[wrong]
    monkeypatch.setattr(place, name, getattr(place, name))  # put back afterwards
    MUTANTS[wrong].spoil()
    with pytest.raises(AssertionError, match=r"^I\d: "):
        _live(template, lives=60)


def _live(template: Path, lives: int) -> None:
    """Live so many lives, the same each time; the first that breaks a promise fails."""
    Life.template = template
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=lives,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=[*HealthCheck],
        ),
    )
