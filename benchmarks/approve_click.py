"""An Approve click up to its committed answer, on SQLite with synchronous=FULL.

Measured is the signed request over HTTP: the signature, Bolt, who clicked, every
decision made anew, the approval, its grant, their chained events and every card
marked for drawing, committed, then the ack. Each click answers a request of its
own. No worker runs beside it, and no fact is stale, so Okta is not read.

The peer commits as many rows by raw sqlite3 behind a bare Bolt app, and decides
nothing: the difference is what the decisions, the ORM and the audit cost.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from sqlmodel import Session, func, select

from benchmarks.rig.company import TEAM, Company, found, opened, slack_id
from benchmarks.rig.load import Target
from benchmarks.rig.rounds import OURS, Form, in_turn, report_latency, report_rate
from benchmarks.rig.serving import served
from bot.sandbox import Sandbox
from bot.store.tables import AccessGrant

ROUNDS = 5
WARM_UP = 16
AT_ONE = 20
AT_MANY = 40
MANY = 8
CLICKS = WARM_UP + ROUNDS * (AT_ONE + AT_MANY)

ROWS = 9
"""What an approval writes: an answer, the request, a grant, two events, the text
beside one, and three messages that show it."""

PEER = f"bare Bolt, {ROWS} rows by raw sqlite3"
SECRET = "what the clicks are signed with"  # noqa: S105 -- made up


def main() -> None:
    """Start everything, print the figures, stop everything."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        slack = stack.enter_context(Sandbox()).slack
        company = found(folder, CLICKS)
        ours = served("benchmarks.rig.desk", database=str(company.path), secret=SECRET)
        peer = served(
            "benchmarks.rig.bare",
            slack=slack.url,
            token=slack.bot_token,
            secret=SECRET,
            early=False,
            database=str(folder / "peer.db"),
            rows=ROWS,
        )
        targets = {
            OURS: Target(stack.enter_context(ours), SECRET),
            PEER: Target(stack.enter_context(peer), SECRET),
        }
        asyncio.run(_measure(targets, company))
        _require_granted(company)


async def _measure(targets: Mapping[str, Target], company: Company) -> None:
    clicks = {name: map(_click, company.waiting) for name in targets}

    def forms(name: str, count: int) -> Iterator[Form]:
        return islice(clicks[name], count)

    await in_turn(targets, forms, rounds=1, requests=WARM_UP, clients=MANY)
    measured = await in_turn(targets, forms, rounds=ROUNDS, requests=AT_ONE, clients=1)
    report_latency("Approve to its committed answer, p50 at 1 client", measured)
    measured = await in_turn(
        targets, forms, rounds=ROUNDS, requests=AT_MANY, clients=MANY
    )
    report_rate(f"Approve to its committed answer at {MANY} clients", measured)


def _click(request_id: str) -> Form:
    """Return what Slack posts when Olga presses Approve on the request's card."""
    action = {
        "type": "button",
        "action_id": "approve",
        "block_id": "buttons",
        "value": f"{request_id}:1",
        "action_ts": "1.2",
    }
    payload = {
        "type": "block_actions",
        "user": {"id": slack_id("olga"), "team_id": TEAM},
        "team": {"id": TEAM, "domain": "bench"},
        "channel": {"id": "D00000001", "name": "directmessage"},
        "container": {"type": "message", "message_ts": "1.1"},
        "trigger_id": "1.2.3",
        "actions": [action],
    }
    return {"payload": json.dumps(payload)}


def _require_granted(company: Company) -> None:
    """Raise RuntimeError unless every click committed an approval and its grant."""
    database = opened(company.path)
    try:
        granted = database.look(_grants)
    finally:
        database.close()
    if granted != CLICKS:
        raise RuntimeError(f"{granted} grants of {CLICKS} clicks: they were refused")


def _grants(session: Session) -> int:
    return session.exec(select(func.count()).select_from(AccessGrant)).one()


if __name__ == "__main__":
    main()
