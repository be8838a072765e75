"""A changed access.yaml, put in force while the bot runs.

A wrong one leaves the one before in force, and the admins are told; so does one
that would leave somebody's access without the integration that ends it. Of
several processes the first that sees a change puts it in force, and the others
follow what the database says is.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import structlog
from sqlmodel import Session

from bot.app.alarms import forget_alarms_of, set_alarms_of
from bot.app.changes import put_in_force, tell_admins
from bot.app.parts import Parts, open_office
from bot.core.catalogue import Catalogue, Integration, load
from bot.core.words import SettingError
from bot.store import audit
from bot.store.files import last_good_file
from bot.store.tables import AccessFile
from bot.workflow.flow_maps import FlowMaps

log = structlog.get_logger()


async def reload(parts: Parts) -> None:
    """Put the file in force if it changed since it was last looked at.

    In any case follow what is in force by the database: another process may
    have put it there.
    """
    if parts.revoke_only:
        return
    text = _read(parts)
    digest = sha256(text.encode()).hexdigest()
    if text and digest != parts.seen:
        await _put_in_force(parts, text, digest)
        parts.seen = digest  # not before: a database that failed is asked again
    kept = await parts.database.read(last_good_file)
    if kept is not None and kept.hash != parts.catalogue.hash:
        await _follow(parts, kept)


def _read(parts: Parts) -> str:
    try:
        return parts.settings.access_config.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # being written, or gone: the file in force stays


async def _put_in_force(parts: Parts, text: str, digest: str) -> None:
    try:
        name = parts.settings.access_config.name
        catalogue = await asyncio.to_thread(load, text, name=name)
        await parts.database.run(put_in_force, text, catalogue, parts.clock())
    except SettingError as error:
        log.warning("access.yaml not put in force", why=str(error))
        await parts.database.run(_refuse_file, parts, digest, str(error), parts.clock())


def _refuse_file(
    session: Session, parts: Parts, digest: str, why: str, now: datetime
) -> None:
    audit.record(session, "file refused", by="bot", now=now, data={"hash": digest})
    said = f"The new access.yaml is not put in force; the one before stays. {why}"
    tell_admins(session, parts.offices, said, f"wrong file:{digest}", now)


async def _follow(parts: Parts, kept: AccessFile) -> None:
    """Let every part work by the file that is in force."""
    catalogue = await asyncio.to_thread(load, kept.text)
    known = {each.name: each for each in parts.catalogue.integrations}
    parts.catalogue = catalogue
    for integration in catalogue.integrations:
        if _is_same_org(known.get(integration.name), integration):
            _change_office(parts, integration, catalogue)
        else:
            await open_office(parts, integration)
        if parts.role.works:
            set_alarms_of(parts, integration.name)
    for name in known.keys() - {each.name for each in catalogue.integrations}:
        forget_alarms_of(parts, name)
        parts.offices.pop(name, None)
        parts.urgent.pop(name, None)
        parts.health.right(name)
    log.info("access.yaml in force", hash=kept.hash)


def _change_office(
    parts: Parts, integration: Integration, catalogue: Catalogue
) -> None:
    for offices in (parts.offices, parts.urgent):
        offices[integration.name] = replace(
            offices[integration.name],
            integration=integration,
            identity=catalogue.identity,
            catalogue=catalogue,
            flow_maps=FlowMaps(),
        )


def _is_same_org(before: Integration | None, after: Integration) -> bool:
    """Tell whether the client of before serves: same org, same key."""
    return before is not None and (before.org_url, before.credentials) == (
        after.org_url,
        after.credentials,
    )
