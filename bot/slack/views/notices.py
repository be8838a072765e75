"""What people are told about requests and grants, as messages.

Each is drawn from its row as it is now: a redraw says what became of it and
takes the buttons away that no longer do anything.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.core.durations import say_duration
from bot.core.words import GrantStatus, RequestStatus
from bot.slack.pictures import AboutGrant, AboutRequest, Alert, Asked, Held, Who
from bot.slack.views import blocks, words
from bot.slack.views.blocks import Block
from bot.slack.views.card import Drawn, answer_buttons
from bot.slack.views.text import (
    MOST_FREE,
    clean,
    clean_lines,
    escape,
    listed,
    named,
    sentence,
    utc,
    when,
)
from bot.slack.views.words import person, plain_person, wish

CANCEL = "cancel"
END = "end"
GONE = "gone"
EXTEND = "extend"
NUDGE = "nudge"
AGAIN = "ask_again"
CARRY_ON = "carry_on"
KEEP = "keep"
MUTE = "mute"
DISCARD = "discard"

MOST_NAMED = 3
SESSIONS = "Apps you are signed in to may keep you signed in for a while."
ENDABLE = frozenset({GrantStatus.GRANTING, GrantStatus.ACTIVE})


def sent(about: AboutRequest) -> Drawn:
    """To the requester: who was asked; later, what became of it."""
    asked = about.asked
    asks = f"You asked for {wish(asked)}{words.for_whom(asked, plain_person)}."
    match asked.status:
        case RequestStatus.PENDING:
            return _waiting(asked, asks)
        case RequestStatus.APPROVED:
            return _approved(about, asks)
        case RequestStatus.CANCELLED:
            text = f"{asks} You cancelled it."
            return text, [blocks.section(text)]
    text = f"{asks} {words.plain_outcome(asked)}"
    outcome = blocks.section(f"{asks}\n{words.outcome(asked)}.")
    return text, [outcome, *_reason(asked)]


def reminder(about: AboutRequest) -> Drawn:
    """To an approver: somebody waits for them; later, what became of it."""
    asked = about.asked
    if asked.status is not RequestStatus.PENDING or not about.is_theirs:
        text = f"{plain_person(asked.requester)} asked for {wish(asked)}."
        return text, [blocks.section(f"{text} {_state(asked)}")]
    waits = "asks you to look at" if about.nudged else "still waits for your answer on"
    says = f"{waits} their request for {wish(asked)}."
    return f"{plain_person(asked.requester)} {says}", [
        blocks.section(f"{person(asked.requester)} {says}"),
        *_justified(asked),
        answer_buttons(asked),
    ]


def extended(about: AboutRequest) -> Drawn:
    """To who asked for more: the new end."""
    asked, held = about.asked, about.held
    name = named(asked.group)
    if held is None or held.status is not GrantStatus.ACTIVE:
        whose = words.subject(asked.grantee, "Your access", "'s access")
        text = f"{whose} to {name} was extended, and has ended since."
        return text, [blocks.section(text)]
    has = f"{words.subject(asked.grantee, 'You have', ' has')} {name} until"
    text = f"Approved by {words.decider(asked, plain_person)}. {has}"
    shown = f"Approved by {words.decider(asked, person)}. {has}"
    return f"{text} {utc(held.expires_at)} now.", [
        blocks.section(f"{shown} {when(held.expires_at)} now.")
    ]


def denied(about: AboutRequest) -> Drawn:
    """To the requester: who denied it, and why."""
    asked = about.asked
    says = f"Your request for {wish(asked)} was denied by"
    why = named(asked.reason, MOST_FREE) if words.shows_reason(asked) else ""
    text = f"{says} {_by(asked, plain_person)}{f': {why}' if why else ''}"
    return sentence(text), [
        blocks.section(f"{says} {_by(asked, person)}."),
        *_reason(asked),
        *again_button(asked.id, asked.group),
    ]


def comment(about: AboutRequest) -> Drawn:
    """Under a channel's card: what somebody said with their answer."""
    by = about.comment_by
    name, shown = (plain_person(by), person(by)) if by else ("Somebody", "Somebody")
    return f"{name}: {named(about.comment, MOST_FREE)}", [
        blocks.section(f"{shown} says:"),
        blocks.quote(clean(about.comment, MOST_FREE)),
    ]


def lapsed(about: AboutRequest) -> Drawn:
    """To the requester: nobody answered."""
    asked = about.asked
    says = f"Your request for {wish(asked)} lapsed: nobody answered in time."
    return f"{says} You can ask again with /access okta-group.", [
        blocks.section(says),
        *again_button(asked.id, asked.group),
    ]


