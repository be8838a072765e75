"""An access.yaml that comes in force: kept, with what it changes, and told.

It is told to the admins of the integrations that were there before. One that drops
an org, or moves it, waits until nothing is held there.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Set
from datetime import datetime

from sqlmodel import Session

from bot.core.catalogue import Catalogue, Integration, load
from bot.core.words import Refused, SettingError
from bot.store import queries
from bot.store.files import keep_file, last_good_file
from bot.workflow import requests
from bot.workflow.notices import recipients_of, tell
from bot.workflow.upkeep import strays

MOST_TOLD = 1500
"""How many characters of a change a message shows; the audit has all of it."""


UNSERVED = Refused("Access to this Okta org is no longer given here.")


def put_in_force(session: Session, text: str, after: Catalogue, now: datetime) -> None:
    """Keep the file as an event with what changed, told to the admins until now.

    Who waits for access to an org that is dropped is told that it is not given any
    more. Raises SettingError where something is held there.
    """
    before = last_good_file(session)
    orgs = load(before.text).integrations if before else ()
    served = {each.name for each in after.integrations}
    served -= {each.name for each in orgs if not _is_kept(each, after)}
    _refuse_stranding(session, served)
    for request in queries.pending_elsewhere(session, served):
        requests.refuse(session, request, UNSERVED, now)
    digest = after.hash
    changed = _difference(before.text, text) if before else ""
    kept = keep_file(session, text, digest, by="bot", now=now, diff=changed)
    if kept and before:
        names = [each.name for each in orgs]
        shown = changed if len(changed) <= MOST_TOLD else f"{changed[:MOST_TOLD]}..."
        said = f"access.yaml was changed and is in force now:\n{shown}"
        tell_admins(session, names, said, f"file:{digest}", now)


def _is_kept(integration: Integration, after: Catalogue) -> bool:
    same = after.integration(integration.name)
    return same is not None and same.org_url == integration.org_url


def _refuse_stranding(session: Session, served: Set[str]) -> None:
    """Raise SettingError where something is held in an org that is not served.

    NB. Nobody else could end it: the key and the address are in the file alone.
    """
    held = Counter(queries.count_held(session)) + Counter(strays.count(session))
    stranded = [
        f"{name} ({count} held)"
        for name, count in sorted(held.items())
        if name not in served
    ]
    if stranded:
        raise SettingError(
            "access.yaml drops, or moves, what still holds access: "
            f"{', '.join(stranded)}.",
            "Put it back until that has ended: access-bot grants --integration NAME",
        )


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
