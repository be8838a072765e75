"""The key of the app is changed in time, and one durable key is always accepted."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jwt.algorithms import RSAAlgorithm
from sqlmodel import Session, col, select

from bot.core.catalogue import Integration
from bot.core.catalogue.integrations import Rotation as Rule
from bot.core.words import AccessBotError, SettingError
from bot.okta.client import SCOPES, OktaClient, OktaTiming
from bot.okta.keys import MANAGE_SCOPE, add_key, app_keys, public_part
from bot.ops import key_ring
from bot.ops.key_ring import KeyRing
from bot.ops.rotation import Rotation, ask_for_rotation, due_of, published
from bot.sandbox import Sandbox
from bot.sandbox.faults import Kind
from bot.sandbox.okta import OktaOrg
from bot.secrets import write_secret
from bot.settings import Clock, Timing
from bot.store.database import Database
from bot.store.tables import Event, Notice, Upkeep
from tests.conftest import both_engines, lasting_database

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BRISK = OktaTiming(
    deadline=timedelta(milliseconds=700),
    patience=timedelta(seconds=2),
    backoff=timedelta(milliseconds=1),
    backoff_most=timedelta(milliseconds=1),
)


class Ring:
    """An app with its secret in a file, and the rotation of its key."""

    def __init__(self, org: OktaOrg, database: Database, folder: Path) -> None:
        self.org, self.database = org, database
        self.app = org.new_app([*SCOPES, MANAGE_SCOPE], role="SUPER_ADMIN")
        self.path = folder / "okta.json"
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self.app))
        self.wall = 1_800_000_000.0
        self.clock = Clock(wall=lambda: self.wall, monotonic=lambda: 0.0)

    def rotation(self, mode: str, **changes: Any) -> Rotation:
        rule = Rule.model_validate(
            {
                "every": "90d",
                "mode": mode,
                **({"accept_super_admin": "true"} if mode == "automatic" else {}),
            }
        )
        integration = Integration.model_validate(
            {
                "name": "corp",
                "type": "okta-group",
                "org_url": self.org.url,
                "credentials": changes.pop("credentials", f"file:{self.path}"),
            }
        ).model_copy(update={"credential_rotation": rule})
        return Rotation(
            integration=integration,
            database=self.database,
            clock=self.clock,
            timing=Timing(),
            okta=BRISK,
            **changes,
        )

    async def pass_time(self, rotation: Rotation, length: timedelta) -> None:
        """Let time pass for us and for Okta, and look once."""
        self.wall += length.total_seconds()
        await rotation.step()

    @property
    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    @property
    def kid(self) -> str:
        return KeyRing.read(f"file:{self.path}").kid

    async def in_okta(self) -> dict[str, bool]:
        """Return the keys of the app, by kid, with whether each is active."""
        async with self._client(MANAGE_SCOPE) as client:
            keys = await app_keys(client, self.app["client_id"])
        return {key.kid: key.is_active for key in keys}

    async def admin_adds(self, public: Mapping[str, Any]) -> None:
        async with self._client(MANAGE_SCOPE) as client:
            await add_key(client, self.app["client_id"], public)

    def _client(self, *scopes: str) -> OktaClient:
        text = self.path.read_text()
        return OktaClient(self.org.url, lambda: text, scopes, timing=BRISK)

    def told(self) -> list[str]:
        in_order = select(Notice).order_by(col(Notice.id))
        return self.database.look(lambda s: [n.facts["text"] for n in s.exec(in_order)])


engine = both_engines
database = lasting_database


@pytest.fixture
def ring(sandbox: Sandbox, database: Database, tmp_path: Path) -> Ring:
    return Ring(sandbox.okta, database, tmp_path)


async def test_the_owner_is_reminded_with_the_key_to_paste_and_then_it_is_used(
    ring: Ring,
) -> None:
    rotation, old = ring.rotation("remind"), ring.kid
    await rotation.step()
    await ring.pass_time(rotation, 75 * DAY)
    assert ring.told() == []
    await ring.pass_time(rotation, 2 * DAY)
    [said] = ring.told()
    public = json.loads(said[said.index("{") :])
    assert public == public_part(ring.written["next_key"])
    assert "d" not in public
    assert ring.kid == old
    await ring.admin_adds(public)
    await ring.pass_time(rotation, HOUR)
    assert ring.kid == public["kid"] != old
    assert f"the old one ({old}) may be removed" in ring.told()[-1]
    assert ring.written["key_before"]["kid"] == old
    await ring.pass_time(rotation, HOUR)
    assert "key_before" not in ring.written
    assert set(await ring.in_okta()) == {old, ring.kid}


async def test_reminders_come_14_7_and_1_days_before_and_daily_after(
    ring: Ring,
) -> None:
    rotation = ring.rotation("remind")
    await rotation.step()
    ring.wall += 74 * DAY.total_seconds()
    came = []
    for day in range(75, 94):
        before = len(ring.told())
        await ring.pass_time(rotation, DAY)
        if len(ring.told()) > before:
            came.append(day - 90)
    assert came == [-14, -7, -1, 0, 1, 2, 3]


async def test_a_published_key_is_out_a_day_before_it_is_used(
    ring: Ring, tmp_path: Path
) -> None:
    rotation, old = ring.rotation("jwks_uri", folder=tmp_path), ring.kid
    await rotation.step()
    assert _published(ring) == [old]
    await ring.pass_time(rotation, 89 * DAY)
    both = _published(ring)
    assert both == [old, ring.written["next_key"]["kid"]]
    file = json.loads((tmp_path / "corp.json").read_text())
    assert [key["kid"] for key in file["keys"]] == both
    assert not any("d" in key for key in file["keys"])
    # Okta fetches them: in the sandbox, an admin does.
    await ring.admin_adds(dict(file["keys"][1]))
    await ring.pass_time(rotation, 0.5 * DAY)
    assert ring.kid == old
    await ring.pass_time(rotation, 0.5 * DAY)
    assert ring.kid == both[1]
    assert _published(ring) == [both[1], old]
    await ring.pass_time(rotation, HOUR)
    assert _published(ring) == [both[1]]


def _published(ring: Ring) -> list[str]:
    jwks = ring.database.look(lambda session: published(session, "corp"))
    return [key["kid"] for key in (jwks or {"keys": []})["keys"]]


async def test_automatic_adds_proves_switches_and_removes(ring: Ring) -> None:
    rotation, old = ring.rotation("automatic"), ring.kid
    await rotation.step()
    await ring.pass_time(rotation, 89 * DAY)
    assert ring.kid == old
    await ring.pass_time(rotation, DAY)
    fresh = ring.kid
    assert fresh != old
    assert await ring.in_okta() == {old: True, fresh: True}
    await ring.pass_time(rotation, HOUR)
    assert await ring.in_okta() == {fresh: True}
    assert set(ring.written) == {"client_id", "private_key"}
    kinds = [e.kind for e in ring.database.look(lambda s: s.exec(select(Event)).all())]
    assert kinds == ["key made", "key switched", "key dropped"]


async def test_with_another_active_key_nothing_is_changed(ring: Ring) -> None:
    rotation, old = ring.rotation("automatic"), ring.kid
    await rotation.step()
    other = ring.org.new_app()["private_key"]
    await ring.admin_adds(public_part({**other, "kid": "another"}))
    await ring.pass_time(rotation, 91 * DAY)
    assert ring.kid == old
    assert "other active keys" in ring.told()[-1]
    assert "next_key" not in ring.written


async def test_a_key_that_okta_does_not_take_is_given_up(ring: Ring) -> None:
    rotation, old = ring.rotation("automatic"), ring.kid
    await rotation.step()
    ring.org.fail("POST .*/jwks$", "500", times=None)
    with pytest.raises(AccessBotError):
        await ring.pass_time(rotation, 91 * DAY)
    ring.org.mend()
    proof = rotation._is_accepted

    async def never(_: KeyRing) -> bool:
        return False

    object.__setattr__(rotation, "_is_accepted", never)
    await ring.pass_time(rotation, HOUR)
    assert len(await ring.in_okta()) == 2
    await ring.pass_time(rotation, 2 * DAY)
    object.__setattr__(rotation, "_is_accepted", proof)
    assert await ring.in_okta() == {old: True}
    assert "next_key" not in ring.written
    assert "went back" in ring.told()[-1]


CALLS = ["GET .*/jwks", "POST .*/jwks$", "deactivate", "DELETE .*/jwks", "token"]


@pytest.mark.parametrize("kind", ["500", "timeout_after"])
@pytest.mark.parametrize("call", CALLS)
async def test_whatever_call_fails_one_durable_key_is_accepted_and_it_ends_well(
    ring: Ring, call: str, kind: Kind
) -> None:
    rotation, old = ring.rotation("automatic"), ring.kid
    await rotation.step()
    ring.wall += 90 * DAY.total_seconds()
    ring.org.fail(call, kind)
    for _ in range(6):
        with suppress(AccessBotError):
            await ring.pass_time(rotation, HOUR)
        ring.org.mend()
        assert (await ring.in_okta())[ring.kid]
    assert ring.kid != old
    assert await ring.in_okta() == {ring.kid: True}


@pytest.mark.parametrize("at", range(4))
async def test_killed_at_any_write_one_durable_key_is_accepted_and_it_ends_well(
    ring: Ring, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation, old = ring.rotation("automatic"), ring.kid
    await rotation.step()
    ring.wall += 90 * DAY.total_seconds()
    monkeypatch.setattr(key_ring, "write_secret", _dying(at))
    for _ in range(6):
        with suppress(Killed):
            await ring.pass_time(rotation, HOUR)
        assert (await ring.in_okta())[ring.kid]
    assert ring.kid != old
    assert await ring.in_okta() == {ring.kid: True}


@pytest.mark.parametrize("at", range(4))
async def test_killed_at_any_write_a_published_key_comes_in_use_all_the_same(
    ring: Ring, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation, old = ring.rotation("jwks_uri"), ring.kid
    await rotation.step()
    ring.wall += 89 * DAY.total_seconds()
    monkeypatch.setattr(key_ring, "write_secret", _dying(at))
    for _ in range(6):
        with suppress(Killed):
            await ring.pass_time(rotation, DAY + HOUR)
        keys = ring.database.look(lambda session: published(session, "corp"))
        ring.org.fetch_keys(ring.app["client_id"], dict(keys or {"keys": []}))
        assert (await ring.in_okta())[ring.kid]
    assert ring.kid != old


class Killed(Exception):
    """The process died here."""


def _dying(at: int) -> Callable[[str, str], None]:
    """Return a writer that dies once: before a write (even) or after one (odd)."""
    write, count = write_secret, 0

    def dying(reference: str, value: str) -> None:
        nonlocal count
        count += 1
        if count == at // 2 + 1 and at % 2 == 0:
            raise Killed
        write(reference, value)
        if count == at // 2 + 1 and at % 2 == 1:
            raise Killed

    return dying


async def test_a_slow_secret_store_does_not_hold_up_whoever_clicks(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[tuple[str, bool]] = []

    def noting(name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: str) -> Any:
            is_loop = threading.current_thread() is threading.main_thread()
            used.append((name, is_loop))
            return whole(*args)

        return noted

    for name in ("read_secret", "write_secret"):
        monkeypatch.setattr(key_ring, name, noting(name, getattr(key_ring, name)))
    rotation = ring.rotation("automatic")
    await rotation.step()
    await ring.pass_time(rotation, 90 * DAY)
    await ring.pass_time(rotation, 2 * HOUR)
    assert set(used) == {("read_secret", False), ("write_secret", False)}


async def test_a_secret_that_cannot_be_written_is_said_so(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OKTA", ring.path.read_text())
    rotation = ring.rotation("remind", credentials="env:OKTA")
    await rotation.step()
    with pytest.raises(SettingError, match="cannot be written"):
        await ring.pass_time(rotation, 80 * DAY)
    await rotation.complain("x")
    assert "cannot look after the Okta key" in ring.told()[-1]


async def test_a_change_that_is_asked_for_is_begun_at_once(ring: Ring) -> None:
    rotation, old = ring.rotation("automatic"), ring.kid
    await rotation.step()
    due = ring.database.look(lambda s: due_of(s, rotation.integration))
    assert due == ring.clock() + 90 * DAY
    await ring.database.run(ask_for_rotation, "corp", by="cli:ops", now=ring.clock())
    await ring.pass_time(rotation, HOUR)
    assert ring.kid != old


def _as_jwks(app: Mapping[str, Any]) -> Any:
    return {"keys": [app["private_key"]]}


def _as_text(app: Mapping[str, Any]) -> Any:
    return json.dumps(app["private_key"])


def _as_pem(app: Mapping[str, Any]) -> Any:
    key = RSAAlgorithm.from_jwk(app["private_key"])
    assert isinstance(key, RSAPrivateKey)
    kind, bare = PrivateFormat.PKCS8, NoEncryption()
    return key.private_bytes(Encoding.PEM, kind, bare).decode()


@pytest.mark.parametrize("shape", [_as_jwks, _as_text, _as_pem])
async def test_nothing_private_is_published_in_whatever_shape_the_key_was_pasted(
    ring: Ring, shape: Callable[[Mapping[str, Any]], Any], tmp_path: Path
) -> None:
    old = ring.kid
    pasted = {**ring.app, "private_key": shape(ring.app), "kid": old}
    ring.path.write_text(json.dumps(pasted))
    rotation = ring.rotation("jwks_uri", folder=tmp_path / "shown")
    (tmp_path / "shown").mkdir()
    await rotation.step()
    await ring.pass_time(rotation, 89 * DAY)
    shown = ring.database.look(lambda session: published(session, "corp"))
    kept = ring.database.look(_facts)
    told = json.loads((tmp_path / "shown" / "corp.json").read_text())
    assert shown == told == {"keys": kept["keys"]}
    assert next(key["kid"] for key in told["keys"]) == old
    assert len(told["keys"]) == 2
    public = {"kty", "kid", "use", "alg", "n", "e"}
    assert [key.keys() for key in told["keys"]] == [public, public]


async def test_what_an_earlier_version_published_too_much_of_is_not_shown(
    ring: Ring,
) -> None:
    await ring.rotation("remind").step()
    ring.database.transact(_publish_private, ring.app["private_key"])
    shown = ring.database.look(lambda session: published(session, "corp"))
    assert shown is not None
    assert "d" not in shown["keys"][0]


def _facts(session: Session) -> Mapping[str, Any]:
    row = session.get_one(Upkeep, "key:corp")
    jwks: Mapping[str, Any] = row.facts["jwks"]
    return jwks


def _publish_private(session: Session, jwk: Mapping[str, Any]) -> None:
    row = session.get_one(Upkeep, "key:corp")
    row.facts = {**row.facts, "jwks": {"keys": [jwk]}}


async def test_what_was_written_is_for_its_owner_alone(ring: Ring) -> None:
    rotation = ring.rotation("remind")
    await rotation.step()
    await ring.pass_time(rotation, 80 * DAY)
    assert ring.path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in ring.path.parent.iterdir() if "okta" in p.name] == [
        "okta.json"
    ]
