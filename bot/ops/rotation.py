"""The key of the Okta app, changed in time: remind, jwks_uri or automatic.

    remind     the owner is told in time, with the public key to paste; the bot sees
               that Okta takes it, and switches
    jwks_uri   the bot publishes the next key a day ahead, and switches
    automatic  the bot tells Okta of the next key, switches, and removes the old one

NB. At every point one durable key is accepted: the next one is written before Okta
hears of it, used only once a token was had with it, and the one before is removed
only after one more proof of that in use.
"""

import json
from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import Session

from bot.core.catalogue import Integration
from bot.core.words import DirectoryUnavailable, SettingError
from bot.okta.client import SCOPES, OktaClient, OktaTiming
from bot.okta.keys import (
    MANAGE_SCOPE,
    AppKey,
    add_key,
    app_keys,
    new_key_pair,
    public_part,
    remove_key,
)
from bot.ops.key_ring import BEFORE, NEXT, KeyRing
from bot.secrets import read_secret
from bot.settings import Clock, Timing
from bot.store import audit, directory
from bot.store.database import Database
from bot.workflow.notices import tell_people

KEY = "key:{}"
"""What is remembered: the key in use and since when, whether a change was asked for,
when the next one was made and the switch was, and what is public of all of them."""

WARNED = (14, 7, 1)
"""Days before the end of a key at which the owner is reminded."""

