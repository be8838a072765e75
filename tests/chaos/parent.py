"""The warm parent: the bot's imports, and no loop, thread, socket or lock.

It reads one order a line, forks the bot for it, waits until that has died, and
reads the next. What happens is told on its standard output, a line of JSON
each: by the parent that it is ready, when the child was born and how it ended, by
the child which points it passes.
"""

import gc
import json
import os
import select
import signal
import sys
import threading
from importlib import import_module
from typing import Any

from tests.chaos import child

LATE = (
    *("anyio._backends._asyncio", "anyio.streams.tls", "anyio.streams.stapled"),
    *("apscheduler.executors.asyncio", "apscheduler.triggers.interval"),
    *(
        "apscheduler.triggers.date",
        "certifi",
        "h11",
        "httpcore",
        "uvicorn.lifespan.off",
    ),
    *("uvicorn.protocols.http.h11_impl", "uvicorn.protocols.websockets.wsproto_impl"),
    *("slack_bolt.listener_matcher.async_builtins", "encodings.utf_8_sig"),
)
"""What the bot imports when it first needs it: here once for all its lives."""


def main() -> None:
    """Serve until standard input ends."""
    voice = os.dup(1)
    os.dup2(2, 1)
    for module in LATE:
        import_module(module)
    gc.freeze()
    assert threading.active_count() == 1, "a thread does not live through a fork"
    say(voice, ready=os.getpid())
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child.live(json.loads(line), voice)
        say(voice, born=pid)
        _, status = _wait_for(pid)
        say(voice, ended=os.waitstatus_to_exitcode(status))


def _wait_for(pid: int) -> tuple[int, int]:
    """Wait until the child has died: it does not outlive who gives the orders."""
    with os.fdopen(os.pidfd_open(pid)) as died:
        ready, _, _ = select.select([died, sys.stdin], [], [])
    if died not in ready:
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)


def say(voice: int, **what: Any) -> None:
    """Write one line, whole: a short write to a pipe is not divided."""
    os.write(voice, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
