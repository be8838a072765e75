"""How every command begins: the settings, the log, the database, a console.

Settings are checked whole before anything is opened. The value of a setting
is never repeated, since it may be a secret in the wrong place.
"""

import getpass
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console

from bot.core.words import SettingError
from bot.ops import logs
from bot.settings import SECRET_SCHEMES, Clock, Settings, Timing
from bot.store import claims, replicas
from bot.store.database import Database
from bot.store.replicas import SILENT
from bot.store.sqlite import is_run_on

EXPECTED = {"port": "a number from 0 to 65535"}
TABLE = "See the table of settings in the README."
WIDE = 10_000
"""Where there is no terminal to fit into, a row stays one line."""


def begin() -> Settings:
    """Return the settings, with the log set up as they say; or SettingError."""
    try:
        settings = Settings()
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise SettingError(" ".join(map(_sentence, problems)), TABLE) from None
    logs.set_up(settings.log_format, _plain_secrets(settings))
    return settings


@contextmanager
def opened_store() -> Iterator[Database]:
    """Hold the database of the settings, beside a bot that may be running."""
    settings = begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.opening import open_store

    with open_store(settings) as database:
        yield database


def me() -> str:
    """Return who types, as the audit names them."""
    return f"cli:{getpass.getuser()}@{socket.gethostname()}"


def now_of(database: Database) -> datetime:
    """Return the time, never before the newest event: it may have come from ahead."""
    clock = Clock()
    database.look(claims.set_clock, clock)
    return clock()


def is_running(database: Database) -> bool:
    """Tell whether a bot is there that will do what is written down."""
    if database.path is not None:
        return is_run_on(database.path)
    silent = SILENT * Timing().beat
    return database.look(replicas.is_any_alive, silent, now_of(database))


def console() -> Console:
    """Return where a command's result goes; nothing in it is taken for markup."""
    return Console(
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        width=None if sys.stdout.isatty() else WIDE,
    )


def _sentence(problem: ErrorDetails) -> str:
    name, context = str(problem["loc"][0]), problem.get("ctx", {})
    match problem["type"]:
        case "value_error":
            said = str(context["error"])
        case "literal_error":
            said = f"is not {context['expected'].replace(chr(39), '')}"
        case _:
            said = f"is not what it should be: {EXPECTED.get(name, 'look it up')}"
    return f"{name.upper()} {said}."


def _plain_secrets(settings: Settings) -> Iterator[str]:
    """Give the secrets that stand in the environment themselves."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            text = value.get_secret_value().strip()
            if not text.startswith(SECRET_SCHEMES):
                yield text
