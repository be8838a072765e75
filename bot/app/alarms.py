"""The periodic upkeep of each integration, and of the bot as a whole."""

import asyncio
from dataclasses import asdict
from functools import partial

import structlog

from bot.app import replicas
from bot.app.anchoring import is_rolled_back, publish_head, stop_giving
from bot.app.parts import Parts, accounts_of
from bot.app.recovering import watch, whose
from bot.core.words import AccessBotError, SettingError
from bot.ops.rotation import Rotation
from bot.store import claims, queries
from bot.workflow import grants, upkeep
from bot.workflow.reading import Office

log = structlog.get_logger()


def set_alarms(parts: Parts) -> None:
    """Schedule the periodic upkeep; each job also runs at once.

    The audit's head is every process's to publish: each knows only what it published
    itself, and one that knows of none would take an older database for the newest.
    """
    parts.schedule.every(parts.timing.anchor, "anchor", partial(_anchor, parts))
    if not parts.role.works:
        return
    replicas.every(parts, parts.timing.retain, "retain", partial(_retain, parts))
    replicas.every(parts, parts.timing.verify, "backlog", partial(_tell_backlog, parts))
    replicas.every(parts, parts.timing.verify, "clock", partial(_keep_clock, parts))
    for name in parts.offices:
        set_alarms_of(parts, name)


def set_alarms_of(parts: Parts, name: str) -> None:
    """Schedule the upkeep of one integration, as its file is now; at once, too."""
    every = partial(replicas.every, parts)
    office, timing = parts.offices[name], parts.timing
    every(timing.verify, f"look after {name}", partial(grants.look_after, office))
    every(timing.lost, f"look for lost {name}", partial(grants.look_for_lost, office))
    end_strays = partial(upkeep.end_strays, office, partial(whose, office))
    every(timing.reconcile, f"end strays {name}", end_strays)
    if office.integration.credential_rotation:
        rotation = Rotation(
            integration=office.integration,
            database=parts.database,
            clock=parts.clock,
            timing=timing,
            folder=parts.settings.jwks_folder,
        )
        every(timing.rotate, f"rotate {name}", partial(_rotate, rotation))
    every(timing.reconcile, f"reconcile {name}", partial(_reconcile, office))
    if parts.revoke_only:
        end = partial(grants.end_unconfirmed, office)
        every(timing.verify, f"end unconfirmed {name}", end)
        return
    whole, between = office.integration.discovery.every, timing.discover_changes
    # A changed file may name what was never read: what others read does not count.
    discover, file = partial(_discover, parts, office), parts.catalogue.hash
    every(whole, f"discover {name}", discover, about=file)
    if between < whole:
        changes = partial(upkeep.discover_changes, office)
        every(between, f"discover changes {name}", changes)
    every(timing.watch, f"watch {name}", partial(_watch, parts, office))
    cleanup = office.integration.user_cleanup
    if cleanup and cleanup.action == "forget":
        wait = min(timing.clean_up, cleanup.after)
        every(wait, f"clean up {name}", partial(_clean_up, office))
    elif cleanup:
        ending = partial(_end_accounts, parts, office)
        every(timing.clean_up, f"clean up {name}", ending)


def forget_alarms_of(parts: Parts, name: str) -> None:
    """Run the upkeep of an integration no more."""
    for job in ("look after", "look for lost", "discover", "discover changes"):
        parts.schedule.forget(f"{job} {name}")
    parts.schedule.forget(f"end strays {name}")
    parts.schedule.forget(f"reconcile {name}")
    parts.schedule.forget(f"rotate {name}")
    parts.schedule.forget(f"watch {name}")
    parts.schedule.forget(f"clean up {name}")


async def _discover(parts: Parts, office: Office) -> None:
    """Discover, and say whether the bot knows this org by now."""
    try:
        count = await upkeep.discover(office)
    except AccessBotError as error:
        parts.health.wrong(office.name, str(error))
        raise
    parts.health.right(office.name)
    log.info("discovered", integration=office.name, groups=count)


async def _reconcile(office: Office) -> None:
    """Reconcile, and say how many grants ended by it."""
    count = await upkeep.reconcile(office)
    if count:
        log.info("grants ended by reconcile", integration=office.name, grants=count)


async def _clean_up(office: Office) -> None:
    """Clean up, and say how many people are no longer known."""
    count = await upkeep.clean_up(office)
    if count:
        log.info("people forgotten", integration=office.name, people=count)


async def _watch(parts: Parts, office: Office) -> None:
    """Look at what was done with our key; where we may not, try again in a day."""
    until = parts.unwatched.get(office.name)
    if until is not None and parts.clock() < until:
        return
    try:
        foreign = await watch(office)
    except SettingError:
        parts.unwatched[office.name] = parts.clock() + parts.timing.day
        return
    if foreign:
        log.error("key used elsewhere", integration=office.name, changes=foreign)


async def _rotate(rotation: Rotation) -> None:
    """Look after a key; what stands in the way is told to the owner, once a day."""
    try:
        await rotation.step()
    except SettingError as error:
        await rotation.complain(str(error))
        raise


async def _end_accounts(parts: Parts, office: Office) -> None:
    """End accounts through the second app, and say how many."""
    async with accounts_of(office.integration, parts.clock, parts.timing) as accounts:
        count = await upkeep.end_accounts(office, accounts)
    if count:
        log.info("accounts ended", integration=office.name, accounts=count)


async def _retain(parts: Parts) -> None:
    """Let go of what is kept too long, and say how much."""
    rule = parts.catalogue.retention
    let_go = await upkeep.retain(parts.database, rule, parts.clock())
    if any(asdict(let_go).values()):
        log.info("let go", **asdict(let_go))


async def _anchor(parts: Parts) -> None:
    """Publish the head of the audit where it has moved on; a disk may take its time.

    Where one that was published is gone, nothing is given from then on.
    """
    known = parts.settings, parts.database, parts.published
    if not parts.revoke_only and await asyncio.to_thread(is_rolled_back, *known):
        log.error("the database is older than its published head")
        await parts.database.run(stop_giving, list(parts.offices), parts.clock())
        return
    parts.published = await asyncio.to_thread(
        publish_head, parts.settings, parts.database, parts.published
    )


async def _keep_clock(parts: Parts) -> None:
    await parts.database.run(claims.keep_clock, parts.clock())


async def _tell_backlog(parts: Parts) -> None:
    """Say how many removals are due and when all are done, where it is not at once."""
    now = parts.clock()
    backlog = await parts.database.read(queries.count_overdue, now)
    finish = grants.finish_of(backlog)
    if finish > parts.timing.sweep:
        log.warning("revocations due", count=backlog, finish=(now + finish).isoformat())
