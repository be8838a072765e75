"""What stands on this machine: who else may change the policy, who runs."""

import stat
from pathlib import Path

from bot.core.catalogue import Catalogue
from bot.ops.doctor.findings import Sheet, counted
from bot.store.sqlite import is_run_on


def look_at_policy(sheet: Sheet, path: Path, catalogue: Catalogue) -> None:
    """Look at what a policy that can be used warns of, and who may write it."""
    count = counted(len(catalogue.flows), "flow")
    for warning in catalogue.warnings:
        sheet.warning("policy", str(warning), "Mend it: access-bot config check")
    if not catalogue.warnings:
        sheet.ok("policy", f"{path} is right, with {count}.")
    # NB. Who writes this file decides who may have what.
    if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        says = f"{path} can be changed by others on this machine."
        sheet.warning("policy file", says, f"Run: chmod go-w {path}")
    else:
        sheet.ok("policy file", f"Nobody else on this machine can change {path}.")


def look_at_runner(sheet: Sheet, database: Path | None) -> None:
    """Say whether a bot runs on the SQLite file, by the lock that it holds."""
    if database is None:
        why = "On PostgreSQL no lock says who runs; ask /readyz of each process."
        sheet.unchecked("run", why)
    elif is_run_on(database):
        sheet.ok("run", "`access-bot run` is alive.")
    else:
        sheet.ok("run", "`access-bot run` is not running now.")
