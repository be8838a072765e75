"""Secrets of this machine: an environment variable, or a file for its owner alone."""

import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from bot.core.words import SettingError

MOST_BYTES = 65_536
"""A key pair or a token is far smaller; a log file or a disk is not a secret."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def from_environment(name: str) -> str:
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


def from_file(place: str) -> str:
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


def to_file(place: str, value: str) -> None:
    """Replace the file in one step; where the place is a link, what it leads to."""
    path = Path(os.path.realpath(place))
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
