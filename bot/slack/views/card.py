"""The card: a request as each approver sees it, and what became of it."""

from bot.core.words import RequestStatus
from bot.slack.pictures import AboutRequest, Asked
from bot.slack.views import blocks, words
from bot.slack.views.blocks import Block
from bot.slack.views.text import MOST_FREE, clean, named, sentence, utc, when
from bot.slack.views.words import person, plain_person, wish

APPROVE = "approve"
LESS = "approve_less"
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
    asks = f"{person(asked.requester)} asks for {wish(asked)}"
    drawn = [blocks.section(f"{asks}{words.for_whom(asked, person)}.")]
    if clean(asked.justification):
        drawn.append(blocks.quote(clean(asked.justification)))
    else:
        drawn.append(blocks.small_plain("They gave no justification."))
    if clean(asked.description):
        about = f"About the group: {clean(asked.description, 200)}"
        drawn.append(blocks.small_plain(about))
    if asked.labels:
        said = ", ".join(clean(label, 40) for label in asked.labels)
        drawn.append(blocks.small_plain(f"Labels: {said}"))
    return drawn


def _ending(about: AboutRequest) -> list[Block]:
    asked = about.asked
    if asked.status is not RequestStatus.PENDING:
        return _outcome(asked)
    if not about.is_theirs:
        return [blocks.section(_not_theirs(asked))]
    progress = words.progress(asked)
    return [
        blocks.small(f"{progress} {words.why_you(asked, about.rung)}".strip()),
        blocks.small(words.history(about.before)),
        blocks.small(f"It lapses {when(asked.lapse_at)} if nobody answers."),
        answer_buttons(asked),
    ]


def _outcome(asked: Asked) -> list[Block]:
    if not words.shows_reason(asked):
        return [blocks.section(f"{words.outcome(asked)}.")]
    return [
        blocks.section(f"{words.outcome(asked)}:"),
        blocks.quote(clean(asked.reason)),
    ]


def answer_buttons(asked: Asked) -> Block:
    """Return Approve, Approve for less where that can be, and Deny."""
    whose = f"{clean(asked.group, 30)} for {clean(asked.requester.name, 25)}"
    value = button_value(asked)
    approve = blocks.button(
        "Approve", APPROVE, value, spoken=f"Approve {whose}", style="primary"
    )
    if asked.approval.confirms and not asked.approval.needs_reason:
        says = f"{clean(asked.requester.name, 50)} gets {clean(asked.group, 80)}."
        approve["confirm"] = blocks.confirmation("Approve this?", says, "Approve")
    deny = blocks.button("Deny", DENY, value, spoken=f"Deny {whose}", style="danger")
    if not any(choice < asked.duration for choice in asked.approval.choices):
        return blocks.buttons(approve, deny)
    less = blocks.button("Approve for less", LESS, value, spoken=f"Less: {whose}")
    return blocks.buttons(approve, less, deny)


def _plain_question(asked: Asked) -> str:
    why = sentence(named(asked.justification, MOST_FREE)) if asked.justification else ""
    whom = words.for_whom(asked, plain_person)
    asks = f"{plain_person(asked.requester)} asks for {wish(asked)}{whom}"
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
        return "I am finding out who answers this now."
    return "This is no longer yours to answer."
