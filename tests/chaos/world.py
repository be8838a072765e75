"""The world of a case: an org, a workspace, who is in them, and a bot that dies.

The bot is a forked child. It is started again whenever it ends before it is
told to, as a supervisor would, and goes on where the plan was.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from bot.sandbox import Sandbox
from bot.sandbox.faults import Fault as SandboxFault
from bot.store.audit import Chain
from bot.store.migrations import migrate
from tests.chaos.clock import SharedClock
from tests.chaos.plan import (
    KILLS,
    STEPS,
    UNANSWERED,
    Counting,
    Fault,
    Plan,
    Point,
    write_plan,
)

AUDIT_KEY = "the audit key of the chaos suite"
GROUP = "prod"
PEOPLE = ("rita", "olga", "otto", "nina", "ivan", "ada")
GRANTED_FOR = 72.0
"""Seconds a grant lasts: an hour of a day that is fifty times shorter."""

LAPSES_AFTER = 3 * 3600.0  # later than a clock that is set an hour forward
WARNED_BEFORE = 18.0
QUIET = 0.15
"""Seconds without a call after which the bot is taken to wait for time alone."""

DAY = 24 * 3600 / 50
"""Seconds of a day that is fifty times shorter."""

NOTICE = 7 * DAY
"""Seconds between the notice of an account's end and the end, in a shorter week."""

PATIENCE = 15.0
"""Seconds within which what is promised comes, also upon a crash and a fault."""

WARM = 120.0
"""Seconds within which a lane has imported the bot, on however busy a machine."""

COMMAND = 30.0
"""Seconds within which a command ends."""

LATE = 1.0
"""Seconds after which an effect comes that comes late."""

POLICY = """\
version: 1
admins: [{{user: ada@example.com}}]
integrations:
  - name: corp
    type: okta-group
    org_url: {org_url}
    credentials: file:{credentials}
    {integration}
    owner: [{{user: ivan@example.com}}]
    resource_owner: [{{key: resourceOwner, attribute: group}}]
    discovery: {{every: {hour}s}}
flows:
  - name: engineers to production
    integration: corp
    requesters: {{any: [{{group: Engineering}}]}}
    groups: {{include: [{group}]}}
    duration: {{default: {hour}s, max: {most}s}}
    {flow}
    lapse_after: {lapse}s
    warn_before: [{warn}s]
"""


@dataclass(frozen=True)
class Setting:
    """What a scenario has otherwise than the others: lines of the file, an app.

    `often` are waits of the bot's upkeep that are a second here.
    """

    flow: str = ""
    integration: str = ""
    often: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("okta.groups.manage", "okta.users.read")
    role: str = "GROUP_MEMBERSHIP_ADMIN"

    @property
    def coming_up(self) -> "Setting":
        """What differs while the bot comes up: nobody asks, and no account ends."""
        return replace(self, flow="", integration=self.integration.split("action")[0])


USUAL = Setting()


class Broken(AssertionError):
    """A promise was broken: which, and how."""

    def __init__(self, promise: str, how: str) -> None:
        super().__init__(f"{promise}: {how}")
        self.promise, self.how = promise, how


@dataclass
class History:
    """What happened to the bot and to time; instants are monotonic seconds."""

    births: list[float] = field(default_factory=list)
    deaths: list[tuple[float, int]] = field(default_factory=list)
    jumps: list[tuple[float, float]] = field(default_factory=list)
    faults: list[tuple[float, Fault]] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    opening: int = 0
    keyless: int = 0

    def elapsed(self, at: float) -> float:
        """Return `at` in the time of the world, in which an hour may be skipped."""
        return at + sum(length for when, length in self.jumps if when <= at)

    def arrives(self, elapsed: float) -> float:
        """Return the instant at which the world's time has come to `elapsed`."""
        passed = 0.0
        for when, length in self.jumps:
            if when + passed >= elapsed:
                break
            if when + passed + length >= elapsed:
                return when
            passed += length
        return elapsed - passed

    @property
    def unanswered(self) -> int:
        """How many effects the bot cannot have known of."""
        return sum(each.kind in UNANSWERED for _, each in self.faults)


