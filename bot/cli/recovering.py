"""recover and retire: after a restore, and when the bot is to go for good."""

import asyncio
import json
import os
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from sqlmodel import Session

from bot.cli.failures import WRONG
from bot.cli.setting import begin, console, is_running, me, now_of, opened_store
from bot.core.catalogue.problems import harmless
from bot.core.durations import parse_duration
from bot.core.words import LIVE, RequestStatus, SettingError
from bot.settings import Settings
from bot.store import audit, queries
from bot.store.database import Database
from bot.store.tables import AccessRequest
from bot.workflow.freezing import Frozen, freeze
from bot.workflow.revoking import revoke
from bot.workflow.upkeep.strays import endings
from bot.workflow.upkeep.watching import RECOVERED

if TYPE_CHECKING:
    from bot.app.recovering import Stray

MOST = 1_000_000

LEAVING = """\
Nothing that the bot gave is left. To leave for good:
  1. In Okta: Applications > the bot's app > Deactivate, then Delete; the same with
     the app of user_cleanup, where there is one.
  2. In Slack: Apps > Manage > the bot's app > Remove App, then delete it.
  3. Keep the audit, and its key elsewhere, for as long as you must.
"""


def recover(
    remove: Annotated[
        bool, typer.Option("--remove", help="Take back each that is found.")
    ] = False,
    end_in: Annotated[
        str, typer.Option(help="Let each that is found end after so long, as in 8h.")
    ] = "",
    reason: Annotated[
        str, typer.Option(help="Why the database is as it is: then giving goes on.")
    ] = "",
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Take what should have ended and Okta no longer shows for ended.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False,
) -> None:
    """Find memberships that our app gave in Okta and no row explains (90 days)."""
    settings = begin()
    if forget:
        _forget(settings, reason.strip(), alone=not (remove or end_in))
        return
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.anchoring import accept, left_to_do
    from bot.app.opening import open_store
    from bot.app.recovering import give_end, refuse_late_end, strays, take_back

    length = _length(end_in, remove)
    with open_store(settings) as database:
        until = now_of(database) + length if length else None
        found = asyncio.run(strays(database))
        if until:
            refuse_late_end(found, until)
        if as_json:
            typer.echo(json.dumps([asdict(each) for each in found], default=str))
        left = 0
        for each in found:
            gone = remove and asyncio.run(take_back(database, each, me()))
            if until:
                give_end(database, each, until, me())
            left += not (gone or until)
            if not as_json:
                typer.echo(_said(each, gone, until))
        if left:
            typer.echo(
                "Take them back with --remove, let them end with --end-in 8h, or "
                "remove them in Okta.",
                err=True,
            )
            raise typer.Exit(WRONG)
        typer.echo("Every membership that our app gave is explained.", err=True)
        if reason.strip():
            _explain(database, reason.strip())
            accept(settings, database)
            typer.echo(f"Accepted. {left_to_do(database)}", err=True)


def retire(
    check: Annotated[
        bool, typer.Option("--check", help="Only list what is left; change nothing.")
    ] = False,
    now: Annotated[
        bool, typer.Option("--now", help="End what lives now, not at its end.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where the audit is exported to, as JSON lines.")
    ] = None,
) -> None:
    """Close asking, end or wait out what lives, and say how to remove the apps."""
    with opened_store() as database:
        if not check:
            _close(database, end=now)
            typer.echo("Asking is closed: access-bot unfreeze all opens it.", err=True)
        left = _left(database)
        if left.row_count:
            console().print(left)
            typer.echo("Run it again once these have ended.", err=True)
            if not is_running(database):
                typer.echo(
                    "No bot is running, so none of them ends: start it first.", err=True
                )
            raise typer.Exit(WRONG)
        still = asyncio.run(_shown_by_okta(database))
        if still:
            typer.echo(f"Okta still shows: {harmless(', '.join(still))}.", err=True)
            raise typer.Exit(WRONG)
        if out is not None:
            _export(database, out)
            typer.echo(f"The audit is in {harmless(str(out))}.")
    typer.echo(LEAVING)


