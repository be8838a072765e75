"""Several processes on one database, started, killed and paused as told."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.app.roles import Role

STOPPED_WITHIN = 20


class Process:
    """One of them. What it logs is in a file of its own."""

    def __init__(self, role: Role, log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("w") as output:
            self._running = subprocess.Popen(  # noqa: S603 -- our own interpreter
                [sys.executable, "-m", "tests.replicas.process", role],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._running.kill()
        self.stop()

    def pause(self) -> None:
        """Let it do nothing at all until it is resumed."""
        self._running.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Let it finish or hand back what it is at."""
        self._running.communicate(timeout=STOPPED_WITHIN)

    def log(self) -> str:
        return self._log.read_text()


class Swarm:
    """All of them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._living: list[Process] = []
        self._started = 0

    def start(self, role: Role) -> Process:
        """Start one more."""
        self._started += 1
        log = self._folder / f"{role}-{self._started}.log"
        process = Process(role, log, self._environment)
        self._living.append(process)
        return process

    def kill(self, *processes: Process) -> None:
        """End these at one moment."""
        for process in processes:
            process.kill()
            self._living.remove(process)

    def stop(self) -> None:
        """Let those that are left finish, also one that is paused."""
        for process in self._living:
            process.resume()
            process.stop()
