"""cleanup --preview: what clean-up would do to which Okta accounts, and when."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.cli.setting import begin
from bot.core.catalogue.problems import harmless


def cleanup(
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would be done; change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False,
) -> None:
    """Show whose Okta account clean-up would end, when, why, and who is protected."""
    if not preview:
        typer.echo("The bot cleans up by itself. See what it would do: --preview")
        raise typer.Exit(2)
    settings = begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.cleaning import preview_cleanup
    from bot.app.opening import open_store

    with open_store(settings) as database:
        planned = asyncio.run(preview_cleanup(database))
    if as_json:
        rows = [{"integration": name, **asdict(each)} for name, each in planned]
        typer.echo(json.dumps(rows, default=str, indent=2))
        return
    if not planned:
        typer.echo("Clean-up would end no Okta account.")
        return
    table = Table("integration", "person", "what", "not before", "where it stands")
    for name, each in planned:
        stands = each.protected or each.step or "not told of yet"
        when = f"{each.when:%Y-%m-%d %H:%M} UTC"
        who = each.login or each.person_id
        action = "nothing" if each.protected else each.action
        table.add_row(*map(harmless, (name, who, action, when, stands)))
    Console().print(table)
