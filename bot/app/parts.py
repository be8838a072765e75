"""The parts the bot is built of, and what a start can live with.

With grants alive, a wrong file or a Slack that refuses us means revoke-only:
nothing is asked, approved or given, and every end goes on.
"""

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import structlog
from sqlmodel import Session

from bot.app.anchoring import Anchor, refuse_rollback
from bot.app.changes import put_in_force
from bot.app.greeting import check_slack
from bot.app.opening import read_policy
from bot.app.roles import Role
from bot.core.catalogue import Catalogue, Integration, load
from bot.core.words import SettingError
from bot.engine.schedule import Schedule
from bot.engine.worker import Bell, Line, Worker
from bot.okta.accounts import SCOPES, OktaAccounts
from bot.okta.client import OktaClient, OktaTiming
from bot.okta.directory import OktaDirectory
from bot.okta.pacing import Lane, Share
from bot.ops.health import Health
from bot.secrets import read_secret
from bot.settings import Clock, Settings, Timing
from bot.store import claims, directory, queries
from bot.store.database import Database
from bot.store.files import last_good_file
from bot.workflow.reading import Office

log = structlog.get_logger()

ENDS_ONLY = "I run revoke-only: ends go on, nothing is asked, approved or given."
"""What those who run it are told meanwhile."""

REVOKE_ONLY = (
    "I am set up wrongly, so nothing can be asked, approved or given until that is "
    "mended. What you hold still ends on time."
)
"""What everyone else is told."""


LOOP_FAILS = "It cannot look for what is due, or claim it: the log says why."
"""What stands between a loop and its work; it tries again and again."""

NOT_READ = "Its groups were not read yet."
"""What stands between an org and being ready, until it was discovered."""


@dataclass
class Fleet:
    """How many processes work on this database, this one included."""

    size: int = 1

    def share(self) -> float:
        """Return how much of Okta's limits is this process's to use."""
        return 1 / max(1, self.size)


@dataclass(kw_only=True)
class Parts:
    """What the bot is built of, in whichever mode it runs.

    `catalogue` is in force, `seen` the hash of the file as it was last looked at.
    """

    settings: Settings
    timing: Timing
    clock: Clock
    database: Database
    catalogue: Catalogue
    health: Health
    bell: Bell
    schedule: Schedule
    owner: str
    role: Role = Role.ALL
    fleet: Fleet = field(default_factory=Fleet)
    problem: str = ""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    seen: str = ""
    offices: dict[str, Office] = field(default_factory=dict)
    urgent: dict[str, Office] = field(default_factory=dict)
    published: Anchor | None = None
    unwatched: dict[str, datetime] = field(default_factory=dict)

    @property
    def revoke_only(self) -> bool:
        """Whether ends go on and nothing else does; `problem` says why."""
        return bool(self.problem)

    def worker(self, name: str, lines: Sequence[Line]) -> Worker:
        """Return a loop over `lines`, with an alarm of its own."""
        worker = Worker(
            name=name,
            owner=self.owner,
            lines=lines,
            database=self.database,
            clock=self.clock,
            timing=self.timing,
            bell=self.bell,
        )
        worker.arm = lambda due: self.schedule.arm(name, due, worker.wake)
        worker.tell = partial(self._hear_of_loop, f"{name} loop")
        return worker

    def _hear_of_loop(self, part: str, is_well: bool) -> None:
        if is_well:
            self.health.right(part)
        else:
            self.health.wrong(part, LOOP_FAILS)

    def office(self, integration: str) -> Office:
        """Return the worker's office of `integration`: its reads go before others.

        Raises SettingError when it is not there.
        """
        if integration not in self.urgent:
            raise SettingError(
                f"The integration {integration} is not in access.yaml any more.",
                "Put it back until what it gave has ended.",
            )
        return self.urgent[integration]


def okta_of(
    integration: Integration,
    clock: Clock,
    timing: Timing,
    share: Share = lambda: 1.0,
) -> OktaClient:
    """Return a client of the integration's org; its secret is read when needed.

    Its waits keep their proportion to that for one call.
    """
    return OktaClient(
        integration.org_url,
        partial(read_secret, integration.credentials),
        timing=OktaTiming().scaled(timing.okta_call / OktaTiming().deadline),
        clock=clock,
        share=share,
    )


