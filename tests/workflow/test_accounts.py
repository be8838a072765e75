"""Okta accounts ended by clean-up: late, rarely, and never who is protected."""

import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.core.words import Cause, GrantStatus
from bot.okta.accounts import SCOPES, OktaAccounts
from bot.okta.client import OktaClient
from bot.sandbox.faults import Kind
from bot.store.tables import AccessGrant, AccessRequest, AccountEnd, Notice
from bot.workflow import upkeep
from bot.workflow.upkeep import accounts, announcing, end_accounts
from tests.workflow.world import HOUR, QUICK, START, World, known

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
RULE = (
    "user_cleanup: {{after: 30d, action: {action}, credentials: env:SECOND, "
    "only_members_of: [{{group: Temporary}}]}}"
)
ANN = "ann@example.com"


@pytest.fixture
async def second(world: World) -> AsyncIterator[OktaAccounts]:
    """The second app; Ann had her access once, and is a temporary user."""
    world.org.add_group("Temporary", members=[ANN])
    secret = json.dumps(world.org.new_app(SCOPES, role="ORG_ADMIN"))
    client = OktaClient(
        world.org.url, lambda: secret, SCOPES, timing=QUICK, clock=world.clock
    )
    async with client:
        await client.token()
        yield OktaAccounts(client)


async def _had_access(world: World, action: str = "delete") -> None:
    world.open_office(cleanup=RULE.format(action=action))
    await world.open()
    await world.held()
    world.wait(timedelta(hours=2))
    await world.work()
    assert world.grant().status is GrantStatus.REVOKED


async def _pass(world: World, second: OktaAccounts, wait: timedelta) -> int:
    """Let time pass for us and for Okta, and look once."""
    world.wait(wait)
    world.org.set_clock_skew(world.wall - time.time())
    await second._client.request("GET", "/api/v1/users?limit=1")
    return await end_accounts(world.office, second)


def _deliver(session: Session, now: datetime) -> None:
    for notice in session.exec(select(Notice).where(Notice.kind == "cleanup")):
        notice.posted_at, notice.ts, notice.channel = now, "1.2", "D1"
        session.add(notice)


def _status(world: World) -> str:
    return world.org.status(ANN) or "deleted"


async def _told(world: World, second: OktaAccounts) -> None:
    """Let the owner be told of Ann's account, and it be seen that they were."""
    await _pass(world, second, 24 * DAY)
    assert world.told("cleanup") == ["lead"]
    await world.run(_deliver, world.clock())
    assert await _pass(world, second, timedelta(0)) == 0


@pytest.mark.parametrize(
    ("action", "status"),
    [("suspend", "SUSPENDED"), ("deactivate", "DEPROVISIONED"), ("delete", "deleted")],
)
async def test_an_account_is_ended_after_its_notice_and_no_earlier(
    world: World, second: OktaAccounts, action: str, status: str
) -> None:
    await _had_access(world, action)
    assert await _pass(world, second, 22 * DAY) == 0
    assert world.told("cleanup") == []
    await _told(world, second)
    assert await _pass(world, second, 6.9 * DAY) == 0
    assert _status(world) == "ACTIVE"
    assert await _pass(world, second, 0.2 * DAY) == 1
    assert _status(world) == status
    kinds = [kind for kind in world.events() if kind.startswith("account:")]
    assert kinds[-1] == f"account: {action} done"


async def _by_the_day(world: World, second: OktaAccounts) -> int:
    """Let a week pass after a notice, and look."""
    return await _pass(world, second, 8 * DAY)


