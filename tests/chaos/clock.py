"""The clock of the world, in a file that every process of a lane maps.

`jump` is time that passed for everybody, `step` what the bot's machine has its
wall clock wrong by. Both are seconds, and plain doubles: no lock is needed.
"""

import mmap
import struct
import time
from pathlib import Path

_DOUBLE = struct.Struct("d")


class SharedClock:
    """Wall and elapsed time, `jump` ahead of the machine's own."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(2 * _DOUBLE.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 2 * _DOUBLE.size)

    def wall(self) -> float:
        """Return what the bot's machine says the time is, in epoch seconds."""
        return time.time() + self.jump + self.step

    def elapsed(self) -> float:
        """Return seconds that only go forward, whatever is done to the wall clock."""
        return time.monotonic() + self.jump

    @property
    def jump(self) -> float:
        return self._read(0)

    @jump.setter
    def jump(self, seconds: float) -> None:
        self._write(0, seconds)

    @property
    def step(self) -> float:
        return self._read(1)

    @step.setter
    def step(self, seconds: float) -> None:
        self._write(1, seconds)

    def _read(self, place: int) -> float:
        value: float = _DOUBLE.unpack_from(self._memory, place * _DOUBLE.size)[0]
        return value

    def _write(self, place: int, seconds: float) -> None:
        _DOUBLE.pack_into(self._memory, place * _DOUBLE.size, seconds)
