"""Okta's System Log, for what was done with the bot's own key.

It keeps 90 days. The scope is another one than the main job needs: without it
nothing is read, and nothing is said to be well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.words import SettingError
from bot.okta.client import OktaClient
from bot.okta.directory import literal

SCOPES = ("okta.logs.read",)
LOGS = "/api/v1/logs"
LOG_KEEPS = timedelta(days=90)
VERBS: Mapping[str, str] = {
    "group.user_membership.add": "add",
    "group.user_membership.remove": "remove",
}


@dataclass(frozen=True)
class Change:
    """A membership that was changed: `verb` is add or remove, `by` who did it."""

    verb: str
    person_id: str
    group_id: str
    at: datetime
    by: str = ""


async def changes_by(
    client: OktaClient, client_id: str, since: datetime, until: datetime
) -> list[Change]:
    """Return what the app with `client_id` changed of memberships, oldest first.

    `client` is made with SCOPES. Raises SettingError where they are not granted,
    or the app's role shows it nothing, and DirectoryError where the log cannot be
    read to its end.
    """
    await _require_sight(client, until)
    return await _changes(client, f"actor.id eq {literal(client_id)}", since, until)


async def changes_of(
    client: OktaClient, person_id: str, since: datetime, until: datetime
) -> list[Change]:
    """Return what anybody changed of a person's memberships, oldest first.

    `client` and what is raised are as for `changes_by`.
    """
    return await _changes(client, f"target.id eq {literal(person_id)}", since, until)


async def _changes(
    client: OktaClient, whose: str, since: datetime, until: datetime
) -> list[Change]:
    kinds = " or ".join(f"eventType eq {literal(kind)}" for kind in VERBS)
    query = {
        "since": _stamp(since),
        "until": _stamp(until),
        "filter": f"({kinds}) and {whose}",
        "sortOrder": "ASCENDING",
    }
    found = await client.listing(LOGS, query, read=_read)
    return [change for change in found if change is not None]


async def _require_sight(client: OktaClient, until: datetime) -> None:
    """Raise SettingError where the log shows nothing at all.

    NB. Okta answers an empty list, and no error, to an app whose role may not read
    the log: that nothing is shown is no proof that nothing was done.
    """
    query: dict[str, str | int] = {"since": _stamp(until - LOG_KEEPS), "limit": 1}
    answer = await client.request("GET", LOGS, query=query)
    if not answer.data:
        raise SettingError(
            "Okta's log shows the app nothing at all.",
            "Assign the app Report Administrator, or a custom role that reads logs, "
            "beside its own role.",
        )


def _read(item: Mapping[str, Any]) -> Change | None:
    """Return the change an event tells of; None where it is not of a known shape."""
    targets = {
        str(each.get("type")): str(each.get("id"))
        for each in item.get("target") or ()
        if isinstance(each, Mapping)
    }
    verb = VERBS.get(str(item.get("eventType")))
    try:
        at = datetime.fromisoformat(str(item.get("published")))
        by = str((item.get("actor") or {}).get("id") or "")
        return Change(verb or "", targets["User"], targets["UserGroup"], at, by)
    except (KeyError, ValueError):
        return None


def _stamp(when: datetime) -> str:
    instant = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return instant.replace("+00:00", "Z")
