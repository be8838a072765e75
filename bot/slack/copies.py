"""Copies of a message that nobody knew of: found when they are clicked.

A post without an answer may have arrived, and is sent again. The first copy then
has buttons that nothing takes away. Each block with a button carries the number
of its notice, and Slack hands it back with a click.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from bot.slack.views.blocks import Block
from bot.store.tables import Notice

MARK = "notice-"


def marked(blocks: list[Block], notice_id: int | None) -> list[Block]:
    """Return `blocks`, those with a button called by the notice they are of."""
    return [
        block | {"block_id": f"{MARK}{notice_id}-{at}"} if _has_button(block) else block
        for at, block in enumerate(blocks)
    ]


def adopt(session: Session, body: Mapping[str, Any], now: datetime) -> None:
    """Keep a message that was clicked as a notice of its own, unless it is one.

    From then on it changes with what it shows, beginning now. Only what its
    reader or their channel was sent is taken: another's click says nothing.
    """
    channel, ts = str(body["channel"]["id"]), str(body["message"]["ts"])
    notice = _named(session, str(body["actions"][0].get("block_id") or ""))
    if notice is None or ts in _known(session, channel, ts):
        return
    if notice.recipient not in (channel, body["user"]["id"]):
        return
    session.add(
        Notice(
            key=f"{notice.key}:copy:{ts}",
            kind=notice.kind,
            recipient=notice.recipient,
            request_id=notice.request_id,
            grant_id=notice.grant_id,
            facts=notice.facts,
            channel=channel,
            ts=ts,
            made_at=now,
            posted_at=now,
            due_at=now,
        )
    )


def _has_button(block: Block) -> bool:
    return block["type"] == "actions" or "accessory" in block


def _named(session: Session, block_id: str) -> Notice | None:
    number = block_id.removeprefix(MARK).partition("-")[0]
    is_ours = block_id.startswith(MARK) and number.isdecimal()
    return session.get(Notice, int(number)) if is_ours else None


def _known(session: Session, channel: str, ts: str) -> list[str | None]:
    """Return `ts` where a notice is known to be that message."""
    known = select(Notice.ts).where(Notice.channel == channel, Notice.ts == ts)
    return list(session.exec(known))
