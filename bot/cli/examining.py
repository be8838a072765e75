"""doctor: what is wrong outside and inside, each with its remedy."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from bot.cli.failures import WRONG
from bot.cli.setting import begin, console
from bot.core.catalogue.problems import harmless

if TYPE_CHECKING:
    from bot.ops.doctor import Finding

STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
LEVELS = ("failed", "warning", "ok")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check the set-up, Slack and every org; say of each fault how to mend it."""
    settings = begin()
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.examining import examine

    findings = asyncio.run(examine(settings))
    if as_json:
        typer.echo(json.dumps(_data(findings), indent=2))
    else:
        console().print(_table(findings))
        typer.echo(_summary(findings))
    if any(finding.level == "failed" for finding in findings):
        raise typer.Exit(WRONG)


def _data(findings: "Sequence[Finding]") -> dict[str, Any]:
    """Return the findings for programs, in the order they were made."""
    return {
        "ok": all(finding.level != "failed" for finding in findings),
        "counts": _counts(findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _table(findings: "Sequence[Finding]") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "Part", "Check", "What was found, and what to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        said = f"{finding.says} {finding.remedy}".strip()
        table.add_row(
            Text(finding.level.upper(), style=STYLES[finding.level]),
            Text(harmless(finding.part)),
            Text(harmless(finding.check)),
            Text(harmless(said)),
        )
    return table


def _summary(findings: "Sequence[Finding]") -> str:
    counts = _counts(findings)
    if counts["ok"] == len(findings):
        return f"All ok: {len(findings)} checks."
    return ", ".join(f"{counts[level]} {level}" for level in LEVELS) + "."


def _counts(findings: "Sequence[Finding]") -> dict[str, int]:
    return {
        level: sum(finding.level == level for finding in findings) for level in LEVELS
    }
