"""The bot as a forked child: the real one, its points named, its faults played.

Nothing of the bot is replaced but its clock and its waits. Around each
transaction stands what names the point, and kills, fails or misdates it there.
"""

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from bot.app.running import run
from bot.cli import main
from bot.ops import logs
from bot.settings import Clock, Settings, Timing
from bot.store.database import Database
from tests.chaos import mutants, parent
from tests.chaos.clock import SharedClock
from tests.chaos.plan import KILLS, STEPS, Counting, Fault, read_plan

SCALE = 1 / 50
SECOND = timedelta(seconds=1)

TIMING = replace(
    Timing().scaled(SCALE),
    # What is due rings: a sweep only finds what nobody rang for.
    sweep=0.5 * SECOND,
    # A call, a claim and a stop take the machine its time, however short the day is.
    lease=SECOND,
    okta_call=0.6 * SECOND,
    okta_read_at_click=SECOND,
    slack_call=0.6 * SECOND,
    slack_at_start=0.6 * SECOND,
    stop=3 * SECOND,
)


def live(order: Mapping[str, Any], voice: int) -> NoReturn:
    """Be the bot until it is stopped or dies; `order` says under what stars."""
    _write_to(Path(order["log"]))
    clock = SharedClock(Path(order["clock"]))
    play = _Play(Counting(read_plan(order["plan"]), order["counts"]), clock, voice)
    _surround_transactions(play)
    mutants.turn_into(order["mutant"])
    status = 1
    try:
        be(order, clock)
        status = 0
    finally:
        os._exit(status)


def obey(order: Mapping[str, Any]) -> NoReturn:
    """Be the command that an operator types."""
    _write_to(Path(order["log"]))
    os.environ.update(order["settings"])
    sys.argv[1:] = order["words"]
    status = 1
    try:
        main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        os._exit(status)


def be(order: Mapping[str, Any], clock: SharedClock) -> None:
    """Be the bot until it is stopped, with nothing going wrong."""
    logs.set_up("text")
    settings = Settings(**order["settings"])
    timing = replace(TIMING, **dict.fromkeys(order["often"], SECOND))
    asyncio.run(
        run(settings, timing, clock=Clock(wall=clock.wall, monotonic=clock.elapsed))
    )


def _write_to(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


class _Play(threading.local):
    """What happens at the transaction that this thread is in."""

    subject = ""
    met: Fault | None = None

    def __init__(self, counting: Counting, clock: SharedClock, voice: int) -> None:
        self.counting, self.clock, self.voice = counting, clock, voice

    def enter(self, subject: str) -> None:
        """Begin a transaction, of which it is not known yet whether it writes."""
        self.subject, self.met = subject, None

    def commit(self) -> None:
        """Pass the point of a transaction that is about to keep what it wrote."""
        point, self.met = self.counting.pass_by("commit", self.subject)
        parent.say(self.voice, point=str(point), fault=str(self.met or ""))
        if self.met is None:
            return
        self.die_if("kill_before")
        if self.met.kind == "locked":
            locked = sqlite3.OperationalError("database is locked")
            raise OperationalError("COMMIT", {}, locked)
        self.clock.step = STEPS.get(self.met.kind, self.clock.step)

    def die_if(self, kind: str) -> None:
        """Die here and now, if that is what the plan has."""
        if self.met is not None and self.met.kind == kind and kind in KILLS:
            os.kill(os.getpid(), signal.SIGKILL)


def _surround_transactions(play: _Play) -> None:
    whole = Database.transact

    def transact(
        database: Database, f: Callable[..., Any], *args: Any, **named: Any
    ) -> Any:
        play.enter(_subject(f, args))
        result = whole(database, f, *args, **named)
        play.die_if("kill_after")
        return result

    Database.transact = transact  # type: ignore[method-assign,assignment]
    event.listen(Engine, "begin", _note_writes)
    event.listen(Engine, "commit", partial(_pass_commit, play))


def _pass_commit(play: _Play, connection: Connection) -> None:
    if _note_writes(connection):
        play.commit()


def _note_writes(connection: Connection) -> bool:
    """Tell whether rows were written on a connection since this was last asked."""
    file = connection.connection.dbapi_connection
    assert isinstance(file, sqlite3.Connection)
    before = connection.info.get("written", 0)
    connection.info["written"] = file.total_changes
    return file.total_changes > before


def _subject(f: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """Name a transaction: its function, and the table where that is what differs."""
    tables = [
        str(vars(each).get("__tablename__"))
        for each in args[:1]
        if isinstance(each, type)
    ]
    return ".".join([f.__name__.lstrip("_"), *tables])