async def test_nothing_is_done_before_somebody_was_really_told(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    await _pass(world, second, 24 * DAY)
    assert await _pass(world, second, 60 * DAY) == 0
    assert _status(world) == "ACTIVE"


async def test_an_end_that_was_only_inferred_is_no_reason(
    world: World, second: OktaAccounts
) -> None:
    world.open_office(cleanup=RULE.format(action="delete"))
    await world.open()
    await world.held(duration=8 * HOUR)
    world.org.remove_member("prod-db", ANN)
    for _ in range(2):
        world.wait(timedelta(minutes=2))
        await upkeep.reconcile(world.office)
    assert world.grant().cause is Cause.ENDED_OUTSIDE
    await _pass(world, second, 40 * DAY)
    assert world.told("cleanup") == []


async def test_who_is_kept_is_left_alone_for_good(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    await _told(world, second)
    ann = world.ids["ann"]
    kept = await world.run(
        announcing.keep, "corp", ann, by="okta:lead", now=world.clock()
    )
    assert kept
    assert await _by_the_day(world, second) == 0
    assert await _by_the_day(world, second) == 0
    assert _status(world) == "ACTIVE"


async def test_who_has_access_again_is_left_alone(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    await _told(world, second)
    world.wait(6 * DAY)
    known(await world.ask())
    assert await _by_the_day(world, second) == 0
    assert _status(world) == "ACTIVE"


async def test_nothing_is_done_while_the_clocks_disagree(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    await _told(world, second)
    world.wait(8 * DAY)
    assert await end_accounts(world.office, second) == 0
    assert _status(world) == "ACTIVE"
    assert await _pass(world, second, timedelta(0)) == 1


def _becomes_admin(world: World) -> None:
    world.org.set_user_roles(ANN, ["HELP_DESK_ADMIN"])


def _leaves_the_bound(world: World) -> None:
    world.org.remove_member("Temporary", ANN)


def _decides(world: World) -> None:
    world.org.add_member("DBAs", ANN)


def _bound_is_filled_by_a_rule(world: World) -> None:
    world.org.add_rule("everybody", ["Temporary"])


def _roles_are_not_told(world: World) -> None:
    world.org.fail("roles", "403", times=None)


PROTECTED = [
    *(_becomes_admin, _leaves_the_bound, _decides),
    *(_bound_is_filled_by_a_rule, _roles_are_not_told),
]


@pytest.mark.parametrize("happens", PROTECTED, ids=lambda f: f.__name__.strip("_"))
@pytest.mark.parametrize("told", [True, False])
async def test_who_is_protected_is_left_alone_before_and_after_the_notice(
    world: World, second: OktaAccounts, happens: Callable[[World], None], told: bool
) -> None:
    await _had_access(world)
    if told:
        await _told(world, second)
    happens(world)
    assert await _pass(world, second, 40 * DAY) == 0
    await world.run(_deliver, world.clock())
    assert await _pass(world, second, 40 * DAY) == 0
    assert _status(world) == "ACTIVE"
    assert ("as it is" in world.alerts("lead")) is told
    assert world.told("cleanup") == (["lead"] if told else [])


@pytest.mark.parametrize(
    "file",
    [
        {"requesters": f"{{any: [{{group: Engineering}}, {{user: {ANN}}}]}}"},
        {"more": "\n    approval: [{any_of: [{group: Temporary}, owner]}]"},
    ],
)
async def test_who_the_file_names_is_left_alone(
    world: World, second: OktaAccounts, file: dict[str, str]
) -> None:
    await _had_access(world)
    world.open_office(cleanup=RULE.format(action="delete"), **file)
    await world.open()
    assert await _pass(world, second, 40 * DAY) == 0
    assert world.told("cleanup") == []


async def test_a_bound_that_can_be_asked_for_bounds_nothing(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    more = (
        "\n  - {name: b, integration: corp, requesters: {any: [everyone]},"
        " groups: {include: ['Temp*']}}"
    )
    world.open_office(cleanup=RULE.format(action="delete"), more=more)
    await world.open()
    assert await _pass(world, second, 40 * DAY) == 0
    assert world.told("cleanup") == []


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "500"])
@pytest.mark.parametrize("call", ["deactivate", "DELETE"])
async def test_a_call_without_an_answer_is_looked_at_and_never_repeated_blindly(
    world: World, second: OktaAccounts, call: str, kind: Kind
) -> None:
    await _had_access(world)
    await _told(world, second)
    world.org.fail("^DELETE /api/v1/users/[^/]+$" if call == "DELETE" else call, kind)
    await _by_the_day(world, second)
    for _ in range(3):
        await _pass(world, second, timedelta(hours=2))
    deletes = [
        c
        for c in world.org.journal
        if c.method == "DELETE" and "/groups/" not in c.path
    ]
    assert len(deletes) <= 1
    landed = kind == "timeout_after"
    if call == "DELETE":
        assert _status(world) == ("deleted" if landed else "DEPROVISIONED")
    else:
        assert _status(world) == ("deleted" if landed else "ACTIVE")
    if not landed:
        assert "as it is" in world.alerts("lead")


async def test_at_most_five_a_day_are_told_of_and_ended(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world, "suspend")
    for number in range(7):
        login = f"temp{number}@example.com"
        person_id = world.org.add_user(login)
        world.org.add_member("Temporary", login)
        await world.run(_as_ann, person_id)
    await _pass(world, second, 40 * DAY)
    assert len(world.rows(AccountEnd)) == 5
    await _pass(world, second, timedelta(hours=1))
    assert len(world.rows(AccountEnd)) == 5
    await _pass(world, second, DAY)
    assert len(world.rows(AccountEnd)) == 8
    await world.run(_deliver, world.clock())
    await _pass(world, second, timedelta(0))
    world.tampered = True  # those seven have no events of their own
    assert await _by_the_day(world, second) == 5
    assert await _pass(world, second, DAY + timedelta(minutes=1)) == 3


def _as_ann(session: Session, person_id: str) -> None:
    """Let somebody else have had what Ann had."""
    grant = session.exec(select(AccessGrant)).first()
    assert grant is not None
    values = grant.model_dump() | {"id": person_id[:16], "grantee_id": person_id}
    request = session.get_one(AccessRequest, grant.request_id).model_dump()
    request |= {"id": person_id[:15], "delivery": person_id}
    session.add(AccessRequest(**request))
    session.flush()
    session.add(AccessGrant(**values | {"request_id": request["id"]}))


async def test_a_row_that_somebody_wrote_ends_nobody(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    await _pass(world, second, 0 * DAY)
    world.tampered = True
    row = AccountEnd(
        integration="corp",
        person_id=world.ids["ann"],
        action="delete",
        last_ended_at=world.grant().ended_at or START,
        noticed_at=START,
        step="delivered",
        step_at=START,
    )
    await world.run(lambda session: session.add(row))
    assert await _pass(world, second, 31 * DAY) == 0
    assert _status(world) == "ACTIVE"


async def test_a_preview_says_who_when_and_why_not(
    world: World, second: OktaAccounts
) -> None:
    await _had_access(world)
    world.wait(24 * DAY)
    [planned] = await accounts.preview(world.office, second)
    assert (planned.login, planned.action, planned.protected) == (ANN, "delete", "")
    assert planned.when >= world.clock() + 7 * DAY - timedelta(seconds=1)
    _becomes_admin(world)
    [planned] = await accounts.preview(world.office, second)
    assert planned.protected == "They have an admin role."
    assert world.rows(AccountEnd) == []
