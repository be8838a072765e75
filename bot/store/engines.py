"""What differs between the databases this bot runs on, as one value."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine


@dataclass(frozen=True, kw_only=True)
class Engines:
    """One kind of database, ready to be written and read.

    `name` is for people and holds no secret; `remedy` is what to do when it
    cannot be opened. `path` is the file of a database that has one: only one
    process runs on it, and on any other several may.
    """

    writing: Engine
    reading: Engine
    writers: int
    readers: int
    name: str
    remedy: str
    path: Path | None = None