def _forget(settings: Settings, reason: str, *, alone: bool) -> None:
    """Drop what should have ended and Okta no longer shows; say what it still shows."""
    if not alone or not reason:
        raise SettingError(
            "--forget goes with --reason alone.",
            "Say how you know that they are gone: recover --forget --reason WHY",
        )
    from bot.app.opening import open_store
    from bot.app.recovering import forget, overdue

    with open_store(settings) as database:
        late = asyncio.run(overdue(database))
        for each in late:
            if not each.is_shown:
                forget(database, each, reason, me())
            stray = each.ending.stray
            pair = each.integration, stray.person_id, stray.group_id
            who, what = database.look(queries.names, *pair)
            said = f"{each.integration}: {who} in {what}"
            word = "LEFT" if each.is_shown else "forgotten"
            typer.echo(f"{word} {harmless(said)}")
    if any(each.is_shown for each in late):
        typer.echo("Okta still shows what is left: remove it there.", err=True)
        raise typer.Exit(WRONG)
    if not late:
        typer.echo("Nothing waits whose end has come.", err=True)


def _said(stray: "Stray", gone: bool, until: datetime | None) -> str:
    """Return what became of a stray membership, in one line."""
    left = f"ends {until:%F %R} UTC" if until else "LEFT"
    who = f"{stray.integration}: {stray.login} in {stray.group}, {stray.at}"
    return f"{'removed' if gone else left} {harmless(who)}"


def _length(end_in: str, remove: bool) -> timedelta | None:
    """Return after how long what is found is to end; None where that is not asked."""
    if not end_in:
        return None
    if remove:
        raise SettingError("--remove and --end-in exclude each other.", "Give one.")
    try:
        return parse_duration(end_in)
    except ValueError as error:
        raise SettingError(f"--end-in: {error}", "Write it as 8h or 2d.") from None


def _explain(database: Database, reason: str) -> None:
    database.transact(
        audit.record,
        RECOVERED,
        by=me(),
        now=now_of(database),
        text={"reason": reason},
    )


def _close(database: Database, *, end: bool) -> None:
    """Freeze everything; with `end`, end all that lives, and deny what waits."""
    from bot.app.parts import policy_in_force

    for integration in database.look(policy_in_force).integrations:
        name, at = integration.name, now_of(database)
        database.transact(freeze, name, Frozen.EVERYTHING, "", by=me(), now=at, on=True)
        if not end:
            continue
        people = {
            grant.grantee_id
            for grant in database.look(partial(queries.live_grants, integration=name))
        }
        people |= {
            person_id
            for each in database.look(_pending, name)
            for person_id in (each.requester_id, each.grantee_id)
        }
        people |= {
            each.stray.person_id for each in database.look(endings, integration=name)
        }
        for person_id in sorted(people):
            database.transact(revoke, name, person_id, None, by=me(), now=at)


def _pending(session: Session, integration: str) -> list[AccessRequest]:
    statuses = [RequestStatus.PENDING]
    return queries.requests(
        session, statuses=statuses, integration=integration, most=MOST
    )


def _left(database: Database) -> Table:
    from bot.app.parts import policy_in_force

    table = Table("integration", "person", "group", "stands", "until")
    for integration, who, what, stands, until in [
        *database.look(_granted_or_asked),
        *(
            row
            for each in database.look(policy_in_force).integrations
            for row in database.look(_given_an_end, each.name)
        ),
    ]:
        at = f"{until:%Y-%m-%d %H:%M} UTC"
        table.add_row(integration, harmless(who), harmless(what), stands, at)
    return table


Left = tuple[str, str, str, str, datetime]
"""What is left: of which org, whose, in which group, how it stands, until when."""


def _granted_or_asked(session: Session) -> list[Left]:
    found: list[Left] = []
    for grant in queries.grants(session, statuses=sorted(LIVE)):
        names = queries.names_of(session, grant)
        found.append((grant.integration, *names, grant.status, grant.expires_at))
    for request in queries.requests(session, statuses=[RequestStatus.PENDING]):
        names = queries.names_of(session, request)
        found.append((request.integration, *names, request.status, request.lapse_at))
    return found


def _given_an_end(session: Session, integration: str) -> list[Left]:
    found = []
    for each in endings(session, integration):
        pair = each.stray.person_id, each.stray.group_id
        names = queries.names(session, integration, *pair)
        found.append((integration, *names, "given an end", each.until))
    return found


async def _shown_by_okta(database: Database) -> list[str]:
    """Return what Okta still shows of what we gave and say is ended."""
    from bot.app.leaving import still_shown

    return await still_shown(database)


def _export(database: Database, out: Path) -> None:
    from bot.cli.proof import exported

    lines = [json.dumps(row) for row in database.look(exported)]
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingError(
            f"{out} cannot be written: {error.strerror}.", "Name another with --out."
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
