"""config: is access.yaml right, what does it decide, what changes, what is in force."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session, select

from bot.cli.failures import WRONG
from bot.cli.setting import begin, opened_store
from bot.core.catalogue import Catalogue, CatalogueError, load, rule_changes
from bot.core.catalogue import schema as json_schema
from bot.core.catalogue.problems import harmless
from bot.core.words import SettingError
from bot.store.files import last_good_file
from bot.store.tables import Pin

MOST_SHOWN = 20

app = typer.Typer(
    name="config",
    help="access.yaml: is it right, and its schema.",
    no_args_is_help=True,
)


@app.callback()
def config() -> None:
    """access.yaml: is it right, and its schema."""


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(help="The file; ACCESS_CONFIG when left out.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take a warning for a problem.")
    ] = False,
    online: Annotated[
        bool, typer.Option("--online", help="Ask Okta for all that the file names.")
    ] = False,
) -> None:
    """Say everything that is wrong with access.yaml, by file, line and key."""
    path = path or begin().access_config
    try:
        catalogue = load(_text_of(path), name=str(path))
    except CatalogueError as error:
        for problem in error.problems:
            typer.echo(str(problem))
        typer.echo(f"{path} cannot be used: {_count(len(error.problems), 'problem')}.")
        raise typer.Exit(WRONG) from None
    for warning in catalogue.warnings:
        typer.echo(f"{warning} (a warning)")
    wrong = _look_online(catalogue) if online else []
    count = len(wrong) + (len(catalogue.warnings) if strict else 0)
    if count:
        typer.echo(f"{path} cannot be used: {_count(count, 'problem')}.")
        raise typer.Exit(WRONG)
    typer.echo(f"{path} is right: {_told(catalogue)}.")


def _look_online(catalogue: Catalogue) -> list[str]:
    """Say which paths lead to authority, and return what Okta does not have."""
    begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.explaining import check_online, paths_to_authority

    for path in paths_to_authority(catalogue):
        typer.echo(f"{harmless(path)} (a path to authority)")
    wrong = asyncio.run(check_online(catalogue))
    for each in wrong:
        typer.echo(harmless(each))
    return wrong


@app.command("test")
def run_cases(
    path: Annotated[
        Path | None, typer.Argument(help="The file; ACCESS_CONFIG when left out.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="A file with its cases; else those in it.")
    ] = None,
) -> None:
    """Run the cases of access.yaml: who asks for what, and what must come of it."""
    from bot.app.cases import outcomes

    path = path or begin().access_config
    text = _text_of(path)
    if cases is not None:
        text = f"{text}\n{_text_of(cases)}"
    catalogue = load(text, name=str(path))
    if catalogue.tests is None:
        raise SettingError(
            f"{path} has no cases.", "Write them under `tests:`, or name --cases FILE."
        )
    found = outcomes(catalogue, catalogue.tests)
    failed = [each for each in found if each.differs]
    for outcome in failed:
        case = outcome.case
        typer.echo(harmless(f"{case.who} asks for {case.group}:"))
        for sentence in outcome.differs:
            typer.echo(f"  {harmless(sentence)}")
    typer.echo(f"{_count(len(found), 'case')}, {len(failed)} failed.")
    if failed:
        raise typer.Exit(WRONG)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The file as it was.")],
    new: Annotated[Path, typer.Argument(help="The file as it is to be.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is otherwise between two files: rules, and who gains or loses what.

    Who is told of are the people and groups that the bot's database knows.
    """
    before = load(_text_of(old), name=str(old))
    after = load(_text_of(new), name=str(new))
    rules, changes = rule_changes(before, after), _known_changes(before, after)
    if as_json:
        typer.echo(json.dumps({"rules": rules, "people": changes}, indent=2))
        return
    for rule in rules:
        typer.echo(harmless(rule))
    typer.echo(f"{_count(len(rules), 'rule')} changed.")
    if changes is None:
        return
    for each in changes:
        word = "gains" if each["gains"] else "loses"
        groups = ", ".join(each["groups"][:MOST_SHOWN])
        more = len(each["groups"]) - MOST_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        typer.echo(harmless(f"{each['login']} {word} {groups}{rest}"))
    typer.echo(f"{_count(len(changes), 'change')} among the people and groups known.")


def _known_changes(before: Catalogue, after: Catalogue) -> list[dict[str, Any]] | None:
    """Return who gains or loses what; None, and say why, where there is no database."""
    from bot.app.cases import known_changes

    try:
        with opened_store() as database:
            return known_changes(database, before, after)
    except SettingError as error:
        said = "Who gains or loses what is told beside the bot's database."
        typer.echo(f"{error.problem} {said}", err=True)
        return None


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Print the access.yaml that is in force, and what its names are pinned to."""
    with opened_store() as database:
        shown = database.look(_in_force)
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    typer.echo(f"# in force since {shown['since']}, {shown['hash']}")
    typer.echo(shown["text"].rstrip())
    for pin in shown["pins"]:
        what = f"{pin['integration']}: {pin['kind']} {pin['name']}"
        typer.echo(harmless(f"# {what} is pinned to {pin['id']}"))


def _in_force(session: Session) -> dict[str, Any]:
    kept = last_good_file(session)
    if kept is None:
        raise SettingError(
            "No access.yaml was ever in force.", "Start the bot: access-bot run."
        )
    pins = session.exec(select(Pin).order_by(Pin.integration, Pin.kind, Pin.name))
    return {
        "hash": kept.hash,
        "since": kept.loaded_at.isoformat(),
        "text": kept.text,
        "pins": [
            {"integration": p.integration, "kind": p.kind, "name": p.name, "id": p.id}
            for p in pins
        ],
    }


@app.command()
def schema() -> None:
    """Print the JSON Schema of access.yaml, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2))


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingError(
            f"The policy {path} cannot be read.",
            "Name an access.yaml, or set ACCESS_CONFIG to its path.",
        ) from None


def _told(catalogue: Catalogue) -> str:
    integrations = _count(len(catalogue.integrations), "integration")
    return f"{integrations}, {_count(len(catalogue.flows), 'flow')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
