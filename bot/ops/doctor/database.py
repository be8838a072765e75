"""The database and the key of its audit, looked at beside a bot that may run."""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.core.words import SettingError
from bot.ops.doctor.findings import Sheet, counted
from bot.settings import Timing
from bot.store import queries, replicas
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import require_current
from bot.store.sqlite import is_run_on
from bot.store.tables import Event, Pin
from bot.store.verification import verify
from bot.workflow.freezing import frozen

Pins = Mapping[tuple[str, str, str], str]
"""The ids that names of authority were led to, by integration, kind and name."""

KEPT_BESIDE = (
    "The audit's key lies beside the database, so who can copy the one has the other."
)
LATE = timedelta(minutes=5)
"""A removal this late is no matter of the moment any more."""

MOST_EVENTS = 100_000
VERIFY = "access-bot audit verify"

OTHER_KEY = (
    "Set AUDIT_KEY to the key the database began with; if it is that, run: "
    "access-bot audit verify"
)


def look_at_database(
    sheet: Sheet, url: str, *, key: Callable[[], bytes], is_given: bool
) -> Pins:
    """Look at the database, who runs on it, and its key; return what names led to.

    `key` reads the audit's key, or raises SettingError; `is_given` tells that
    AUDIT_KEY is set.
    """
    try:
        database = open_database(url)
    except SettingError as error:
        sheet.failed("database", error.problem, error.remedy)
        sheet.unchecked("audit key", "There is no database that it could fit.")
        return {}
    with closing(database), sheet.trying("database"):
        require_current(database)
        sheet.ok("database", f"{database.name} is ours alone, and of this version.")
        _look_at_runner(sheet, database)
        _look_at_key(sheet, database, key, is_given)
        _look_at_removals(sheet, database)
        _look_at_freezes(sheet, database)
        return database.look(_pinned)
    return {}


def _look_at_runner(sheet: Sheet, database: Database) -> None:
    """Say whether a bot runs: one that holds the SQLite file, or any that works."""
    held = database.look(queries.count_live)
    if _is_run(database):
        sheet.ok("run", "`access-bot run` is alive.")
    elif held:
        says = f"`access-bot run` is not running, and {counted(held, 'grant')} would "
        sheet.warning("run", f"{says}not end.", "Start it: access-bot run")
    else:
        sheet.ok("run", "`access-bot run` is not running now.")


def _is_run(database: Database) -> bool:
    if database.path is not None:
        return is_run_on(database.path)
    silent = Timing().beat * replicas.SILENT
    return database.look(replicas.is_any_alive, silent, datetime.now(UTC))


def _look_at_key(
    sheet: Sheet, database: Database, key: Callable[[], bytes], is_given: bool
) -> None:
    with sheet.trying("audit key"):
        newest, chain = database.look(_newest), Chain(key())
        if newest is not None and not chain.fits(newest):
            says = "The newest event of the audit does not fit the audit's key."
            sheet.failed("audit key", says, OTHER_KEY)
            return
        if is_given:
            sheet.ok("audit key", "AUDIT_KEY is set, and fits what is kept.")
        else:
            remedy = "Set AUDIT_KEY to what is in that file, and keep it elsewhere."
            sheet.warning("audit key", KEPT_BESIDE, remedy)
        _look_at_audit(sheet, database, chain)


def _look_at_audit(sheet: Sheet, database: Database, chain: Chain) -> None:
    """Look whether the audit verifies, where that is a matter of seconds."""
    if database.look(_count_events) > MOST_EVENTS:
        sheet.ok("audit", f"More than {MOST_EVENTS} events are verified by: {VERIFY}")
    elif found := database.look(_count_findings, chain):
        says = f"The audit does not verify: {counted(found, 'finding')}."
        sheet.failed("audit", says, f"See which, and keep a copy as it is: {VERIFY}")
    else:
        sheet.ok("audit", "Every event fits, and every row is as it tells.")


def _look_at_removals(sheet: Sheet, database: Database) -> None:
    now = datetime.now(UTC)
    overdue = database.look(queries.count_overdue, now)
    oldest = database.look(queries.oldest_overdue, now)
    if overdue:
        says = f"{counted(overdue, 'membership')} should have ended by now."
        remedy = (
            "See that `access-bot run` is alive, and why in its log, at “row waits”: "
            "access-bot grants"
        )
        is_late = oldest is not None and now - oldest > LATE
        (sheet.failed if is_late else sheet.warning)("removals", says, remedy)
    else:
        sheet.ok("removals", "No removal is due.")


def _look_at_freezes(sheet: Sheet, database: Database) -> None:
    found = database.look(frozen)
    if found:
        says = f"Nobody can ask for what is frozen: {', '.join(found)}."
        sheet.warning("frozen", says, "access-bot unfreeze, once that is right.")
    else:
        sheet.ok("frozen", "Nothing is frozen.")


def _count_events(session: Session) -> int:
    return session.exec(select(func.count(col(Event.seq)))).one()


def _count_findings(session: Session, chain: Chain) -> int:
    session.info["chain"] = chain
    return sum(1 for _ in verify(session))


def _newest(session: Session) -> Event | None:
    return session.exec(select(Event).order_by(col(Event.seq).desc()).limit(1)).first()


def _pinned(session: Session) -> Pins:
    pins = session.exec(select(Pin))
    return {(pin.integration, pin.kind, pin.name): pin.id for pin in pins}