class World:
    """One lane's sandbox and warm parent; `begin` makes it new for each case."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.sandbox = Sandbox()
        self.okta, self.slack = self.sandbox.okta, self.sandbox.slack
        self._new = self.folder / "new.db"
        migrate(f"sqlite:///{self._new}", Chain(AUDIT_KEY.encode()))
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._wanted, self.pid, self.exit = False, 0, 0
        self._case = self.folder / "case"
        self._ready, self._typed = threading.Event(), threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._ready.wait(WARM), "the parent has not come up"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert self._parent.stdin
        self._parent.stdin.close()
        self._parent.wait(10)
        self.sandbox.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # A case

    def begin(self, plan: Plan, mutant: str, setting: Setting = USUAL) -> None:
        """Start the bot in a new world, under `plan`, in `setting`."""
        self.setting = setting
        self.patience = PATIENCE if not mutant else PATIENCE / 2
        self.sandbox.reset()
        shutil.rmtree(self._case, ignore_errors=True)
        self._case.mkdir()
        shutil.copy(self._new, self.database)
        self.clock = SharedClock(self._case / "clock")
        self.history = History()
        self.counting, self.mutant = Counting(plan), mutant
        self.is_tampered = False
        self.names: dict[str, str] = {}
        self._people()
        self._settings = self._make_settings()
        self.okta.state.faults.watch(self._okta_call)
        self.slack.state.faults.watch(self._slack_call)
        self._wanted, self.pid, self.exit = True, 0, 0
        self._called = time.monotonic()
        self._ended.clear()
        self._bear()

    def open(self) -> None:
        """Wait until the bot has come up and rests, before anybody does anything."""
        self.wait_for(self.has_begun, "I10", "it has begun")
        # A socket that hangs is given up after 5 s and tried anew after 3 s more:
        # these are the library's seconds, and no shorter here.
        self.wait_for(lambda: self.slack.connected, "I10", "it listens")
        self.wait_for(self._is_quiet, "I10", "it comes to rest")
        self.history.opening = len(self.history.points)

    def change_policy(self, flow: str) -> None:
        """Put another line into the flow of access.yaml, as an operator does."""
        policy = self._case / "access.yaml"
        before = policy.read_text()
        beside = policy.with_suffix(".new")
        beside.write_text(
            before.replace("    warn_before", f"    {flow}\n    warn_before")
        )
        beside.replace(policy)

    def copy(self) -> Path:
        """Return a consistent copy of the database as it is now."""
        copy = self._case / "copy.db"
        with (
            closing(sqlite3.connect(self.database, timeout=10)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        return copy

    def put_back(self, copy: Path) -> None:
        """Kill the bot, and put a copy in the place of its database."""
        self._wanted = False
        while not self._ended.wait(0.2):
            self.kill()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.database}{suffix}").unlink(missing_ok=True)
        shutil.copy(copy, self.database)
        self.database.chmod(0o600)

    def rise(self) -> None:
        """Start the bot again after `put_back`."""
        self._ended.clear()
        self._wanted = True
        self._bear()

    def command(self, *words: str) -> bool:
        """Type a command, the bot being down; tell whether it went well.

        Raises TimeoutError where it does not end.
        """
        settings = {name.upper(): str(each) for name, each in self._settings.items()}
        self._typed.clear()
        self._order({"words": words, "log": str(self.log), "settings": settings})
        if not self._typed.wait(COMMAND):
            os.kill(self.pid, signal.SIGKILL)
            self._typed.wait(COMMAND)
            raise TimeoutError(f"{words} did not end")
        return self.exit == 0

    def is_ahead(self, copy: Path) -> bool:
        """Tell whether a head was published that a copy does not have."""
        path = Path(f"{self.database}.head")
        head = json.loads(path.read_text())["seq"] if path.exists() else 0
        with closing(sqlite3.connect(copy)) as file:
            return bool(head > file.execute("select max(seq) from event").fetchone()[0])

    def stop(self, within: float = 8.0) -> int:
        """Tell the bot to stop; return its exit status, -9 when it would not."""
        self._wanted = False
        self.okta.state.faults.watch(None)
        self.slack.state.faults.watch(None)
        if self.pid and not self._ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            if not self._ended.wait(within):
                os.kill(self.pid, signal.SIGKILL)
                self._ended.wait(within)
        return self.exit

    @property
    def database(self) -> Path:
        return self._case / "access-bot.db"

    @property
    def log(self) -> Path:
        return self._case / "bot.log"

    def jump(self, seconds: float) -> None:
        """Let time pass for everybody, once nothing is under way any more."""
        self.wait_for(self._is_quiet, "I10", "it comes to rest")
        with self._lock:
            self.history.jumps.append((time.monotonic(), seconds))
            self.okta.set_clock_skew(self.clock.jump + seconds)
            self.clock.jump += seconds

    def _is_quiet(self) -> bool:
        held = self.okta.state.faults.holding + self.slack.state.faults.holding
        held += self.okta.lagging
        return not held and time.monotonic() > self._called + QUIET

    def wait_for(self, condition: Callable[[], Any], promise: str, how: str) -> Any:
        """Return what `condition` comes to; Broken when it does not soon enough."""
        within = self.patience
        deadline = time.monotonic() + within
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise Broken(promise, f"not within {within:.0f} s: {how}")
            with self.slack.state.change:
                self.slack.state.change.wait(0.03)
        return found

    # The bot

    def _bear(self) -> None:
        order = {
            "settings": self._settings,
            "clock": str(self._case / "clock"),
            "log": str(self.log),
            "plan": write_plan(tuple(self.counting.plan)),
            "counts": self.counting.counts,
            "mutant": self.mutant,
            "often": self.setting.often,
        }
        self._order(order)

    def _order(self, order: dict[str, Any]) -> None:
        assert self._parent.stdin
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()

    def _listen(self) -> None:
        assert self._parent.stdout
        for line in self._parent.stdout:
            with self._lock:
                self._hear(json.loads(line))

    def _hear(self, told: dict[str, Any]) -> None:
        now = time.monotonic()
        if "ready" in told:
            self._ready.set()
        elif "typed" in told:
            self.pid = told["typed"]
        elif "done" in told:
            self.exit = told["done"]
            self._typed.set()
        elif "born" in told:
            self.pid = told["born"]
            self.history.births.append(now)
        elif "ended" in told:
            self.exit = told["ended"]
            self.history.deaths.append((now, self.exit))
            if self._wanted:
                self._bear()
            else:
                self._ended.set()
        else:
            self._passed(Point.read(told["point"]), told["fault"], now)

    def _passed(self, point: Point, fault: str, now: float) -> None:
        """Keep what the child says it passed: it counts in a copy of its own."""
        self.history.points.append(point)
        self.counting.counts[f"{point.verb}:{point.subject}"] = point.nth
        if fault:
            met = Fault.read(fault)
            self.counting.plan.remove(met)
            self.history.faults.append((now, met))

    def kill(self) -> None:
        """Kill the bot now, as a power cut would."""
        if not self.pid or self._ended.is_set():
            return
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    # Calls

    def _okta_call(self, label: str) -> SandboxFault | None:
        if "credential_rotation" in self.setting.integration:
            accepted = self.okta.app_keys(self.client_id).get(self.kid())
            self.history.keyless += not accepted
        method, _, path = label.partition(" ")
        for id_, name in self.names.items():
            path = path.replace(id_, name)
        path = path.replace("/api/v1/", "").strip("/").replace(":", "").replace(",", "")
        return self._call("okta", f"{method}-{path.replace('@', '.')}")

    def _slack_call(self, label: str) -> SandboxFault | None:
        return self._call("slack", label)

    def _call(self, verb: str, subject: str) -> SandboxFault | None:
        with self._lock:
            self._called = time.monotonic()
            point, met = self.counting.pass_by(verb, subject)
            self.history.points.append(point)
            if met is None:
                return None
            self.history.faults.append((time.monotonic(), met))
        return self._suffer(met)

    def _suffer(self, met: Fault) -> SandboxFault | None:
        if met.kind in KILLS:
            # What was sent arrives: from the bot's grave nobody can tell when.
            self.kill()
            kind = "cut_before" if met.kind == "kill_before" else "cut_after"
            return SandboxFault(match="", kind=kind)  # type: ignore[arg-type]
        if met.kind in STEPS:
            self.clock.step = STEPS[met.kind]
            return None
        return SandboxFault(match="", kind=met.kind, delay=LATE)  # type: ignore[arg-type]

    # Who is there

    def _people(self) -> None:
        okta, slack = self.okta, self.slack
        self.ids: dict[str, str] = {}
        for name in PEOPLE:
            self.names[okta.add_user(login(name), first=name.title())] = name
            self.ids[name] = slack.add_person(name, email=login(name))
        groups = {
            "Engineering": ("rita", "olga"),
            "owners": ("olga", "otto"),
            "others": ("nina",),
            GROUP: (),
            "temporary": ("rita",),
        }
        for name, members in groups.items():
            group = okta.add_group(name, members=[login(each) for each in members])
            self.names[group] = name
        okta.set_group(GROUP, resourceOwner="owners")

    def _make_settings(self) -> dict[str, Any]:
        credentials = self._case / "okta.json"
        credentials.touch(mode=0o600)
        self.app = self._new_app(self.setting.scopes, self.setting.role)
        credentials.write_text(json.dumps(self.app))
        second = self._case / "second.json"
        second.touch(mode=0o600)
        cleaning = self._new_app(("okta.users.manage", "okta.roles.read"), "ORG_ADMIN")
        second.write_text(json.dumps(cleaning))
        policy = self._case / "access.yaml"
        policy.write_text(
            POLICY.format(
                org_url=self.okta.url,
                credentials=credentials,
                group=GROUP,
                hour=int(GRANTED_FOR),
                most=int(2 * GRANTED_FOR),
                flow=self.setting.flow,
                integration=self.setting.integration.format(second=second),
                lapse=int(LAPSES_AFTER),
                warn=int(WARNED_BEFORE),
            )
        )
        return {
            "slack_bot_token": self.slack.bot_token,
            "slack_app_token": self.slack.app_token,
            "slack_api_url": f"{self.slack.url}/api/",
            "database_url": f"sqlite:///{self.database}",
            "access_config": str(policy),
            "audit_key": AUDIT_KEY,
            "jwks_folder": str(self._case),
            "port": 0,
        }

    def _new_app(self, scopes: tuple[str, ...], role: str) -> dict[str, Any]:
        made: dict[str, Any] = self.okta.new_app(scopes, role=role)
        return made

    # What upkeep does

    @property
    def client_id(self) -> str:
        return str(self.app["client_id"])

    def kid(self) -> str:
        """Return which key the durable secret has in use."""
        return str(json.loads(self.credentials.read_text())["private_key"]["kid"])

    def published(self) -> list[dict[str, Any]]:
        """Return the public keys that the bot has written for Okta to read."""
        path = self._case / "corp.json"
        keys = json.loads(path.read_text())["keys"] if path.exists() else []
        return list(keys)

    def show_only(self, *groups: str) -> None:
        """Let the bot's app see these groups alone; all of them where none is named."""
        self.okta.set_role(self.client_id, self.setting.role, groups or None)

    def reads_of(self, name: str) -> int:
        """Return how often the groups of somebody were read."""
        [id_] = [each for each, called in self.names.items() if called == name]
        path = f"/api/v1/users/{id_}/groups"
        return sum(call.path == path for call in self.okta.journal)

    def is_written(self, kind: str) -> bool:
        """Tell whether the audit has an event of this kind."""
        return self._has("select 1 from event where kind = ?", kind)

    def has_begun(self) -> bool:
        """Tell whether a policy is in force and the groups are known."""
        return self._has("select 1 from access_file") and self._has(
            "select 1 from okta_group where name = ?", GROUP
        )

    def is_held(self) -> bool:
        """Tell whether a grant is alive."""
        return self._has("select 1 from access_grant where status = 'active'")

    def is_kept(self, name: str) -> bool:
        """Tell whether the bot keeps the profile of somebody."""
        return self._has("select 1 from okta_person where login = ?", login(name))

    def is_inferred(self) -> bool:
        """Tell whether a grant was ended on what readings did not show."""
        return self._has("select 1 from access_grant where cause = 'ended outside'")

    def next_key_counts(self) -> bool:
        """Tell whether it is written since when the next key is published."""
        return self._has("select 1 from upkeep where facts like ?", '%"made": "2%')

    def _has(self, select: str, *values: str) -> bool:
        with closing(sqlite3.connect(self.database, timeout=10)) as file:
            return file.execute(select, values).fetchone() is not None

    @property
    def credentials(self) -> Path:
        return self._case / "okta.json"


def login(name: str) -> str:
    return f"{name}@example.com"
