"""config check and config schema: what may be known of access.yaml without a bot."""

import json
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.failures import WRONG
from bot.cli.setting import begin
from bot.core.catalogue import Catalogue, CatalogueError, load
from bot.core.catalogue import schema as json_schema
from bot.core.words import SettingError

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
    typer.echo(f"{path} is right: {_told(catalogue)}.")


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
