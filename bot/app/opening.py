"""What the settings name, opened: the database, the key of its audit, the policy."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.core.catalogue import Catalogue, load
from bot.core.words import SettingError
from bot.secrets import read_secret
from bot.settings import Settings
from bot.store import evidence
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import require_current
from bot.store.sqlite import FIRST_START

log = structlog.get_logger()

SHORTEST_KEY = 16
_PLACE = re.compile(r"[a-z-]+:/|/(etc|home|mnt|opt|root|run|srv|tmp|usr|var)/")


@contextmanager
def open_store(settings: Settings) -> Iterator[Database]:
    """Hold the database that the settings name, at this program's version."""
    url = settings.secret("database_url")
    database = open_database(url, chain=Chain(audit_key(settings)))
    try:
        require_current(database)
        if database.look(evidence.is_of_another_key):
            raise SettingError(
                "AUDIT_KEY is not the key that this database began with.",
                "Set it to that key; nothing was changed.",
            )
        yield database
    finally:
        database.close()


def audit_key(settings: Settings) -> bytes:
    """Return the key of the audit; on SQLite that made beside it, with none given.

    Raises SettingError when there is none: a new one would fit nothing that is
    in the database.
    """
    given = settings.secret("audit_key")
    if given:
        return _as_key(given)
    path = _key_file(settings)
    if _is_new(settings):
        raise SettingError(
            f"There is no database at {database_path(settings)}.", FIRST_START
        )
    if not path.exists():
        raise SettingError(
            f"AUDIT_KEY is not set, and there is no key at {path}.",
            "Set it to the key the database began with, or put that file back.",
        )
    return read_secret(f"file:{path}").encode()


def _as_key(given: str) -> bytes:
    """Return the key that was given; SettingError for what is the place of one.

    NB. A path, or a misspelt reference, would be a key that anybody can guess, and no
    other fits what was written with it.
    """
    if _PLACE.match(given):
        raise SettingError(
            "AUDIT_KEY looks like the place of a key, not like a key.",
            "Write file:/etc/access-bot/audit-key, or the key itself.",
        )
    if len(given) < SHORTEST_KEY:
        raise SettingError(
            f"AUDIT_KEY has fewer than {SHORTEST_KEY} characters.",
            "Make one: openssl rand -hex 32",
        )
    return given.encode()


def first_audit_key(settings: Settings) -> bytes:
    """Return the key of the audit; one is made beside a SQLite file that is new.

    NB. A key beside what it protects stops hands in the database, not those who
    can read the whole disk: that is what AUDIT_KEY is for.
    """
    given = settings.secret("audit_key")
    if given or not _is_new(settings):
        return audit_key(settings)
    path = _key_file(settings)
    if not path.exists():
        _make_key(path)
    return read_secret(f"file:{path}").encode()


def _is_new(settings: Settings) -> bool:
    """Tell whether nothing was ever kept in the database."""
    path = Path(database_path(settings))
    return not path.exists() or path.stat().st_size == 0


def _key_file(settings: Settings) -> Path:
    return Path(f"{database_path(settings)}.key")


def _make_key(path: Path) -> None:
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(secrets.token_hex(32), "ascii")
    except OSError as error:
        raise SettingError(
            f"The audit key {path} cannot be made: {error.strerror}.",
            "Check DATABASE_URL, and that this user may write there.",
        ) from error
    log.warning("audit key made beside the database", path=str(path))


def database_path(settings: Settings) -> str:
    """Return the file of the SQLite database; SettingError when it is another."""
    try:
        url = make_url(settings.secret("database_url"))
    except ArgumentError as error:
        raise SettingError(
            "DATABASE_URL is not a database URL.",
            "Write it as sqlite:///access-bot.db.",
        ) from error
    if url.get_backend_name() != "sqlite" or not url.database:
        raise SettingError(
            "AUDIT_KEY is not set.", "Set it: only SQLite has one made beside it."
        )
    return url.database


def read_policy(path: Path) -> tuple[str, Catalogue]:
    """Return the text of access.yaml and what it says.

    Raises SettingError when it cannot be read, CatalogueError when it is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingError(
            f"The policy {path} cannot be read: {why}.",
            "Set ACCESS_CONFIG to its path.",
        ) from error
    return text, load(text, name=path.name)
