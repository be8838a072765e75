"""The warm parent: it has been the bot once, and has no loop, thread or socket.

It reads one order a line. The first one it lives itself, so that those after it
need not import and compile what this one did. For each other it forks the bot, or a
command that an operator types, and waits until that has died. What happens is told
on its standard output, a line of JSON each: by the parent that it is ready, when the
child was born and how it ended, by the child which points it passes.
"""

import gc
import json
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from tests import warm
from tests.chaos import child
from tests.chaos.clock import SharedClock


def main() -> None:
    """Serve until standard input ends."""
    voice = os.dup(1)
    os.dup2(2, 1)
    warm.share()
    say(voice, ready=os.getpid())
    _live_first(json.loads(sys.stdin.readline()), voice)
    for line in sys.stdin:
        order = json.loads(line)
        is_command = "words" in order
        pid = os.fork()
        if pid == 0:
            child.obey(order) if is_command else child.live(order, voice)
        say(voice, **{"typed" if is_command else "born": pid})
        _, status = _wait_for(pid)
        code = os.waitstatus_to_exitcode(status)
        say(voice, **{"done" if is_command else "ended": code})


def _live_first(order: dict[str, Any], voice: int) -> None:
    say(voice, born=os.getpid())
    child.be(order, SharedClock(Path(order["clock"])))
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a thread does not live through a fork"
    opened = [each for each in Path("/proc/self/fd").iterdir() if each.is_socket()]
    assert not opened, "a socket would be shared with the child"
    say(voice, ended=0)


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
