"""What stands on this machine: the policy, and who else may change it."""

import stat
from pathlib import Path

from bot.core.catalogue import Catalogue
from bot.ops.doctor.findings import Sheet, counted

NO_ADMINS = (
    "The policy names no admins: nobody may freeze in Slack, nor is told what the bot "
    "tells admins alone."
)


def look_at_policy(sheet: Sheet, path: Path, catalogue: Catalogue) -> None:
    """Look at what a policy that can be used warns of, and who may write it."""
    count = counted(len(catalogue.flows), "flow")
    for warning in catalogue.warnings:
        sheet.warning("policy", str(warning), "Mend it: access-bot config check")
    if not catalogue.admins:
        sheet.warning("policy", NO_ADMINS, "Name them in access.yaml, at admins.")
    elif not catalogue.warnings:
        sheet.ok("policy", f"{path} is right, with {count}.")
    # NB. Who writes this file decides who may have what.
    if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        says = f"{path} can be changed by others on this machine."
        sheet.warning("policy file", says, f"Run: chmod go-w {path}")
    else:
        sheet.ok("policy file", f"Nobody else on this machine can change {path}.")