@asynccontextmanager
async def accounts_of(
    integration: Integration, clock: Clock, timing: Timing
) -> AsyncIterator[OktaAccounts]:
    """Give the second app of the integration, which ends accounts, for a while.

    Raises SettingError where its secret cannot be read.
    """
    cleanup = integration.user_cleanup
    reference = (cleanup and cleanup.credentials) or ""
    client = OktaClient(
        integration.org_url,
        partial(read_secret, reference),
        SCOPES,
        timing=OktaTiming().scaled(timing.okta_call / OktaTiming().deadline),
        clock=clock,
    )
    async with client:
        await client.token()
        yield OktaAccounts(client)


async def build(
    stack: AsyncExitStack,
    settings: Settings,
    timing: Timing,
    database: Database,
    clock: Clock,
    role: Role = Role.ALL,
) -> Parts:
    """Return the parts; what this start can live with is in their problem.

    What the last boot held is freed, unless it may be others that hold it.
    """
    await database.read(claims.set_clock, clock)
    await database.run(directory.doubt_the_future, clock())
    if not database.is_shared:
        await database.run(claims.free_all)
    problems: list[str] = []
    with _living_with(database, problems):
        refuse_rollback(settings, database)
    with _living_with(database, problems):
        text, catalogue = read_policy(settings.access_config)
        await database.run(put_in_force, text, catalogue, clock())
    with _living_with(database, problems):
        await check_slack(settings, timing, role)
    bell = Bell()
    parts = Parts(
        settings=settings,
        timing=timing,
        clock=clock,
        database=database,
        catalogue=await database.read(policy_in_force),
        health=Health(database=database, clock=clock),
        bell=bell,
        schedule=Schedule(bell, timing),
        owner=secrets.token_hex(4),
        role=role,
        problem=" ".join(problems),
        stack=stack,
    )
    parts.seen = parts.catalogue.hash
    for integration in parts.catalogue.integrations:
        await open_office(parts, integration)
    if parts.revoke_only:
        parts.health.wrong("start", f"{parts.problem} {ENDS_ONLY}")
        log.error("revoke-only", why=parts.problem)
    return parts


@contextmanager
def _living_with(database: Database, problems: list[str]) -> Iterator[None]:
    """Let a SettingError pass only while there is something to be ended."""
    try:
        yield
    except SettingError as error:
        if not database.look(queries.anything_lives):
            raise
        problems.append(str(error))


def policy_in_force(session: Session) -> Catalogue:
    """Return what the last good access.yaml says; SettingError when there is none."""
    kept = last_good_file(session)
    if kept is None:
        raise SettingError(
            "No access.yaml was ever in force.", "Start the bot once: access-bot run."
        )
    return load(kept.text)


async def open_office(parts: Parts, integration: Integration) -> None:
    """Open the office of `integration`, over a client of its own; not yet read."""
    client = okta_of(integration, parts.clock, parts.timing, parts.fleet.share)
    await parts.stack.enter_async_context(client)
    office = office_of(
        integration,
        client,
        database=parts.database,
        catalogue=parts.catalogue,
        timing=parts.timing,
        clock=parts.clock,
    )
    parts.offices[integration.name] = office
    parts.urgent[integration.name] = replace(
        office, directory=OktaDirectory(client, Lane.GRANT)
    )
    parts.health.wrong(integration.name, NOT_READ)


@asynccontextmanager
async def visit(
    database: Database,
    catalogue: Catalogue,
    integration: Integration,
    clock: Clock | None = None,
) -> AsyncIterator[Office]:
    """Open the office of `integration` for one command, over a client of its own."""
    clock, timing = clock or Clock(), Timing()
    async with okta_of(integration, clock, timing) as client:
        yield office_of(
            integration,
            client,
            database=database,
            catalogue=catalogue,
            timing=timing,
            clock=clock,
        )


def office_of(
    integration: Integration,
    client: OktaClient,
    *,
    database: Database,
    catalogue: Catalogue,
    timing: Timing,
    clock: Clock,
) -> Office:
    """Return the office of `integration`, over `client`."""
    return Office(
        database=database,
        directory=OktaDirectory(client),
        integration=integration,
        identity=catalogue.identity,
        catalogue=catalogue,
        timing=timing,
        clock=clock,
    )
