"""The card: a request as each approver sees it, and what became of it."""

from bot.core.words import RequestStatus
from bot.slack.pictures import AboutRequest, Asked
from bot.slack.views import blocks, words
from bot.slack.views.blocks import Block
from bot.slack.views.text import MOST_FREE, clean, named, sentence, utc, when
from bot.slack.views.words import person, plain_person, wish

APPROVE = "approve"
DENY = "deny"

Drawn = tuple[str, list[Block]]
"""A message: its text, complete by itself, and its blocks."""


def draw(about: AboutRequest) -> Drawn:
    """Return the card: open with its buttons, or with its outcome and none."""
    asked = about.asked
    shown = [*_question(asked), *_ending(about)]
    return f"{_plain_question(asked)} {_plain_ending(about)}", shown


def button_value(asked: Asked) -> str:
    """Return what the buttons of a card carry: the request and the step shown."""
    return f"{asked.id}:{asked.step}"


def read_button_value(value: str) -> tuple[str, int] | None:
    """Return the request id and step of a button value; None if it is none."""
    request_id, _, step = value.rpartition(":")
    if not request_id or not (step.isascii() and step.isdecimal() and len(step) < 4):
        return None
    return request_id, int(step)


def _question(asked: Asked) -> list[Block]:
    drawn = [blocks.section(f"{person(asked.requester)} asks for {wish(asked)}.")]
    if clean(asked.justification):
        drawn.append(blocks.quote(clean(asked.justification)))
    else:
        drawn.append(blocks.small_plain("They gave no justification."))
    if clean(asked.description):
        about = f"About the group: {clean(asked.description, 200)}"
        drawn.append(blocks.small_plain(about))
    return drawn


def _ending(about: AboutRequest) -> list[Block]:
    asked = about.asked
    if asked.status is not RequestStatus.PENDING:
        return _outcome(asked)
    if not about.is_theirs:
        return [blocks.section(_not_theirs(asked))]
    return [
        blocks.small(words.why_you(asked)),
        blocks.small(words.history(about.before)),
        blocks.small(f"It lapses {when(asked.lapse_at)} if nobody answers."),
        _buttons(asked),
    ]


def _outcome(asked: Asked) -> list[Block]:
    if not words.shows_reason(asked):
        return [blocks.section(f"{words.outcome(asked)}.")]
    return [
        blocks.section(f"{words.outcome(asked)}:"),
        blocks.quote(clean(asked.reason)),
    ]


def _buttons(asked: Asked) -> Block:
    whose = f"{clean(asked.group, 30)} for {clean(asked.requester.name, 25)}"
    value = button_value(asked)
    return blocks.buttons(
        blocks.button(
            "Approve", APPROVE, value, spoken=f"Approve {whose}", style="primary"
        ),
        blocks.button("Deny", DENY, value, spoken=f"Deny {whose}", style="danger"),
    )


def _plain_question(asked: Asked) -> str:
    why = sentence(named(asked.justification, MOST_FREE)) if asked.justification else ""
    asks = f"{plain_person(asked.requester)} asks for {wish(asked)}"
    return f"{asks}: {why}" if why else f"{asks}."


def _plain_ending(about: AboutRequest) -> str:
    asked = about.asked
    if asked.status is not RequestStatus.PENDING:
        return words.plain_outcome(asked)
    if not about.is_theirs:
        return _not_theirs(asked)
    return f"Approve or deny it in Slack before {utc(asked.lapse_at)}."


def _not_theirs(asked: Asked) -> str:
    if asked.step == 0:
        return "The owners of this group changed: I am asking those who own it now."
    return "This is no longer yours to answer."
