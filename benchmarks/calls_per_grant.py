"""What one plain grant asks of Okta, from the ask to the proven end.

The people are known and linked already, and nothing fails. A decision makes each
of its reads once; what was read before an add or a removal is read back after it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, report
from bot.okta.pacing import bucket_of
from bot.sandbox import Sandbox
from bot.sandbox.okta.records import Call
from bot.store.audit import Chain
from bot.store.database import open_database
from bot.store.migrations import migrate
from tests.workflow.world import HOUR, World

CHAIN = Chain(b"the audit key of the benchmarks")

Stages = Mapping[str, Sequence[Call]]


def main() -> None:
    """Live through one grant, and print the calls of each of its stages."""
    with Sandbox() as sandbox, TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'access-bot.db'}"
        migrate(url, CHAIN)
        database = open_database(url, chain=CHAIN)
        try:
            stages = asyncio.run(_live(World(sandbox.okta, database)))
        finally:
            database.close()
    for stage, calls in stages.items():
        told = f"calls to Okta: {stage} ({', '.join(map(named, calls)) or 'none'})"
        report(Figure(figure=told, unit="calls", ours=len(calls)))
    every = [call for calls in stages.values() for call in calls]
    report(Figure(figure="calls to Okta per grant", unit="calls", ours=len(every)))
    twice = sum(len(repeated(calls)) for calls in stages.values())
    told = "reads made twice within one decision"
    report(Figure(figure=told, unit="calls", ours=twice))


async def _live(world: World) -> Stages:
    async with world.client:
        await world.open()
        return await calls_of_a_grant(world)


async def calls_of_a_grant(world: World) -> Stages:
    """Live through one grant of Ann's; return what reached Okta at each stage."""
    for name in ("ann", "bob"):
        await world.who(name)
    stages: dict[str, Sequence[Call]] = {}
    seen = len(world.org.journal)

    def note(stage: str) -> None:
        nonlocal seen
        stages[stage] = world.org.journal[seen:]
        seen += len(stages[stage])

    request = await world.asked()
    note("asked and put to its owners")
    await world.answer(request)
    note("approved")
    await world.work()
    note("given")
    world.wait(HOUR)
    await world.work()
    note("ended")
    return stages


def named(call: Call) -> str:
    """Return the name of a call, without the ids in it."""
    path = bucket_of("GET", call.path).removeprefix("/api/v1")
    return f"{call.method} {path}"


def repeated(calls: Sequence[Call]) -> list[str]:
    """Return the reads that were made again though nothing changed in between."""
    made: set[str] = set()
    again = []
    for call in calls:
        if call.method != "GET":
            made.clear()
        elif (read := f"{call.path}?{call.query}") in made:
            again.append(named(call))
        else:
            made.add(read)
    return again


if __name__ == "__main__":
    main()
