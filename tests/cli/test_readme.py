"""The README and the map say what is there."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

import bot
from bot.cli import app

ROOT = Path(__file__).parents[2]
ROOMS = ["core", "store", "workflow", "okta", "slack", "engine"]


def commands(group: TyperGroup, before: str = "") -> set[str]:
    """Return every command as it is typed, without its options."""
    found = set()
    for name, command in group.commands.items():
        typed = f"{before}{name}"
        if isinstance(command, TyperGroup):
            found |= commands(command, f"{typed} ")
        else:
            found.add(typed)
    return found


def readme_rows(heading: str) -> set[str]:
    """Return what stands first in each row of the table under `heading`."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))


def test_the_table_of_commands_is_the_commands() -> None:
    top = typer.main.get_command(app)
    assert isinstance(top, TyperGroup)
    told = {name.removesuffix(" [PATH]") for name in readme_rows("Commands")}
    assert told == commands(top)


def test_the_map_of_the_readme_names_every_room() -> None:
    rooms = {
        f"bot/{path.name}"
        for path in (ROOT / "bot").iterdir()
        if (path / "__init__.py").exists()
    }
    assert rooms <= readme_rows("Map of the code")


@pytest.mark.parametrize("room", ROOMS)
def test_the_map_of_the_package_names_every_file(room: str) -> None:
    told = bot.__doc__ or ""
    section = told.partition(f"\n    {room}/ ")[2]
    section = re.split(r"\n    \w", section)[0]
    names = {
        path.stem
        for path in (ROOT / "bot" / room).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    missing = {name for name in names if not re.search(rf"\b{name}\b", section)}
    assert missing <= {"__init__"}


def test_the_rules_are_fourteen() -> None:
    rules = re.findall(r"^ ?(\d+)\. ", bot.__doc__ or "", re.MULTILINE)
    assert rules == [str(number) for number in range(1, 15)]


def test_every_file_the_readme_links_to_is_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^):#]+)\)", text)
    assert [link for link in links if not (ROOT / link).exists()] == []
