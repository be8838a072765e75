"""Okta's JSON as core values, read leniently but never guessed.

Okta: strictly typed clients break on real payloads. So what is not needed is
not looked at, and what is needed and missing raises.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.core.words import DirectoryUnavailable, Group, Person

_LEAVING = ("DEPROVISIONED", "SUSPENDED")


def read_person(item: Mapping[str, Any], now: datetime) -> Person:
    """Return the user that `item` is, as read at `now`.

    One whom Okta is just deactivating already has that status. Raises
    DirectoryUnavailable when there is no id, status or login.
    """
    profile = _profile(item)
    status = _needed(item, "status")
    on_the_way = item.get("transitioningToStatus")
    login = _needed(profile, "login")
    return Person(
        id=_needed(item, "id"),
        login=login,
        email=_text(profile, "email"),
        name=_name(profile) or login,
        status=on_the_way if on_the_way in _LEAVING else status,
        profile=profile,
        read_at=now,
    )


def read_group(item: Mapping[str, Any], now: datetime) -> Group:
    """Return the group that `item` is, as read at `now`.

    Whether it carries an admin role is known only from a read with stats.
    Raises DirectoryUnavailable when there is no id, type or name.
    """
    profile = _profile(item)
    return Group(
        id=_needed(item, "id"),
        name=_needed(profile, "name"),
        description=_text(profile, "description"),
        type=_needed(item, "type"),
        profile=profile,
        carries_admin_role=carries_admin_role(item),
        read_at=now,
    )


def carries_admin_role(item: Mapping[str, Any]) -> bool | None:
    """Return what the stats of `item` say, None where they do not.

    Okta: "hasAdminPrivlege", misspelt in the API itself.
    """
    stats: object = item
    for key in ("_embedded", "stats", "hasAdminPrivlege"):
        stats = stats.get(key) if isinstance(stats, Mapping) else None
    return stats if isinstance(stats, bool) else None


def read_id(item: Mapping[str, Any]) -> str:
    """Return the id of `item`; DirectoryUnavailable when it has none."""
    return _needed(item, "id")


def _profile(item: Mapping[str, Any]) -> Mapping[str, Any]:
    profile = item.get("profile")
    return profile if isinstance(profile, Mapping) else {}


def _name(profile: Mapping[str, Any]) -> str:
    full = f"{_text(profile, 'firstName')} {_text(profile, 'lastName')}".strip()
    return full or _text(profile, "displayName")


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _needed(item: Mapping[str, Any], key: str) -> str:
    value = _text(item, key)
    if not value:
        raise DirectoryUnavailable(f"Okta's answer has no {key} where it has one.")
    return value
