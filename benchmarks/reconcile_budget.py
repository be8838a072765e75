"""Reconcile in a large org under a small limit, and ends that are due meanwhile.

20,000 groups and 3,000 live grants, all of them in one group that has just changed:
the worst pass there is. Okta takes 250 calls a minute of each kind. While grants end
one by one there is a pass each minute: five times as often as in life.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, percentile, report
from benchmarks.rig.estate import Held, hold
from bot.core.words import GrantStatus
from bot.okta.client import OktaClient
from bot.okta.directory import OktaDirectory
from bot.okta.pacing import Lane
from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.database import open_database
from bot.store.migrations import migrate
from bot.store.tables import AccessGrant
from bot.workflow import grants, upkeep
from bot.workflow.reading import Office
from tests.workflow.world import World

CHAIN = Chain(b"the audit key of the benchmarks")
GROUPS, GRANTS, ENDS = 20_000, 3_000, 20
LIMIT, MINUTES = 250, 5
PASSES = 4
APART = 3.0
"""Seconds between two ends."""

BETWEEN = 60.0
"""Seconds between two passes while grants end."""


def main() -> None:
    """Reconcile, let grants end, and print what each took."""
    with Sandbox() as sandbox, TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'access-bot.db'}"
        migrate(url, CHAIN)
        database = open_database(url, chain=CHAIN)
        try:
            asyncio.run(_live(World(sandbox.okta, database)))
        finally:
            database.close()


async def _live(world: World) -> None:
    world.wall = time.time()
    world.org.fill(GROUPS)
    held = list(_holders(world))
    async with world.client:
        await world.open()
        told = (GrantStatus.ACTIVE,)
        hold(world.database, "corp", held, told=told, met=False)
        world.client = OktaClient(world.org.url, lambda: json.dumps(world.app))
        for bucket in ("groups", "other"):
            world.org.require_limit(bucket, LIMIT, 60.0)
    async with world.client as client:
        office = replace(world.office, directory=OktaDirectory(client))
        first, _, *others = [await _pass(world, office) for _ in range(PASSES)]
        _report_passes(first, max(others))
        urgent = replace(office, directory=OktaDirectory(client, Lane.GRANT))
        _report_ends(await _ends_meanwhile(world, office, urgent))


def _holders(world: World) -> Iterable[Held]:
    """Put people into one group; a few of them are to leave it soon."""
    world.add_group("prod-held")
    group = world.ids["prod-held"]
    for number in range(GRANTS):
        person = world.org.add_user(f"holder{number}@example.com")
        world.org.add_member(group, person)
        end = world.clock() + timedelta(hours=1 if number < ENDS else 8)
        yield Held(person, group, end, end)


async def _pass(world: World, office: Office) -> int:
    """Return how many calls one pass made, after somebody else changed the group."""
    for change in (world.org.add_member, world.org.remove_member):
        change("prod-held", "bob@example.com")
    before = len(world.org.journal)
    await upkeep.reconcile(office)
    calls = len(world.org.journal) - before
    _wait(world, timedelta(minutes=MINUTES))
    return calls


def _wait(world: World, length: timedelta) -> None:
    """Let time pass for us and for Okta."""
    world.wait(length)
    world.org.set_clock_skew(world.wall - time.time())


async def _ends_meanwhile(world: World, office: Office, urgent: Office) -> list[float]:
    """Return how long after it was due each removal reached Okta, in seconds."""
    _wait(world, timedelta(hours=1))
    passes = asyncio.create_task(_without_end(office))
    waits = []
    while rows := await world.claim(AccessGrant):
        for row in rows:
            began, before = time.time(), len(world.org.journal)
            await grants.carry_out(urgent, row, lambda: None)
            waits += [
                call.wall - began
                for call in world.org.journal[before:]
                if call.method == "DELETE"
            ]
            await asyncio.sleep(APART)
    passes.cancel()
    with suppress(asyncio.CancelledError):
        await passes
    return waits


async def _without_end(office: Office) -> None:
    while True:
        await upkeep.reconcile(office)
        await asyncio.sleep(BETWEEN)


def _report_passes(first: int, other: int) -> None:
    figure = f"calls of a pass of reconcile, {GRANTS} grants in a changed group"
    told = f"{figure}, the very first: every group has just changed"
    report(Figure(figure=told, unit="calls", ours=first))
    report(
        Figure(
            figure=figure,
            unit="calls",
            ours=other,
            peer=f"a tenth of {LIMIT} a minute in {MINUTES} minutes",
            theirs=LIMIT * MINUTES / 10,
        )
    )


def _report_ends(waits: list[float]) -> None:
    figure = f"due to DELETE at Okta, {len(waits)} ends amid passes"
    for percent in (50, 100):
        name = "median" if percent == 50 else "slowest"
        report(
            Figure(
                figure=f"{figure}, {name}",
                unit="ms",
                ours=1000 * percentile(waits, percent),
            )
        )


if __name__ == "__main__":
    main()
