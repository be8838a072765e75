"""A secret reference, and the value behind it.

The policy and the settings hold references (`env:NAME`, `file:PATH`), so that
they can be kept in git and shown. This is the only place where a reference
becomes its value. It keeps nothing, and never puts a value, or what might be
one, into an error.

Another kind of store is one more reader in `READERS`.
"""

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from bot.core.words import SettingError

MOST_BYTES = 65_536
"""A key pair or a token is far smaller; a log file or a disk is not a secret."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_secret(reference: str) -> str:
    """Return the value behind `reference`, without the newline that ends it.

    Raises SettingError when the reference is of no known kind, leads nowhere,
    or leads to a file that others may read.
    """
    kind, colon, place = reference.strip().partition(":")
    reader = READERS.get(kind)
    if reader is None or not colon or not place:
        # NB. What was meant as a reference may be the secret itself, pasted.
        raise SettingError(
            "A secret reference is of no known kind.",
            f"Write one of {', '.join(KINDS)}.",
        )
    return reader(place)


def write_secret(reference: str, value: str) -> None:
    """Put `value` where `reference` leads, whole or not at all; durable on return.

    Raises SettingError where that cannot be written, with the old value intact.
    """
    kind, _, place = reference.strip().partition(":")
    writer = WRITERS.get(kind)
    if writer is None or not place:
        raise SettingError(
            f"A secret reference of the kind {kind}: cannot be written."
            if kind in READERS
            else "A secret reference is of no known kind.",
            f"Keep the key in one of {', '.join(WRITABLE)}, or change it by hand.",
        )
    writer(place, value)


def _to_file(place: str, value: str) -> None:
    """Replace the file, with its mode, in one step."""
    path = Path(place)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{value}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SettingError(
            f"The secret file {place!r} cannot be written ({_why(error)}).",
            "Let the bot's user write in its folder, or change the key by hand.",
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _from_environment(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SettingError(
            "A secret reference env: does not name an environment variable.",
            "Write env:NAME with letters, digits and _, not the secret itself.",
        )
    value = _without_newline(os.environ.get(name, ""))
    if not value:
        raise SettingError(
            f"The environment variable {name} is not set or empty.",
            f"Set {name}, or change the secret reference env:{name}.",
        )
    return value


def _from_file(place: str) -> str:
    try:
        with Path(place).open("rb") as file:
            _refuse_shared(file, place)
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SettingError(
            f"The secret file {place!r} cannot be read ({_why(error)}).",
            "Create it, or change the secret reference that names it.",
        ) from None
    return _text_of(content, place)


def _refuse_shared(file: BinaryIO, place: str) -> None:
    """Raise SettingError unless `file` is a plain file for its owner alone."""
    # NB. The open file is asked, not its name: a name can change hands between.
    mode = os.fstat(file.fileno()).st_mode
    if not stat.S_ISREG(mode):
        raise SettingError(
            f"The secret file {place!r} is not a plain file.",
            "Name the file that holds the secret.",
        )
    if mode & 0o077:
        raise SettingError(
            f"The secret file {place!r} can be read by others "
            f"(mode {stat.S_IMODE(mode):o}).",
            f"Run: chmod 600 {place}",
        )


def _text_of(content: bytes, place: str) -> str:
    if len(content) > MOST_BYTES:
        raise SettingError(
            f"The secret file {place!r} is larger than {MOST_BYTES} bytes.",
            "Name the file that holds the secret alone.",
        )
    try:
        value = _without_newline(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingError(
            f"The secret file {place!r} is not text.",
            "Save the secret in it as UTF-8 text.",
        ) from None
    if not value:
        raise SettingError(
            f"The secret file {place!r} is empty.", "Put the secret into it."
        )
    return value


def _without_newline(value: str) -> str:
    return value.rstrip("\r\n")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "not a path"


READERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"env": _from_environment, "file": _from_file}
)
"""Each kind of reference with what reads it, given what follows the colon."""

WRITERS: Mapping[str, Callable[[str, str], None]] = MappingProxyType({"file": _to_file})
"""The kinds that can be written, each with what writes it."""

WRITABLE = ("file:PATH",)
KINDS = ("env:NAME", "file:PATH")
"""The kinds of reference, as people write them."""