def granted(about: AboutGrant) -> Drawn:
    """To the grantee, and who asked: what it is and until when; then that it ended."""
    held, other = about.held, about.other
    if held.status not in ENDABLE:
        return _over(held, other)
    has = f"{words.subject(other, 'You have', ' has')} {named(held.group)} until"
    text = f"{has} {utc(held.expires_at)}."
    drawn = [blocks.section(f"{has} {_until(held)}.")]
    details = clean_lines(held.details)
    if details:
        text = f"{text} {named(held.details, MOST_FREE)}"
        drawn.append(blocks.linked(details))
    return text, [*drawn, *_buttons(about)]


def warning(about: AboutGrant) -> Drawn:
    """To the grantee, and who asked: the end is near; later, that it came."""
    held, other = about.held, about.other
    if held.status not in ENDABLE:
        return _over(held, other)
    whose = words.subject(other, "Your access", "'s access")
    says = f"{whose} to {named(held.group)} ends"
    return f"{says} {utc(held.expires_at)}.", [
        blocks.section(f"{says} {when(held.expires_at)}."),
        *_buttons(about),
    ]


def ended(about: AboutGrant) -> Drawn:
    """To the grantee, and who asked: it ended, and why."""
    held, other = about.held, about.other
    whose = words.subject(other, "Your access", "'s access")
    text = f"{whose} to {named(held.group)} has ended: {words.cause(held, other)}."
    again = again_button(held.request_id, held.group)
    sessions = [] if other else [blocks.small(SESSIONS)]
    return text, [blocks.section(text), *sessions, *again]


def failed(about: AboutGrant) -> Drawn:
    """To the grantee, and who asked: it was approved and not given, and why."""
    held = about.held
    who = words.subject(about.other, "You were", " was")
    text = f"{who} not given {named(held.group)}, though it was approved."
    why = sentence(clean(held.problem) or "Okta did not take it")
    owner = "The owner of the integration has been told."
    return f"{text} {escape(why)} {owner}", [
        blocks.section(text),
        blocks.quote(why),
        blocks.small(owner),
        *again_button(held.request_id, held.group),
    ]


def alert(about: Alert) -> Drawn:
    """To an owner or an admin: one text."""
    text = clean(about.text, 2000) or "Something needs a look in the audit."
    if about.braked:
        on = blocks.button("Carry on", CARRY_ON, about.braked, spoken="Carry on")
        off = blocks.button("Discard", DISCARD, about.braked, spoken="Discard")
        return escape(text), [blocks.paragraph(text), blocks.buttons(on, off)]
    if about.keepable:
        spoken = "Keep the Okta account"
        kept = blocks.button("Keep", KEEP, about.keepable, spoken=spoken)
        return escape(text), [blocks.paragraph(text), blocks.buttons(kept)]
    if about.mutable:
        spoken = "Report additions to this group no more"
        muted = blocks.button("Mute this group", MUTE, about.mutable, spoken=spoken)
        return escape(text), [blocks.paragraph(text), blocks.buttons(muted)]
    if not about.stuck:
        return escape(text), [blocks.paragraph(text)]
    spoken = "The group is gone from Okta"
    gone = blocks.button("It is gone", GONE, about.stuck, spoken=spoken)
    return escape(text), [blocks.paragraph(text), blocks.buttons(gone)]


OF_REQUESTS: Mapping[str, Callable[[AboutRequest], Drawn]] = {
    "sent": sent,
    "denied": denied,
    "lapsed": lapsed,
    "reminder": reminder,
    "extended": extended,
    "comment": comment,
}
OF_GRANTS: Mapping[str, Callable[[AboutGrant], Drawn]] = {
    "granted": granted,
    "warning": warning,
    "ended": ended,
    "failed": failed,
}


def end_button(held: Held) -> Block:
    """Return the button that ends a grant early."""
    spoken = f"End my access to {clean(held.group, 45)} now"
    return blocks.button("End now", END, held.id, spoken=spoken, style="danger")


def _approved(about: AboutRequest, asks: str) -> Drawn:
    asked, after = about.asked, _after_approval(about.held, about.asked.grantee)
    text = f"{asks} Approved by {_by(asked, plain_person)}{after(utc)}"
    shown = f"{asks}\nApproved by {_by(asked, person)}{after(when)}"
    return text, [blocks.section(shown)]