Facts = Mapping[str, Any]

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """The rotation of one integration's key. `folder` gets its public keys."""

    integration: Integration
    database: Database
    clock: Clock
    timing: Timing
    folder: Path | None = None
    okta: OktaTiming | None = None

    async def step(self) -> None:
        """Do what is due now with the key, if anything is.

        Raises SettingError where the secret cannot be read or written, and
        DirectoryError where Okta cannot be asked.
        """
        rule = self.integration.credential_rotation
        if rule is None:
            return
        # Off the loop: a secret store may take seconds, and whoever clicks would wait.
        ring = await to_thread(KeyRing.read, self.integration.credentials)
        facts = await self._known(ring)
        due = datetime.fromisoformat(facts["since"]) + rule.every
        if facts.get("asked"):
            due = min(due, self.clock())
        ring = await self._drop_old(ring, facts, rule.mode)
        turn = {
            "remind": self._remind,
            "jwks_uri": self._publish,
            "automatic": self._change,
        }
        ring = await turn[rule.mode](ring, facts, due)
        await self._show(ring)

    async def complain(self, why: str) -> None:
        """Tell the owner, once a day, why the key cannot be looked after."""
        said = f"I cannot look after the Okta key of {self.integration.name}. {why}"
        await self._tell(said, f"rotate wrong:{self.clock():%Y-%m-%d}")

    # The modes

    async def _remind(self, ring: KeyRing, _facts: Facts, due: datetime) -> KeyRing:
        """Tell the owner in time, and switch once Okta takes the next key."""
        now, day = self.clock(), self.timing.day
        if ring.next is None:
            if now < due - WARNED[0] * day:
                return ring
            ring = await self._make_next(ring)
        if await self._is_accepted(ring):
            return await self._switch(ring)
        public = json.dumps(public_part(ring.next or {}))
        said = (
            f"The Okta key of {self.integration.name} is to be changed by "
            f"{due:%d %b %Y}. In its app choose General > Client Credentials > Edit > "
            f"Add key, paste this, and save; I switch to it by myself: {public}"
        )
        await self._tell(said, f"rotate:{ring.kid}:{_which(due - now, day)}")
        return ring

    async def _publish(self, ring: KeyRing, facts: Facts, due: datetime) -> KeyRing:
        """Publish the next key a day ahead, and switch once Okta takes it."""
        now, day = self.clock(), self.timing.day
        if ring.next is None:
            return await self._make_next(ring) if now >= due - day else ring
        made = datetime.fromisoformat(facts["made"])
        if now < made + day:
            return ring
        if await self._is_accepted(ring):
            return await self._switch(ring)
        if now > max(due, made + day) + day:
            said = (
                f"Okta does not take the next key of {self.integration.name} yet. See "
                "that its app fetches keys from the URL where they are published."
            )
            await self._tell(said, f"rotate:{ring.kid}:{_which(due - now, day)}")
        return ring

    async def _change(self, ring: KeyRing, facts: Facts, due: datetime) -> KeyRing:
        """Tell Okta of the next key, prove it, and switch; a failed proof goes back."""
        now = self.clock()
        if ring.next is None:
            if now < due or ring.before is not None:
                return ring
            known = await self._keys(ring)
            if [key.kid for key in known if key.is_active] != [ring.kid]:
                said = (
                    f"The key of {self.integration.name} is not changed: its app has "
                    "other active keys than the one I use. Remove those first."
                )
                await self._tell(said, f"rotate:{ring.kid}:{now:%Y-%m-%d}")
                return ring
            ring = await self._make_next(ring)
        next_key = ring.next or {}
        async with self._client(ring, MANAGE_SCOPE) as client:
            known = await app_keys(client, ring.client_id)
            if next_key["kid"] not in {key.kid for key in known}:
                await add_key(client, ring.client_id, public_part(next_key))
        if await self._is_accepted(ring):
            return await self._switch(ring)
        made = datetime.fromisoformat(facts.get("made") or now.isoformat())
        return await self._go_back(ring) if now > made + self.timing.day else ring

    async def _go_back(self, ring: KeyRing) -> KeyRing:
        """Forget a next key that Okta does not take, there and here."""
        kid = (ring.next or {}).get("kid")
        async with self._client(ring, MANAGE_SCOPE) as client:
            for key in await app_keys(client, ring.client_id):
                if key.kid == kid:
                    await remove_key(client, ring.client_id, key)
        said = (
            f"Okta did not take the next key of {self.integration.name} within a day. "
            "I went back, and use the old one."
        )
        await self._tell(said, f"rotate back:{kid}")
        ring = await self._keep(ring.without(NEXT))
        await self._remember(made=None)
        return ring

    # Their steps

    async def _make_next(self, ring: KeyRing) -> KeyRing:
        """Make the next key, durable before anybody hears of it."""
        pair = await to_thread(new_key_pair)
        ring = await self._keep(ring.with_next(pair.private))
        await self._remember(made=self.clock().isoformat())
        await self._record("key made", (ring.next or {})["kid"])
        return ring

    async def _switch(self, ring: KeyRing) -> KeyRing:
        """Use the next key from now on; the one before stays for a while."""
        before = ring.kid
        ring = await self._keep(ring.switched())
        now = self.clock().isoformat()
        await self._remember(
            kid=ring.kid, since=now, switched=now, made=None, asked=False
        )
        await self._record("key switched", ring.kid)
        rule = self.integration.credential_rotation
        more = (
            f" An hour from now the old one ({before}) may be removed from the app."
            if rule and rule.mode == "remind"
            else ""
        )
        said = f"I use the new Okta key of {self.integration.name} ({ring.kid}).{more}"
        await self._tell(said, f"switched:{ring.kid}")
        return ring

    async def _drop_old(self, ring: KeyRing, facts: Facts, mode: str) -> KeyRing:
        """Forget the key before once no token of it lives; in Okta too, if we may."""
        switched = facts.get("switched")
        if ring.before is None or not switched:
            return ring
        late = datetime.fromisoformat(switched) + self.timing.token_lives
        if self.clock() < late:
            return ring
        if mode == "automatic":
            await self._remove_before(ring)
        ring = await self._keep(ring.without(BEFORE))
        await self._record("key dropped", "")
        return ring

    async def _remove_before(self, ring: KeyRing) -> None:
        """Remove the key before from the app, after one more proof of that in use."""
        kid = (ring.before or {}).get("kid")
        async with self._client(ring, MANAGE_SCOPE) as client:
            await client.token()
            for key in await app_keys(client, ring.client_id):
                if key.kid == kid and key.kid != ring.kid:
                    await remove_key(client, ring.client_id, key)

    async def _is_accepted(self, ring: KeyRing) -> bool:
        """Tell whether Okta gives a token for the next key."""
        client = self._okta(ring.only_next, SCOPES)
        async with client:
            try:
                await client.token()
            except (SettingError, DirectoryUnavailable) as error:
                log.info("next key not accepted yet", why=type(error).__name__)
                return False
        return True

    async def _keep(self, ring: KeyRing) -> KeyRing:
        return await to_thread(ring.keep, self.integration.credentials)

    async def _keys(self, ring: KeyRing) -> list[AppKey]:
        async with self._client(ring, MANAGE_SCOPE) as client:
            return await app_keys(client, ring.client_id)

    def _client(self, _ring: KeyRing, *scopes: str) -> OktaClient:
        return self._okta(partial(read_secret, self.integration.credentials), scopes)

    def _okta(self, reader: Any, scopes: Any) -> OktaClient:
        usual = OktaTiming().scaled(self.timing.okta_call / OktaTiming().deadline)
        return OktaClient(
            self.integration.org_url,
            reader,
            tuple(scopes),
            timing=self.okta or usual,
            clock=self.clock,
        )

    # What is remembered, told and shown

    async def _known(self, ring: KeyRing) -> Facts:
        """Return what is remembered of the key in use; a new one begins now."""
        key, now = KEY.format(self.integration.name), self.clock().isoformat()
        kept = await self.database.read(directory.remembered, key)
        if kept is not None and kept.facts.get("kid") == ring.kid:
            if ring.next is None or kept.facts.get("made"):
                return kept.facts
            await self._remember(made=now)  # we died just as it was made
            return {**kept.facts, "made": now}
        since = {"kid": ring.kid, "since": now}
        if ring.before is not None:
            since["switched"] = now
        await self._remember(**since)
        return since

    async def _remember(self, **changes: Any) -> None:
        await self.database.run(
            _remember, KEY.format(self.integration.name), changes, self.clock()
        )

    async def _record(self, what: str, kid: str) -> None:
        await self.database.run(
            audit.record,
            what,
            by="bot",
            now=self.clock(),
            integration=self.integration.name,
            data={"kid": kid},
        )

    async def _tell(self, said: str, key: str) -> None:
        name = self.integration.name
        await self.database.run(
            tell_people, name, "owner", said, key=f"{name}:{key}", now=self.clock()
        )

    async def _show(self, ring: KeyRing) -> None:
        """Publish what is public of the keys: in the database, and in a file."""
        jwks = {"keys": await to_thread(ring.public)}
        await self._remember(jwks=jwks)
        if self.folder is not None:
            path = self.folder / f"{self.integration.name}.json"
            beside = path.with_suffix(".new")
            beside.write_text(json.dumps(jwks, indent=2) + "\n")
            beside.replace(path)


