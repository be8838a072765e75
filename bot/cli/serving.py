"""run, migrate and demo: what starts something, or makes it ready to start."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from bot.app.roles import Role
from bot.cli.setting import begin
from bot.store import migrations
from bot.store.audit import Chain
from bot.store.migrations import Migrated


def demo() -> None:
    """Play the whole story on an embedded Okta org and Slack workspace."""
    from bot.sandbox.demo import play

    raise typer.Exit(play(Console()))


def run(
    role: Annotated[
        Role,
        typer.Option(help="Which part to be; on SQLite one process does all."),
    ] = Role.ALL,
) -> None:
    """Serve until stopped: Slack, the worker that changes Okta, the scheduler."""
    settings = begin()
    from bot.app.running import run as serve

    asyncio.run(serve(settings, role=role))


def migrate() -> None:
    """Create the database, or bring it to this version. A copy is kept first."""
    settings = begin()
    from bot.app.opening import first_audit_key

    url = settings.secret("database_url")
    migrated = migrations.migrate(url, Chain(first_audit_key(settings)))
    typer.echo(_told(migrated))


def _told(migrated: Migrated) -> str:
    if migrated.before is None:
        return f"The database is created, at version {migrated.after}."
    if migrated.before == migrated.after:
        return f"The database is at version {migrated.after} already."
    moved = f"The database went from version {migrated.before} to {migrated.after}."
    kept = f" As it was, it is kept in {migrated.copy}." if migrated.copy else ""
    return moved + kept
