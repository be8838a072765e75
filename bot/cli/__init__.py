"""The commands an operator types. They read, check and start; no command approves.

    failures  what is said when something is wrong, and the exit status
    setting   the settings, the log and the database, as every command begins
    serving   run, migrate, demo
    policy    config check, test, diff, show, schema
    explaining  explain
    copies    backup, restore
    recovering  recover, retire
    cleaning  cleanup --preview
    acting    revoke, freeze, unfreeze, people relink, people erase
    syncing   sync
    lists     grants, requests
    pictures  a grant or a request as data for programs and as a row for people
    proof     audit verify
    examining doctor
    keys      keys new, keys status

Exit status: 0 done, 1 the thing checked is wrong, 2 the call or the set-up is
wrong, 70 a fault of this program.
"""

import importlib.metadata
from typing import Annotated

import typer

from bot.cli import (
    acting,
    cleaning,
    copies,
    examining,
    explaining,
    keys,
    lists,
    policy,
    proof,
    recovering,
    serving,
    syncing,
)
from bot.cli.failures import PlainFailures
from bot.ops import logs

app = typer.Typer(
    name="access-bot",
    cls=PlainFailures,
    help="Okta group membership for a while, asked for and answered in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"access-bot {importlib.metadata.version('okta-access-bot')}")
        raise typer.Exit


@app.callback()
def access_bot(
    debug: Annotated[
        bool, typer.Option("--debug", help="Log where a fault came from.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Okta group membership for a while, asked for and answered in Slack."""
    logs.set_up("text")


app.command()(serving.demo)
app.command()(serving.run)
app.command()(serving.migrate)
app.add_typer(policy.app, name="config")
app.command()(examining.doctor)
app.command()(explaining.explain)
app.command()(acting.revoke)
app.command()(acting.freeze)
app.command()(acting.unfreeze)
app.add_typer(acting.people_app, name="people")
app.command()(cleaning.cleanup)
app.command()(copies.backup)
app.command()(copies.restore)
app.command()(recovering.recover)
app.command()(recovering.retire)
app.command()(syncing.sync)
app.command()(lists.grants)
app.command()(lists.requests)
app.add_typer(proof.app, name="audit")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Do what the command line says, and exit with its status."""
    app(prog_name="access-bot")
