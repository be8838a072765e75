"""The promises of the bot, held against what Okta and Slack saw.

Only what is promised of the rows themselves is read from the rows, once all is
at rest: that the audit verifies, and that nothing is held or half done.
"""

import json
import math
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from typing import Any

from bot.sandbox.okta.records import Call
from bot.store.audit import Chain
from bot.store.database import open_database
from bot.store.verification import verify
from tests.chaos.people import ENDED, HAS, WARNED
from tests.chaos.scenarios import Stage
from tests.chaos.world import AUDIT_KEY, GRANTED_FOR, GROUP, Broken, World, login

LATE_BY = 4.0
"""Seconds that a removal may take after its end, and again after each trouble."""

MOVES: Mapping[str, frozenset[str]] = {
    "": frozenset({"pending", "granting"}),
    "pending": frozenset({"approved", "denied", "cancelled", "lapsed"}),
    "granting": frozenset({"active", "revoking", "failed"}),
    "active": frozenset({"revoking", "revoked"}),
    "revoking": frozenset({"revoked"}),
}
"""The declared moves, in the judge's own words."""


def settle(stage: Stage) -> None:
    """Let everything come to rest, until nothing of ours can land any more."""
    world = stage.world
    world.wait_for(lambda: not _moving(world), "I10", "nothing is half done")
    world.jump(4 * GRANTED_FOR)
    world.wait_for(lambda: not _restless(world), "I10", "nothing is due or leased")


def judge(stage: Stage) -> Iterator[Broken]:
    """Yield each promise that was broken; the bot has stopped."""
    world = stage.world
    yield from _additions(stage)
    yield from _removals(stage)
    yield from _ends(stage)
    yield from _notices(stage)
    yield from _rows(world)
    yield from _deaths(world)
    yield from _accounts(world)
    if world.history.keyless:
        yield Broken("I11", "a call was made while Okta took no durable key")
    left = set(world.okta.members(GROUP)) - {login(each) for each in stage.standing}
    if left:
        yield Broken("I3", f"{sorted(left)} are still in the group")


def _changes(world: World) -> list[Call]:
    """Return every effect on the group's members, the oldest first."""
    return [c for c in world.okta.journal if _about(world, c) and c.actual_change]


def _about(world: World, call: Call) -> bool:
    verb, _, rest = (call.effect or "").partition(" ")
    group = rest.partition(" ")[0]
    return verb in ("add", "remove") and world.names.get(group) == GROUP


def _is_ours(call: Call) -> bool:
    return call.method != "OUTSIDE"


def _additions(stage: Stage) -> Iterator[Broken]:
    """I1, I4: each add follows an approval of its own, by who might approve."""
    world, added = stage.world, 0
    for call in world.okta.journal:
        if call.method != "PUT" or not _about(world, call):
            continue
        approved = _approved(stage, call.at)
        if not approved:
            yield Broken("I1", "an add was sent that nobody approved")
        added += call.actual_change and call.fault != "late"
        if added > approved:
            yield Broken("I4", f"{added} additions upon {approved} approvals")


def _approved(stage: Stage, at: float) -> int:
    """Return how many requests somebody allowed had begun to approve by then."""
    return len(
        {
            deed.request
            for deed in stage.people.deeds
            if deed.action == "approve"
            and deed.at <= at
            and deed.who in _owners(stage, deed.at)
        }
    )


def _owners(stage: Stage, at: float) -> frozenset[str]:
    return [names for since, names in stage.may_answer if since <= at][-1]


def _removals(stage: Stage) -> Iterator[Broken]:
    """I6: what others gave is never taken."""
    given_by_us = False
    for call in _changes(stage.world):
        is_add = (call.effect or "").startswith("add")
        if is_add:
            given_by_us = _is_ours(call)
        elif _is_ours(call) and not given_by_us:
            yield Broken("I6", "a membership was removed that others gave")


def _ends(stage: Stage) -> Iterator[Broken]:
    """I3, I9: nothing outlives the longest end that an add can have given it."""
    world, since = stage.world, None
    for call in world.okta.journal:
        if not _about(world, call) or not _is_ours(call):
            continue
        if call.method == "PUT":
            since = call.at
        elif call.actual_change and since is not None:
            ends = world.history.arrives(
                world.history.elapsed(since) + stage.longest + LATE_BY
            )
            allowed = LATE_BY * (1 + _troubles_after(world, ends))
            if call.at > ends + allowed:
                yield Broken("I3", f"removed {call.at - ends:.1f} s after its end")


def _troubles_after(world: World, at: float) -> int:
    history = world.history
    troubles = [when for when, _ in history.faults] + history.births
    return sum(when >= at - LATE_BY for when in troubles)


