"""The project around the code says what is so."""

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.settings import Settings

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
TARGETS = {"demo", "test", "check", "bench", "chaos", "gallery", "lock", "clean"}
PINNED = re.compile(
    r"^([\w.-]+)==(\S+)(?: ; .*)? \\\n((?: {4}--hash=sha256:\w{64}.*\n)+)", re.MULTILINE
)

# In two parts each, so that this file names none of them either.
REGISTRIES = [
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("anaconda", "org"),
    ("crates", "io"),
]


@cache
def project() -> dict[str, Any]:
    return tomllib.loads(text_of("pyproject.toml"))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, str]:
    """The locked versions, of those entries that carry hashes."""
    found = PINNED.findall(text_of(lock))
    return {canonicalize_name(name): version for name, version, _ in found}


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout: no list of tracked files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 the git of whoever checked it out
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def commands_in(name: str) -> set[str]:
    """The access-bot commands that a file of the project runs."""
    lines = [line for line in text_of(name).splitlines() if not line.startswith("#")]
    return set(re.findall(r"access-bot (\w+)", "\n".join(lines)))


def test_every_setting_is_in_the_table_of_the_readme() -> None:
    table = set(re.findall(r"^\| `([A-Z][A-Z_]+)`", text_of("README.md"), re.MULTILINE))
    assert table == {name.upper() for name in Settings.model_fields}


def test_no_tracked_file_names_a_package_registry() -> None:
    hosts = [".".join(parts).encode() for parts in REGISTRIES]
    naming = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if any(host in path.read_bytes() for host in hosts)
    ]
    assert naming == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_every_entry_has_hashes(lock: str) -> None:
    text = text_of(lock)
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    assert len(pins(lock)) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 0


@pytest.mark.parametrize("lock", LOCKS)
def test_the_locks_hold_what_pyproject_asks_for(lock: str) -> None:
    asked = list(project()["project"]["dependencies"])
    if lock == "requirements-dev.lock":
        asked += project()["dependency-groups"]["dev"]
    locked = pins(lock)
    for requirement in map(Requirement, asked):
        version = locked.get(canonicalize_name(requirement.name), "")
        assert version, f"{requirement} is not locked: make lock"
        assert requirement.specifier.contains(version), f"{requirement}: make lock"


def test_both_locks_hold_the_same_versions() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_the_changelog_tells_of_this_version() -> None:
    version = project()["project"]["version"]
    assert re.search(
        rf"^## \[{re.escape(version)}\]", text_of("CHANGELOG.md"), re.MULTILINE
    )


def test_the_makefile_has_every_target_and_says_what_it_does() -> None:
    explained = set(re.findall(r"^([a-z]+):.*## \S", text_of("Makefile"), re.MULTILINE))
    assert explained == TARGETS | {"help"}


def test_the_check_before_a_change_runs_targets_that_exist() -> None:
    ci = ROOT / ".ci" / "run"
    assert os.access(ci, os.X_OK)
    made = re.findall(r"^make (\w+)", ci.read_text("utf-8"), re.MULTILINE)
    assert made == ["check", "test"]


def test_the_procfile_migrates_and_then_serves() -> None:
    assert yaml.safe_load(text_of("Procfile")) == {
        "release": "access-bot migrate",
        "web": "access-bot run",
    }


@pytest.mark.parametrize(
    "command", sorted(commands_in("Procfile") | commands_in("Makefile"))
)
def test_every_command_that_is_run_exists(command: str) -> None:
    done = subprocess.run(  # noqa: S603 a command of our own, from a file of our own
        [sys.executable, "-m", "bot", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
