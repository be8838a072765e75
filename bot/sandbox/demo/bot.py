"""`access-bot` itself, as its own processes, as an operator would run it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "bot")
READY_WITHIN = 20.0
STOPPED_WITHIN = 15.0


class Missed(Exception):
    """A beat of the story did not come."""


class Bot:
    """The bot with its settings: commands that end, and one that runs."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.port = _free_port()
        self._log = folder / "access-bot.log"
        self._environment = {
            **_own_environment(),
            **environment,
            "PORT": str(self.port),
            "LOG_FORMAT": "json",
        }

    def command(self, *words: str) -> str:
        """Return what `access-bot WORDS` printed; Missed when it fails."""
        done = subprocess.run(  # noqa: S603 -- our own interpreter and module
            [*COMMAND, *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode != 0:
            raise Missed(f"access-bot {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def data(self, *words: str) -> Any:
        """Return what `access-bot WORDS --json` printed, as values."""
        return json.loads(self.command(*words, "--json"))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the bot until the block ends; Missed if it does not get ready."""
        with self.started() as process:
            self._wait_until_ready(process)
            yield

    @contextmanager
    def started(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the bot until the block ends, which begins with its process."""
        with self._log.open("w") as log:
            process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                [*COMMAND, "run"], env=self._environment, stdout=log, stderr=log
            )
        self._process = process
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            _stop(process)

    def kill(self) -> None:
        """Kill the running bot, as a power cut would."""
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """Return what the running bot has logged."""
        return self._log.read_text()

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > until:
                raise Missed(f"the bot did not get ready: {self.log()[-2000:]}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _own_environment() -> dict[str, str]:
    """Return what a child needs of this environment, and no settings of ours."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
