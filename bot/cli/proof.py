"""audit verify: does the chain still fit, and are the rows as it tells."""

import json
from typing import Annotated

import typer
from sqlmodel import Session

from bot.cli.failures import WRONG
from bot.cli.setting import opened_store
from bot.core.catalogue.problems import harmless
from bot.store import audit
from bot.store.audit import Head
from bot.store.verification import Finding
from bot.store.verification import verify as findings_in

app = typer.Typer(name="audit", help="Who did what, proven.", no_args_is_help=True)


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