def _notices(stage: Stage) -> Iterator[Broken]:
    """I8: once for a grant, and once more for each crash and unanswered call."""
    world, grants = stage.world, max(1, _approved(stage, math.inf))
    posts = [c for c in world.slack.calls if c.method == "chat.postMessage" and c.ok]
    allowed = grants + len(world.history.births) - 1 + world.history.unanswered
    for kind in (HAS, ENDED, WARNED):
        for (channel, text), count in _repeated(posts, kind).items():
            if count > allowed:
                yield Broken("I8", f"{channel} was told {count} times: {text}")
    ends = [c.at for c in posts if str(c.args.get("text")).startswith(ENDED)]
    for call in posts:
        if str(call.args.get("text")).startswith(WARNED) and ends and call.at > ends[0]:
            yield Broken("I8", "the end was warned of after it had come")


def _repeated(posts: list[Any], kind: str) -> Counter[tuple[str, str]]:
    texts = [(str(c.args["channel"]), str(c.args.get("text"))) for c in posts]
    return Counter(each for each in texts if each[1].startswith(kind))


def _deaths(world: World) -> Iterator[Broken]:
    """Nothing ends the bot but a kill, and a database that it cannot open."""
    locked = any(fault.kind == "locked" for _, fault in world.history.faults)
    for _, status in world.history.deaths:
        # Who was told to stop as it was born died of that: the lane looks at it.
        if status not in (0, -signal.SIGKILL, -signal.SIGTERM) and not locked:
            yield Broken("stop", f"the bot ended by itself, with {status}")


# The rows, at rest


def _accounts(world: World) -> Iterator[Broken]:
    """I12: an account is ended once, and DELETE meets only who is deactivated."""
    ended = [call for call in world.okta.journal if _ends_account(call)]
    for verb in ("deactivate", "delete"):
        done = [c for c in ended if c.actual_change and f"{verb} " in (c.effect or "")]
        if len(done) > 1:
            yield Broken("I12", f"an account was asked to {verb} twice")
    for call in ended:
        if call.method == "DELETE" and (call.effect or "").startswith("deactivate"):
            yield Broken("I12", "DELETE was sent for an active account")


def _ends_account(call: Call) -> bool:
    return _is_ours(call) and (call.effect or "").startswith(
        ("deactivate 00u", "delete 00u")
    )


def _rows(world: World) -> Iterator[Broken]:
    if not world.is_tampered:
        yield from _audit(world)
        for subject, path in _paths(world).items():
            yield from _path(subject, path)


def _audit(world: World) -> Iterator[Broken]:
    chain = Chain(AUDIT_KEY.encode())
    database = open_database(f"sqlite:///{world.database}", chain=chain)
    try:
        for what in database.look(lambda session: [f.what for f in verify(session)]):
            yield Broken("I7", what)
    finally:
        database.close()


def _path(subject: str, path: list[tuple[int, str]]) -> Iterator[Broken]:
    """I5, I7: along the declared moves, with an event for each version."""
    for (before, was), (after, now) in pairwise([(0, ""), *path]):
        if was != now and now not in MOVES.get(was, ()):
            yield Broken("I5", f"{subject} went from {was} to {now}")
        if after != before + 1:
            yield Broken("I7", f"{subject} came to version {after} from {before}")


def _paths(world: World) -> dict[str, list[tuple[int, str]]]:
    """Return versions and statuses of each request and grant, as events tell them."""
    paths: dict[str, list[tuple[int, str]]] = {}
    told = _select(world, "select request_id, grant_id, data from event order by seq")
    for request, grant, data in told:
        row = json.loads(data).get("row")
        if row:
            subject = f"grant {grant}" if grant else f"request {request}"
            paths.setdefault(subject, []).append((row["version"], row["status"]))
    return paths


def _moving(world: World) -> list[Any]:
    return [
        *_select(
            world,
            "select id from access_grant where status in ('granting', 'revoking')",
        ),
        *_select(
            world,
            "select id from access_request where status = 'pending' and step = 0",
        ),
    ]


def _restless(world: World) -> list[Any]:
    """Return what is leased, half done, alive after its end, or still to be told."""
    held = _select(
        world,
        "select lease_owner from access_grant where lease_owner is not null"
        " union all select lease_owner from access_request"
        " where lease_owner is not null"
        " union all select lease_owner from notice where lease_owner is not null",
    )
    untold = _select(world, "select id from notice where due_at is not null")
    unsure = _select(
        world, "select id from access_grant where unsure_until is not null"
    )
    living = _select(world, "select id from access_grant where status = 'active'")
    return held + untold + unsure + living + _moving(world)


def grants_of(world: World) -> list[str]:
    """Return the grants as their rows are, for who looks into a failure."""
    rows = _select(
        world,
        "select status, cause, added_at, expires_at, ended_at, unsure_until, due_at,"
        " lease_owner from access_grant",
    )
    return [f"grant {row}" for row in rows]


def _select(world: World, statement: str) -> list[Any]:
    with closing(sqlite3.connect(world.database, timeout=10)) as file:
        return file.execute(statement).fetchall()
