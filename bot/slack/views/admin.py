"""What admins open: the activity, and the forms that revoke and freeze."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.views import blocks
from bot.slack.views.blocks import Block
from bot.slack.views.text import clean, named, when

ACTIVITY = "activity"
KIND = "activity_kind"
OLDER = "activity_older"
NEWEST = "activity_newest"
REVOKE = "open_revoke"
REVOKING = "revoke"
FREEZE = "open_freeze"
FREEZING = "freeze"
UNFREEZE = "unfreeze"
WHO = "who"
WHAT = "what"
"""Ids of actions, of inputs, and of the forms that are submitted."""

KINDS = {
    "": "Everything",
    "request": "Requests",
    "grant": "Grants",
    "turned away": "Turned away",
    "f": "Freezes and access.yaml",
}
"""How the kinds of events begin that a filter shows, and what it is called."""

AT_A_TIME = 10


@dataclass(frozen=True)
class Line:
    """One event, in words."""

    seq: int
    at: datetime
    by: str
    what: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A page of what happened, the newest first.

    `kind` is the filter it is seen through, `about` what alone it shows, and
    `place` what the next page needs to know; `more` tells whether there is one.
    """

    lines: Sequence[Line] = ()
    kind: str = ""
    about: str = ""
    place: str = ""
    is_newest: bool = True
    more: bool = False


def activity(page: Activity) -> Block:
    """Return the modal that shows one page."""
    drawn = [blocks.section(_line(each)) for each in page.lines]
    nothing = blocks.section("Nothing of this kind has happened.")
    return blocks.modal(
        "Activity",
        [
            *([blocks.small_plain(f"About {clean(page.about)}")] if page.about else []),
            blocks.buttons(_kinds(page.kind)),
            *(drawn or [nothing]),
            *_turning(page),
        ],
        close="Close",
        callback_id=ACTIVITY,
        private_metadata=page.place,
    )


def revoking() -> Block:
    """Return the form that ends what somebody holds."""
    return blocks.modal(
        "Revoke access",
        [
            blocks.entry("Whose", WHO, {"type": "users_select", "action_id": WHO}),
            blocks.entry(
                "Which group",
                WHAT,
                _line_of_text(),
                hint="Its name. Leave it empty to end all they hold from here.",
                optional=True,
            ),
        ],
        close="Back",
        callback_id=REVOKING,
        submit=blocks.plain("Revoke"),
    )


def freezing() -> Block:
    """Return the form that freezes a group, a person or everything."""
    return blocks.modal(
        "Freeze",
        [
            blocks.section(
                "Stops asking, approving, extending and what was not yet tried. "
                "Ends go on, and people keep what they hold."
            ),
            blocks.entry(
                "A person",
                WHO,
                {"type": "users_select", "action_id": WHO},
                optional=True,
            ),
            blocks.entry(
                "Or a group",
                WHAT,
                _line_of_text(),
                hint="Its name, or the word all for everything.",
                optional=True,
            ),
        ],
        close="Back",
        callback_id=FREEZING,
        submit=blocks.plain("Freeze"),
    )


def admin_buttons() -> Block:
    """Return the buttons of the home tab that open all this."""
    return blocks.buttons(
        blocks.button("Activity", NEWEST, "open", spoken="Show what happened"),
        blocks.button("Revoke access", REVOKE, "open", spoken="Revoke access"),
        blocks.button("Freeze", FREEZE, "open", spoken="Freeze a group or person"),
    )


def _line(line: Line) -> str:
    about = f", {named(line.about, 100)}" if line.about else ""
    return (
        f"{when(line.at)} {named(line.by, 40)}: {named(line.what, 40)}{about} "
        f"(no. {line.seq})"
    )


def _kinds(kind: str) -> Block:
    options = [blocks.option(label, value or "all") for value, label in KINDS.items()]
    shown = [each for each in options if each["value"] == (kind or "all")]
    return {
        "type": "static_select",
        "action_id": KIND,
        "options": options,
        "initial_option": (shown or options)[0],
        "placeholder": blocks.plain("What to show"),
    }


def _turning(page: Activity) -> list[Block]:
    older = blocks.button("Older", OLDER, "older", spoken="Show older activity")
    newest = blocks.button("Newest", NEWEST, "newest", spoken="Show the newest")
    shown = [*([older] if page.more else []), *([] if page.is_newest else [newest])]
    return [blocks.buttons(*shown)] if shown else []


def _line_of_text() -> Block:
    return {"type": "plain_text_input", "action_id": WHAT, "max_length": 255}
