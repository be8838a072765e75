"""One of several processes on a shared database, as its parts: none is started."""

from bot.app.parts import Parts
from bot.app.roles import Role
from bot.core.catalogue import load
from bot.engine.schedule import Schedule
from bot.engine.worker import Bell
from bot.ops.health import Health
from bot.settings import Clock, Settings, Timing
from bot.store.database import Database
from tests.workflow.world import FILE, USUAL


def process(database: Database, role: Role) -> Parts:
    """Return the parts of one of several processes, without an org."""
    bell, clock, timing = Bell(), Clock(), Timing()
    return Parts(
        settings=Settings(),
        timing=timing,
        clock=clock,
        database=database,
        catalogue=load(FILE.format(url="https://corp.okta.com", **USUAL)),
        health=Health(database=database, clock=clock),
        bell=bell,
        schedule=Schedule(bell, timing),
        owner=role.value,
        role=role,
    )
