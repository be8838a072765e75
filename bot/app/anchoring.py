"""The published head of the audit, and whether the database is older than it.

NB. Whoever puts an old copy of the database back, by mistake or not, brings back
grants that were revoked and forgets others. The chain alone verifies in such a
copy: only what was published outside the database tells.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import structlog
from sqlmodel import Session, select

from bot.core.words import SettingError
from bot.settings import Settings
from bot.store import audit
from bot.store.database import Database
from bot.store.tables import Event
from bot.store.verification import is_pruned
from bot.workflow.freezing import Frozen, freeze, is_all_frozen
from bot.workflow.notices import tell_people

log = structlog.get_logger()

_ONE_AT_A_TIME = threading.Lock()  # as it stops, one may still be under way

ROLLED_BACK = (
    "The database went back to an older state while I ran: events that I had published "
    "are gone, and with them what was given since. I give nothing until an admin "
    "unfreezes. Stop every bot, find what is left: access-bot recover --remove "
    "--reason WHY, start them anew, and only then: access-bot unfreeze all"
)

Anchor = tuple[int, str]
"""The number and hash of an event that was the newest once."""


def anchor_path(settings: Settings, database: Database) -> Path | None:
    """Return the file that holds the published head; None where there is none.

    Beside a SQLite file it is made; for a shared database it must be named.
    """
    if settings.audit_anchor:
        return settings.audit_anchor
    return Path(f"{database.path}.head") if database.path else None


def read_anchor(text: str) -> Anchor:
    """Return the head that is written as NUMBER:HASH, or that a head file holds."""
    try:
        told = json.loads(text) if text.lstrip().startswith("{") else None
        number, hash_ = (told["seq"], told["hash"]) if told else text.strip().split(":")
        return int(number), str(hash_)
    except (ValueError, KeyError, TypeError):
        raise SettingError(
            "This is not a published head.",
            "Write it as NUMBER:HASH, or name its file.",
        ) from None


def is_behind(session: Session, anchor: Anchor) -> bool:
    """Tell whether the database is not one that once had `anchor` as its head.

    One that was pruned since, for it was kept too long, still is.
    """
    seq, hash_ = anchor
    found = session.exec(select(Event.hash).where(Event.seq == seq)).first()
    if found is not None:
        return found != hash_
    return not is_pruned(session, seq, hash_)


def refuse_rollback(settings: Settings, database: Database) -> None:
    """Raise SettingError when the database is older than its newest published head."""
    anchor = _kept(anchor_path(settings, database))
    if anchor is not None and database.look(is_behind, anchor):
        raise SettingError(
            f"The database is older than its newest published head, event {anchor[0]}.",
            "Put the newest copy back, or find what was given since, and say why it is "
            "so: access-bot recover --remove --reason WHY",
        )


def is_rolled_back(
    settings: Settings, database: Database, known: Anchor | None
) -> bool:
    """Tell whether a head that was published, or is `known` to be, is there no more."""
    heads = (known, _kept(anchor_path(settings, database)))
    return any(database.look(is_behind, each) for each in heads if each)


def stop_giving(session: Session, integrations: Iterable[str], now: datetime) -> None:
    """Freeze everything, and tell the admins once a day: the database is an older one.

    NB. What was given since its moment has no row any more that would end it.
    """
    for name in integrations:
        freeze(session, name, Frozen.EVERYTHING, "", by="bot", now=now)
        key = f"rolled back:{name}:{now:%Y-%m-%d}"
        tell_people(session, name, "admins", ROLLED_BACK, key=key, now=now)


def publish_head(
    settings: Settings, database: Database, known: Anchor | None = None
) -> Anchor | None:
    """Write the newest event's number, hash and time to the log and the head file.

    Nothing is written where the head is still the one that is `known` to be
    published. Returns what is by now: what could not be written is tried again. A
    database that is behind the file publishes nothing there: it must not erase what
    tells that it is. Nor is a newer head replaced that another process wrote.
    """
    with _ONE_AT_A_TIME:
        return _publish_head(settings, database, known)


def _publish_head(
    settings: Settings, database: Database, known: Anchor | None
) -> Anchor | None:
    head = database.look(audit.head)
    if head is None or (head.seq, head.hash) == known:
        return known
    told = {"seq": head.seq, "hash": head.hash, "at": head.at.isoformat()}
    log.info("audit head", **told)
    path = anchor_path(settings, database)
    if path is None:
        return head.seq, head.hash
    with _turn_at(path) as is_ours:
        kept = _kept(path)
        if kept and (kept[0] >= head.seq or database.look(is_behind, kept)):
            return head.seq, head.hash
        is_there = is_ours and _write(path, json.dumps(told))
    return (head.seq, head.hash) if is_there else known


@contextmanager
def _turn_at(path: Path) -> Iterator[bool]:
    """Give whether no other process of this machine is writing the file now.

    Nobody waits for one that hangs. A disk that knows no locks gives all a turn.
    """
    is_ours = True
    with ExitStack() as stack:
        try:
            folder = os.open(path.parent, os.O_RDONLY)
            stack.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            is_ours = not isinstance(error, BlockingIOError)
        yield is_ours


def accept(settings: Settings, database: Database) -> None:
    """Take the database as it is for the newest: publish its head over a later one."""
    head, path = database.look(audit.head), anchor_path(settings, database)
    if path and head:
        told = {"seq": head.seq, "hash": head.hash, "at": head.at.isoformat()}
        _write(path, json.dumps(told))


def left_to_do(database: Database) -> str:
    """Return what an operator does after a database was accepted as it is.

    Bots that run know what was published: they would freeze again within a minute.
    """
    said = "Start every bot anew"
    if database.look(is_all_frozen):
        said += ", and then lift the freeze: access-bot unfreeze all"
    if database.is_shared:
        said += ". A machine with an AUDIT_ANCHOR of its own needs this command too"
    return f"{said}."


def _kept(path: Path | None) -> Anchor | None:
    if path is None or not path.exists():
        return None
    try:
        return read_anchor(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The published head {path} cannot be read.", "Check its owner and mode."
        ) from error


def _write(path: Path, text: str) -> bool:
    """Put `text` in place of the file in one go, for us alone; tell if it is there."""
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.touch(mode=0o600)
        with beside.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        log.error("head not published", path=str(path), why=error.strerror)
        return False
    return True
