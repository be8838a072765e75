"""The home tab: what one holds, asked for and must answer; for admins, the state."""

from bot.slack.pictures import Admin, Home
from bot.slack.views import blocks, lists, words
from bot.slack.views.admin import UNFREEZE, admin_buttons
from bot.slack.views.blocks import Block
from bot.slack.views.notices import again_button
from bot.slack.views.text import clean, named

ASK = "open_form"
HOW_TO_ASK = "Or type /access okta-group anywhere in Slack."
MOST_BUTTONS = 25
"""Slack: a row holds at most 25 buttons."""

MOST_BLOCKS = 100
"""Slack: a home tab holds at most 100 blocks."""


def draw(home: Home) -> Block:
    """Return the home view of one person."""
    return {"type": "home", "blocks": _blocks(home)[:MOST_BLOCKS]}


def _blocks(home: Home) -> list[Block]:
    if home.refusal:
        return [blocks.paragraph(clean(home.refusal))]
    ask = blocks.button(
        "Request access", ASK, "form", spoken="Request access", style="primary"
    )
    held = [block for each in home.held for block in lists.held_line(each, home.now)]
    asked = [block for each in home.asked for block in lists.asked_line(each)]
    waiting = [block for each in home.waiting for block in lists.question(each)]
    again = [
        block
        for each in home.again
        for block in (
            blocks.section(f"{words.wish(each)}: {words.outcome(each)}"),
            *again_button(each.id, each.group),
        )
    ]
    return [
        blocks.buttons(ask),
        blocks.small_plain(HOW_TO_ASK),
        *_part("Waiting for your answer", waiting),
        blocks.heading("What you hold"),
        *(held or [blocks.paragraph("You hold nothing from here right now.")]),
        *_part("What you asked for", asked),
        *_part("Ask again", again),
        *(_admin(home.admin) if home.admin else []),
    ]


def _part(title: str, drawn: list[Block]) -> list[Block]:
    return [{"type": "divider"}, blocks.heading(title), *drawn] if drawn else []


def _admin(admin: Admin) -> list[Block]:
    lines = [
        f"{named(name)}: {named(state, 200)}" for name, state in admin.integrations
    ]
    frozen = ", ".join(named(each.name) for each in admin.frozen) or "nothing"
    counts = f"{admin.live} grants live, {admin.pending} requests wait."
    return [
        {"type": "divider"},
        blocks.heading("For admins"),
        blocks.section("\n".join(lines) or "No integration."),
        blocks.section(f"{counts} Frozen: {frozen}."),
        admin_buttons(),
        *_unfreezing(admin),
        *_details(admin),
        blocks.small_plain(f"access.yaml in force: {admin.file[:12]}"),
    ]


def _unfreezing(admin: Admin) -> list[Block]:
    """Return a button for each freeze, as many as a row of buttons holds."""
    lifting = [
        blocks.button(
            f"Unfreeze {clean(each.name, 40)}",
            UNFREEZE,
            each.value,
            spoken=f"Unfreeze {each.name}",
        )
        for each in admin.frozen[:MOST_BUTTONS]
    ]
    return [blocks.buttons(*lifting)] if lifting else []


def _details(admin: Admin) -> list[Block]:
    """Return the access details as those who are given access see them."""
    drawn: list[Block] = []
    for name, text in admin.details:
        drawn.append(blocks.small_plain(f"Shown with access to {clean(name, 50)}:"))
        drawn.append(blocks.linked(clean(text, 400)))
    return drawn
