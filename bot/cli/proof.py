"""audit verify: does the chain still fit, and are the rows as it tells."""

import csv
import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlmodel import Session, col, select

from bot.cli.failures import WRONG
from bot.cli.setting import opened_store
from bot.core.catalogue.problems import harmless
from bot.store import audit
from bot.store.audit import Head
from bot.store.tables import Event, EventText
from bot.store.verification import Finding
from bot.store.verification import verify as findings_in

app = typer.Typer(name="audit", help="Who did what, proven.", no_args_is_help=True)


COLUMNS = (
    *("seq", "at", "kind", "actor", "integration", "person", "group"),
    *("request", "grant", "cause", "text", "data", "hash"),
)


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
) -> None:
    """Verify every event of the audit, and every row against it."""
    with opened_store() as database:
        head, findings = database.look(_verified)
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
        rows = database.look(_exported)
    if form is Form.JSONL:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    table = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore")
    table.writeheader()
    for row in rows:
        flat = {key: _cell(value) for key, value in row.items()}
        table.writerow(flat)


def _exported(session: Session) -> list[dict[str, Any]]:
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
