"""sync: the groups and people there are, read now."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from bot.cli.failures import WRONG
from bot.cli.setting import begin
from bot.core.catalogue.problems import harmless


def sync(
    believe_fewer: Annotated[
        bool,
        typer.Option(
            "--believe-fewer", help="Believe a listing with far fewer groups, too."
        ),
    ] = False,
) -> None:
    """Read the groups of every org and the people of Slack into the database, now."""
    settings = begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.opening import open_store
    from bot.app.syncing import sync as read_all

    with open_store(settings) as database, _bar() as bar:
        reading = read_all(
            settings, database, believe_fewer=believe_fewer, progress=Rows(bar)
        )
        synced = asyncio.run(reading)
    typer.echo(f"{synced.people} Slack accounts are known.")
    for name, count in synced.groups.items():
        typer.echo(_told(harmless(name), count))
    if None in synced.groups.values():
        raise typer.Exit(WRONG)


class Rows:
    """A row of the progress bar for each thing that is read."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, count: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=None)
        self._bar.update(self._tasks[what], completed=count)


def _bar() -> Progress:
    """Return a progress bar on stderr; nothing of it stays, or shows in a file."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f} read"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def _told(name: str, count: int | None) -> str:
    if count is None:
        return (
            f"{name}: Okta listed far fewer groups than were known, so the old picture "
            "stays. If so many are really gone: access-bot sync --believe-fewer"
        )
    return f"{name}: {count} groups are known."
