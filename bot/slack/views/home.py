"""The home tab: what a person holds, and how to ask for more."""

from datetime import datetime, timedelta

from bot.core.durations import say_duration
from bot.core.words import GrantStatus
from bot.slack.pictures import Held, Home
from bot.slack.views import blocks
from bot.slack.views.blocks import Block
from bot.slack.views.notices import ENDABLE, end_button, extend_button
from bot.slack.views.text import clean, named, when

HOW_TO_ASK = "Type /access okta-group anywhere in Slack to ask for a group."


def draw(home: Home) -> Block:
    """Return the home view of one person."""
    return {"type": "home", "blocks": _blocks(home)}


def _blocks(home: Home) -> list[Block]:
    if home.refusal:
        return [blocks.paragraph(clean(home.refusal))]
    held = [block for each in home.held for block in _held(each, home.now)]
    nothing = [blocks.paragraph("You hold nothing from here right now.")]
    return [
        blocks.heading("What you hold"),
        *(held or nothing),
        {"type": "divider"},
        blocks.small_plain(HOW_TO_ASK),
    ]


def _held(held: Held, now: datetime) -> list[Block]:
    says = f"{named(held.group)}: {_standing(held, now)}"
    if held.status not in ENDABLE:
        return [blocks.section(says)]
    extend = [extend_button(held)] if held.more else []
    return [blocks.section(says), blocks.buttons(*extend, end_button(held))]


def _standing(held: Held, now: datetime) -> str:
    if held.status is GrantStatus.GRANTING:
        return "approved, being given."
    if held.status is GrantStatus.REVOKING:
        return "being removed."
    return f"until {when(held.expires_at)}, {_left(held.expires_at - now)} left."


def _left(rest: timedelta) -> str:
    """Return how long is left, without seconds where there are minutes."""
    minutes = timedelta(minutes=int(rest.total_seconds()) // 60)
    return say_duration(minutes or rest)
