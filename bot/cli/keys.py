"""keys new and keys status: the key pair that Okta knows the bot by."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from bot.cli.failures import WRONG
from bot.cli.setting import begin, console, me, now_of, opened_store
from bot.core.catalogue.problems import harmless
from bot.core.words import SettingError

if TYPE_CHECKING:
    from bot.ops.keys import KeyStatus

app = typer.Typer(
    name="keys", help="The key pair that Okta knows the bot by.", no_args_is_help=True
)

ADD_IT = """\
The private key is in {path}, for you alone to read. Okta gets the public one: in the
app choose General > Client Credentials > Edit > Add key, paste this, and save.
"""
NAME_IT = """
Then write the app's Client ID into {path}, as client_id: without it the bot
refuses the file."""
STANDINGS = {True: "accepted", False: "NOT ACCEPTED", None: "not known"}


@app.callback()
def keys() -> None:
    """The key pair that Okta knows the bot by."""


@app.command()
def new(
    out: Annotated[
        Path, typer.Option(help="Where the private key goes; never written over.")
    ] = Path("okta.json"),
    client_id: Annotated[
        str, typer.Option(help="The app's client id, 0oa...; may be written in later.")
    ] = "",
) -> None:
    """Make a key pair: the private key goes to a file, the public one is shown."""
    from bot.ops.keys import make_key

    public = make_key(out, client_id.strip())
    typer.echo(ADD_IT.format(path=harmless(str(out))), err=True)
    typer.echo(json.dumps(dict(public), indent=2))
    if not client_id.strip():
        typer.echo(NAME_IT.format(path=harmless(str(out))), err=True)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say of each integration which key it uses, and whether Okta accepts it."""
    settings = begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.opening import read_policy
    from bot.ops.keys import Keys
    from bot.settings import Clock

    _, catalogue = read_policy(settings.access_config)
    asked = Keys(clock=Clock()).statuses(catalogue.integrations)
    found = asyncio.run(asked)
    if as_json:
        typer.echo(json.dumps([_data(one) for one in found], indent=2))
    else:
        console().print(_table(found))
    if not all(one.is_accepted for one in found):
        raise typer.Exit(WRONG)


@app.command()
def rotate(
    integration: Annotated[str, typer.Argument(help="The integration.")],
    now: Annotated[
        bool, typer.Option("--now", help="Begin now, before it is due.")
    ] = False,
) -> None:
    """Say when a key is due to be changed; with --now have the bot begin."""
    from bot.app.parts import policy_in_force
    from bot.ops.rotation import ask_for_rotation, due_of

    with opened_store() as database:
        found = database.look(policy_in_force).integration(integration)
        rule = found.credential_rotation if found else None
        if found is None or rule is None:
            raise SettingError(
                f"No integration {harmless(integration)} has its key rotated.",
                "See credential_rotation in access.yaml.",
            )
        if now:
            asked = partial(ask_for_rotation, by=me(), now=now_of(database))
            database.transact(asked, integration)
            typer.echo(
                "Asked for. The bot begins within the hour, and tells the owner."
            )
            return
        due = database.look(due_of, found)
    if due is None:
        typer.echo("The bot has not looked at this key yet.")
        raise typer.Exit(WRONG)
    typer.echo(f"Due {due:%Y-%m-%d}, by {rule.mode}.")


def _data(one: "KeyStatus") -> dict[str, Any]:
    return {
        "integration": one.integration,
        "client_id": one.client_id,
        "kid": one.kid,
        "accepted": one.is_accepted,
        "since": one.since.isoformat() if one.since else None,
        "problem": one.problem,
        "remedy": one.remedy,
    }


def _table(found: "Sequence[KeyStatus]") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Integration", "Client", "Key (kid)", "In Okta", "Since", ""):
        table.add_column(column, overflow="fold")
    for one in found:
        since = one.since.strftime("%Y-%m-%d %H:%M UTC") if one.since else "not known"
        why = f"{one.problem} {one.remedy}".strip()
        row = (one.integration, one.client_id, one.kid, STANDINGS[one.is_accepted])
        table.add_row(*(Text(harmless(text)) for text in (*row, since, why)))
    return table