def ask_for_rotation(session: Session, name: str, *, by: str, now: datetime) -> None:
    """Have the key of an integration changed as soon as its mode lets it."""
    _remember(session, KEY.format(name), {"asked": True}, now)
    audit.record(session, "rotation asked for", by=by, now=now, integration=name)


def due_of(session: Session, integration: Integration) -> datetime | None:
    """Return when a key is due to be changed; None before it was looked at."""
    kept = directory.remembered(session, KEY.format(integration.name))
    rule = integration.credential_rotation
    if kept is None or rule is None or "since" not in kept.facts:
        return None
    return datetime.fromisoformat(kept.facts["since"]) + rule.every


def published(session: Session, name: str) -> Mapping[str, Any] | None:
    """Return the public keys of an integration as a JWKS; None where none are shown."""
    kept = directory.remembered(session, KEY.format(name))
    jwks = kept.facts.get("jwks") if kept else None
    return {"keys": [public_part(key) for key in jwks["keys"]]} if jwks else None


def _remember(
    session: Session, key: str, changes: Mapping[str, Any], now: datetime
) -> None:
    kept = directory.remembered(session, key)
    facts = dict(kept.facts) if kept else {}
    directory.remember(session, key, {**facts, **changes}, now)


def _which(left: timedelta, day: timedelta) -> str:
    """Return which reminder this is: 14, 7 or 1 days before, or a day after."""
    if left <= timedelta():
        return f"late {int(-left / day)}"
    return str(next((n for n in reversed(WARNED) if left <= n * day), WARNED[0]))
