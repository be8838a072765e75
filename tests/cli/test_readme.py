"""The README and the map say what is there."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

import bot
from bot.cli import app
from bot.core.catalogue import schema
from bot.slack.listeners.commands import ANSWERS

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


def _section(heading: str) -> str:
    text = (ROOT / "README.md").read_text("utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _keys(node: object) -> set[str]:
    if isinstance(node, list):
        return {key for each in node for key in _keys(each)}
    if not isinstance(node, dict):
        return set()
    inner = {key for each in node.values() for key in _keys(each)}
    return inner | set(node.get("properties", {}))


def test_the_policy_page_explains_every_key_of_the_file() -> None:
    page = _section("The policy, key by key")
    missing = {key for key in _keys(schema()) if not re.search(rf"\b{key}\b", page)}
    assert missing == set()


def test_the_page_of_errors_quotes_what_is_really_said() -> None:
    table = _section("The policy, key by key").partition("### What `config check`")[2]
    source = "".join(
        path.read_text("utf-8") for path in (ROOT / "bot/core/catalogue").glob("*.py")
    )
    said = [row.split("|")[2] for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(said) > 10
    for quoted in (each for row in said for each in re.findall("`([^`]+)`", row)):
        assert quoted in source, quoted


def test_every_command_typed_in_slack_is_on_its_page() -> None:
    page = _section("In Slack")
    assert all(f"/access {word}" in page for word in ANSWERS)