def _by(asked: Asked, say: Callable[[Who], str]) -> str:
    return words.decider(asked, say)


def _waiting(asked: Asked, asks: str) -> Drawn:
    lapses = "It lapses {} if nobody answers."
    text = f"{asks} {_who_was_asked(asked, plain_person)} "
    return f"{text}{lapses.format(utc(asked.lapse_at))}", [
        blocks.section(f"{asks}\n{_who_was_asked(asked, person)}"),
        blocks.small(lapses.format(when(asked.lapse_at))),
        *([blocks.small(progress)] if (progress := words.progress(asked)) else []),
        blocks.buttons(nudge_button(asked), cancel_button(asked)),
    ]


def _who_was_asked(asked: Asked, say: Callable[[Who], str]) -> str:
    if asked.step == 0 or not asked.people:
        return "I am finding out who can answer."
    names = [say(each) for each in asked.people[:MOST_NAMED]]
    more = len(asked.people) - MOST_NAMED
    if more > 0:
        names.append(f"{more} more")
    return f"I asked {listed(names)}."


def _after_approval(
    held: Held | None, other: Who | None
) -> Callable[[Callable[[datetime], str]], str]:
    """Return what follows "Approved by ...", given how instants are said."""
    if held is None or held.status is GrantStatus.GRANTING:
        return lambda _: ", granting…"
    if held.status is GrantStatus.ACTIVE:
        has = words.subject(other, "You have", " has")
        return lambda say: f". {has} it until {say(held.expires_at)}."
    if held.status is GrantStatus.FAILED:
        return lambda _: ", but it was not given."
    if held.status is GrantStatus.REVOKING:
        return lambda _: ". It is being removed."
    return lambda _: f". It has ended: {words.cause(held, other)}."


def _over(held: Held, other: Who | None) -> Drawn:
    """Return a message about a grant that is ending or has ended."""
    name = named(held.group)
    if held.status is GrantStatus.REVOKING:
        whose = words.subject(other, "Your access", "'s access")
        text = f"{whose} to {name} is being removed: {words.cause(held, other)}."
        return text, [blocks.section(text)]
    at = held.ended_at or held.expires_at
    after = f"It has ended: {words.cause(held, other)}."
    had = f"{words.subject(other, 'You had', ' had')} {name} until"
    return f"{had} {utc(at)}. {after}", [blocks.section(f"{had} {when(at)}. {after}")]


def _until(held: Held) -> str:
    return f"{when(held.expires_at)} ({say_duration(held.duration)} in all)"


def nudge_button(asked: Asked) -> Block:
    """Return the button that reminds those who were asked."""
    spoken = f"Remind them of my request for {clean(asked.group, 40)}"
    return blocks.button("Nudge", NUDGE, asked.id, spoken=spoken)


def cancel_button(asked: Asked) -> Block:
    """Return the button that takes a request back."""
    spoken = f"Cancel my request for {clean(asked.group, 45)}"
    return blocks.button("Cancel", CANCEL, asked.id, spoken=spoken)


def extend_button(held: Held) -> Block:
    """Return the button that asks for more of a grant."""
    spoken = f"Extend my access to {clean(held.group, 45)}"
    return blocks.button("Extend", EXTEND, held.id, spoken=spoken)


def hold_buttons(held: Held) -> Block:
    """Return Extend, where that can be, and End now."""
    extend = [extend_button(held)] if held.more else []
    return blocks.buttons(*extend, end_button(held))


def _buttons(about: AboutGrant) -> list[Block]:
    """Return what the reader may do: who only asked may not end it."""
    if about.other is None:
        return [hold_buttons(about.held)]
    return [blocks.buttons(extend_button(about.held))] if about.held.more else []


def again_button(request_id: str, group: str) -> list[Block]:
    """Return the button that opens the form filled as it was; none without a row."""
    if not request_id:
        return []
    spoken = f"Ask again for {clean(group, 55)}"
    return [
        blocks.buttons(blocks.button("Ask again", AGAIN, request_id, spoken=spoken))
    ]


def _justified(asked: Asked) -> list[Block]:
    said = clean(asked.justification)
    return [blocks.quote(said)] if said else []


def _state(asked: Asked) -> str:
    if asked.status is RequestStatus.PENDING:
        return "It is no longer yours to answer."
    return f"{words.outcome(asked)}."


def _reason(asked: Asked) -> list[Block]:
    return [blocks.quote(clean(asked.reason))] if words.shows_reason(asked) else []
