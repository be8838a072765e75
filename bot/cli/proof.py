"""audit verify: does the chain still fit, and are the rows as it tells."""

import csv
import json
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session, col, select

from bot.cli.failures import WRONG
from bot.cli.setting import begin, me, opened_store
from bot.core.catalogue.problems import harmless
from bot.core.words import SettingError
from bot.settings import Clock
from bot.store import audit, claims
from bot.store.audit import Head
from bot.store.database import Database
from bot.store.tables import Event, EventText
from bot.store.verification import Finding
from bot.store.verification import verify as findings_in

app = typer.Typer(name="audit", help="Who did what, proven.", no_args_is_help=True)


COLUMNS = (
    *("seq", "at", "kind", "actor", "integration", "person", "group"),
    *("request", "grant", "cause", "text", "data", "hash"),
)

NONE_NEWER = "no newer head of this database is published here."


class Form(StrEnum):
    """How the audit is printed."""

    JSONL = "jsonl"
    CSV = "csv"


@app.callback()
def audit_command() -> None:
    """Who did what, proven."""


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    anchor: Annotated[
        str | None,
        typer.Option(
            help="A published head, NUMBER:HASH or its file, that must be in."
        ),
    ] = None,
) -> None:
    """Verify every event of the audit, and every row against it."""
    with opened_store() as database:
        head, findings = database.look(_verified)
        findings += _against(database, anchor) if anchor else []
    typer.echo(_as_json(head, findings) if as_json else _told(head, findings))
    if findings:
        raise typer.Exit(WRONG)


@app.command()
def export(
    form: Annotated[
        Form, typer.Option("--format", help="jsonl, a line an event; or csv.")
    ] = Form.JSONL,
) -> None:
    """Print every event of the audit, with the names that are still kept beside it."""
    with opened_store() as database:
        rows = database.look(exported)
    if form is Form.JSONL:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    table = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore")
    table.writeheader()
    for row in rows:
        flat = {key: _cell(value) for key, value in row.items()}
        table.writerow(flat)


def exported(session: Session) -> list[dict[str, Any]]:
    """Return every event, oldest first, with the names still kept beside it."""
    beside = {row.seq: row.text for row in session.exec(select(EventText))}
    return [
        {
            "seq": event.seq,
            "at": event.at.isoformat(),
            "kind": event.kind,
            "actor": event.actor,
            "integration": event.integration,
            "person": event.person_id,
            "group": event.group_id,
            "request": event.request_id,
            "grant": event.grant_id,
            "cause": event.cause,
            "text": beside.get(event.seq, {}),
            "data": event.data,
            "hash": event.hash,
        }
        for event in session.exec(select(Event).order_by(col(Event.seq)))
    ]


def _cell(value: object) -> str:
    """Return a value for a spreadsheet.

    NB. A cell that begins like a formula would be one where it is opened.
    """
    text = json.dumps(value) if isinstance(value, dict) else str(value or "")
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


@app.command()
def accept(
    reason: Annotated[str, typer.Option(help="Why the database is as it is.")],
) -> None:
    """Take a database older than its published head for the newest, and say why."""
    from bot.app.anchoring import accept as accept_head
    from bot.app.anchoring import anchor_path, is_rolled_back, left_to_do

    settings = begin()
    if not reason.strip():
        raise SettingError("Nothing is said.", "Write --reason with a few words.")
    with opened_store() as database:
        with suppress(SettingError):  # what is no head at all is to be accepted, too
            if not is_rolled_back(settings, database, None):
                typer.echo(f"Nothing is to be accepted: {NONE_NEWER}")
                typer.echo(left_to_do(database))
                raise typer.Exit(WRONG)
        path = anchor_path(settings, database)
        told = path.read_text("ascii")[:200] if path and path.exists() else ""
        database.transact(_accept, reason.strip(), told)
        accept_head(settings, database)
        left = left_to_do(database)
    typer.echo("Written down: a bot that starts now takes this for the newest.")
    typer.echo(left)


def _accept(session: Session, reason: str, told: str) -> None:
    clock = Clock()
    claims.set_clock(session, clock)
    audit.record(
        session,
        "rollback accepted",
        by=me(),
        now=clock(),
        data={"published": told},
        text={"reason": reason},
    )


def _against(database: Database, anchor: str) -> list[Finding]:
    from bot.app.anchoring import is_behind, read_anchor

    text = Path(anchor).read_text("ascii") if Path(anchor).is_file() else anchor
    known = read_anchor(text)
    if not database.look(is_behind, known):
        return []
    return [Finding(known[0], f"the published head, event {known[0]}, is not in it")]


def _verified(session: Session) -> tuple[Head | None, list[Finding]]:
    """Return the findings of one picture of the database, and its head if none."""
    findings = list(findings_in(session))
    return None if findings else audit.head(session), findings


def _told(head: Head | None, findings: list[Finding]) -> str:
    if findings:
        lines = [harmless(f"{finding.what}.") for finding in findings]
        count = "1 finding" if len(lines) == 1 else f"{len(lines)} findings"
        return "\n".join([*lines, f"The audit does not verify: {count}."])
    if head is None:
        return "The audit verifies: no events yet."
    at = head.at.isoformat(timespec="seconds")
    return f"The audit verifies: {head.seq} events, head {head.hash} of {at}."


def _as_json(head: Head | None, findings: list[Finding]) -> str:
    return json.dumps(
        {
            "verifies": not findings,
            "head": head
            and {"seq": head.seq, "hash": head.hash, "at": head.at.isoformat()},
            "findings": [
                {"seq": finding.seq, "what": finding.what} for finding in findings
            ],
        },
        indent=2,
    )
