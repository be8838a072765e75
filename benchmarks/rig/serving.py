"""One server as a process of its own, for as long as a block lasts."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

STOPPED_WITHIN = 10.0


@contextmanager
def served(module: str, **asked: Any) -> Iterator[str]:
    """Run `python -m module`, told what is `asked`; give the address it prints."""
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter and modules
        [sys.executable, "-m", module, json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError(f"{module} did not start")
            yield address
        finally:
            process.terminate()
            process.wait(STOPPED_WITHIN)


def serve(web: Starlette) -> None:
    """Print an address and answer there, until told to stop or left alone."""
    # Only a socket that says it is TCP answers without waiting for more to send.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    threading.Thread(target=_stop_when_left_alone, daemon=True).start()
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    uvicorn.Server(
        uvicorn.Config(
            web,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
        )
    ).run(sockets=[bound])


def _stop_when_left_alone() -> None:
    """End with the process that started this one, however that ended."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
