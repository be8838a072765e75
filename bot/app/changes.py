"""An access.yaml that comes in force: kept, with what it changes, and told.

It is told to the admins of the integrations that were there before.
"""

import difflib
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from bot.core.catalogue import load
from bot.store.files import keep_file, last_good_file
from bot.workflow.notices import recipients_of, tell

MOST_TOLD = 1500
"""How many characters of a change a message shows; the audit has all of it."""


def put_in_force(session: Session, text: str, digest: str, now: datetime) -> None:
    """Keep the file as an event with what changed, told to the admins until now."""
    before = last_good_file(session)
    changed = _difference(before.text, text) if before else ""
    kept = keep_file(session, text, digest, by="bot", now=now, diff=changed)
    if kept and before:
        names = [each.name for each in load(before.text).integrations]
        shown = changed if len(changed) <= MOST_TOLD else f"{changed[:MOST_TOLD]}..."
        said = f"access.yaml was changed and is in force now:\n{shown}"
        tell_admins(session, names, said, f"file:{digest}", now)


def tell_admins(
    session: Session, names: Iterable[str], text: str, key: str, now: datetime
) -> None:
    """Tell the admins of these integrations as they are known, each once."""
    told = {
        recipient
        for name in names
        for recipient in recipients_of(session, name, "admins")
    }
    for recipient in sorted(told):
        facts = {"text": text}
        tell(
            session, "alert", recipient, key=f"{key}:{recipient}", now=now, facts=facts
        )


def _difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), lineterm="", n=1
    )
    return "\n".join(list(lines)[2:])
