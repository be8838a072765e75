"""Wrong bots, each of which must be caught, and where each is.

A mutant breaks one rule of the design in the forked child. Where several guards
stand behind each other it takes them all away: one alone is not missed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, true, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col

from bot.core.policy import Standing
from bot.core.words import Cause, GrantStatus
from bot.engine.schedule import Schedule
from bot.engine.worker import Bell, Worker
from bot.ops.rotation import Rotation
from bot.settings import Timing
from bot.store import evidence, moves, queries
from bot.store.tables import AccessGrant, Event, table_of
from bot.workflow.grants import ending, giving
from bot.workflow.grants.taking import StillHeld
from bot.workflow.reading import Office
from bot.workflow.upkeep import accounts as ending_accounts
from bot.workflow.upkeep import idle, reconciling


@dataclass(frozen=True)
class Mutant:
    """A wrong bot: how it is made, what it breaks, and where that is seen.

    `caught_by` are scenarios with their plans: one of them must see it.
    """

    spoil: Callable[[], None]
    breaks: str
    caught_by: tuple[tuple[str, str], ...]


def turn_into(name: str) -> None:
    """Make this process the wrong bot of that name; the right one for none."""
    if name:
        MUTANTS[name].spoil()


def _no_fence() -> None:
    """What another has written meanwhile is written over: no fence, no version."""
    guarded = moves._write

    def write(
        session: Session, row: moves.Row, fence: int | None, columns: dict[str, Any]
    ) -> None:
        table = table_of(type(row))
        stored = select(table.c.version, table.c.status).where(table.c.id == row.id)
        version, status = session.execute(stored).one()
        set_committed_value(row, "version", version)
        set_committed_value(row, "status", status)
        guarded(session, row, None, columns)

    moves._write = write


def _commit_after_effect() -> None:
    """The intent is committed once the add was sent."""

    async def add(
        office: Office, grant: AccessGrant, sent: bool, still_held: StillHeld
    ) -> bool:
        run = office.database.run
        answered = await office.directory.add_member(
            grant.group_id, grant.grantee_id, before_send=still_held
        )
        await run(giving._intend, office, grant, office.clock())
        return await run(giving._added, grant, answered, None, office.clock())

    giving._add = add


def _no_sweep() -> None:
    """Nobody looks for what is due unless a write says so."""
    begin = Schedule.__init__

    def deaf(schedule: Schedule, _bell: Bell, timing: Timing) -> None:
        begin(schedule, Bell(), timing)

    async def rest(worker: Worker, *_: object) -> None:
        await worker._woken.wait()

    Schedule.__init__ = deaf  # type: ignore[method-assign,assignment]
    Worker._rest = rest  # type: ignore[method-assign,assignment]


def _no_origin_check() -> None:
    """Whether they were a member before us is not looked at."""
    standing = queries.standing

    def nobody_stands(*args: Any, **named: Any) -> Standing:
        return replace(standing(*args, **named), is_member=False)

    queries.standing = nobody_stands


def _origin_read_twice() -> None:
    """Whether they were a member is read again after an add of ours was sent."""
    added_pair = evidence.added_pair

    def forgetful(session: Session, grant: AccessGrant) -> tuple[str, str] | None:
        given = grant.status is GrantStatus.GRANTING
        return None if given else added_pair(session, grant)

    evidence.added_pair = forgetful


def _status_past_move() -> None:
    """A grant is ended by an update of its own, without an event."""

    def end(
        session: Session,
        grant: AccessGrant,
        cause: Cause,
        by: str,
        now: datetime,
        **_: Any,
    ) -> None:
        session.execute(
            update(AccessGrant)
            .where(col(AccessGrant.id) == grant.id)
            .values(
                status=GrantStatus.REVOKING,
                version=AccessGrant.version + 1,
                cause=cause,
                ended_by=by,
                due_at=now,
            )
        )

    ending.end = end


def _seal_not_checked() -> None:
    """A row is believed as it stands."""

    def is_sealed(session: Session, grant: AccessGrant) -> bool:
        return True

    evidence.is_sealed = is_sealed


def _no_event() -> None:
    """Being warned is written without a word in the audit."""
    advance = moves.advance

    def silent(
        session: Session, row: moves.Row, what: str, /, **columns: Any
    ) -> Event | None:
        if what != "warned":
            return advance(session, row, what, **columns)
        session.execute(
            update(AccessGrant)
            .where(col(AccessGrant.id) == row.id)
            .values(
                version=AccessGrant.version + 1,
                due_at=columns["due_at"],
                lease_owner=None,
                lease_until=None,
            )
        )
        return None

    moves.advance = silent  # type: ignore[assignment]


def _trust_the_listing() -> None:
    """A membership that a listing does not show is taken for removed."""

    async def is_gone(*_: Any) -> bool:
        return True

    reconciling._is_gone = is_gone  # type: ignore[assignment]


def _delete_retried() -> None:
    """An account is deleted by DELETE, sent until it is gone."""

    async def act(office: Office, accounts: Any, row: Any, now: datetime) -> int:
        for _ in range(2):
            await accounts.delete(row.person_id)
        return 1

    ending_accounts._act = act


def _cleans_up_inferred() -> None:
    """An end that was inferred from a listing counts as the end of access."""

    def is_proven(last: Any) -> Any:
        return true()

    idle._is_proven = is_proven


def _used_before_the_proof() -> None:
    """The next key is used before Okta took it, and the old one is dropped."""

    async def change(rotation: Rotation, ring: Any, facts: Any, due: datetime) -> Any:
        if rotation.clock() < due or ring.before is not None:
            return ring
        return await rotation._switch(await rotation._make_next(ring))

    Rotation._change = change  # type: ignore[method-assign,assignment]


ADD = "okta:PUT-groups/prod/users/rita:1"

MUTANTS: Mapping[str, Mutant] = {
    "no fence": Mutant(
        _no_fence,
        "I5",
        tuple(
            ("given_back_while_granting", f"timeout_before@okta:GET-users/{read}")
            for read in ("rita:4", "rita/groups:4", "rita:3", "rita:5")
        ),
    ),
    "commit after effect": Mutant(
        _commit_after_effect, "I3", (("plain_life", f"kill_after@{ADD}"),)
    ),
    "no sweep": Mutant(_no_sweep, "I3", (("plain_life", ""),)),
    "no origin check": Mutant(_no_origin_check, "I6", (("standing_member", ""),)),
    "origin read twice": Mutant(
        _origin_read_twice, "I3", (("plain_life", f"kill_after@{ADD}"),)
    ),
    "status written past move()": Mutant(
        _status_past_move, "I7", (("plain_life", ""),)
    ),
    "seal not checked": Mutant(_seal_not_checked, "I3", (("changed_by_hand", ""),)),
    "a move without its event": Mutant(_no_event, "I7", (("plain_life", ""),)),
    "trust the listing": Mutant(
        _trust_the_listing, "listing", (("hidden_for_a_while", ""),)
    ),
    "delete retried": Mutant(_delete_retried, "I12", (("account_ended", ""),)),
    "clean-up on an inferred end": Mutant(
        _cleans_up_inferred, "I12", (("account_spared", ""),)
    ),
    "a key used before the proof": Mutant(
        _used_before_the_proof, "I11", (("key_changed", ""),)
    ),
}
