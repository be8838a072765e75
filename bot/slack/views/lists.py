"""Answers that list: what one holds, what waits, who holds, why."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.durations import say_duration, write_duration
from bot.core.words import GrantStatus, Person
from bot.slack.pictures import Asked, Held
from bot.slack.views import blocks, words
from bot.slack.views.blocks import Block
from bot.slack.views.card import Drawn, answer_buttons
from bot.slack.views.notices import ENDABLE, cancel_button, hold_buttons, nudge_button
from bot.slack.views.text import clean, escape, listed, named, sentence, when
from bot.slack.views.words import person, plain_person, wish
from bot.workflow.explaining import AskedStep, Explanation

MOST_NAMED = 5


def mine(held: Sequence[Held], asked: Sequence[Asked], now: datetime) -> Drawn:
    """To who asks: what they hold, and what they wait for."""
    if not held and not asked:
        text = "You hold nothing from here, and you wait for nothing."
        return text, [blocks.section(text)]
    drawn = [block for each in held for block in held_line(each, now)]
    drawn += [block for each in asked for block in asked_line(each)]
    texts = [f"{named(each.group)} {_until(each)}" for each in held]
    texts += [f"{wish(each)} waits for an answer" for each in asked]
    return f"{listed(texts)}.", drawn


def waiting(asked: Sequence[Asked]) -> Drawn:
    """To an approver: what waits for their answer."""
    if not asked:
        text = "Nothing waits for your answer."
        return text, [blocks.section(text)]
    drawn = [block for each in asked for block in question(each)]
    texts = [f"{plain_person(each.requester)}: {wish(each)}" for each in asked]
    return f"Waiting for you: {'; '.join(texts)}.", drawn


def question(asked: Asked) -> list[Block]:
    """Return a request with its buttons, in few words."""
    asks = f"{person(asked.requester)} asks for {wish(asked)}"
    said = clean(asked.justification, 200)
    return [
        blocks.section(f"{asks}{words.for_whom(asked, person)}."),
        *([blocks.quote(said)] if said else []),
        answer_buttons(asked),
    ]


def held_line(held: Held, now: datetime) -> list[Block]:
    """Return what is held with its buttons."""
    says = blocks.section(f"{named(held.group)}: {standing(held, now)}")
    return [says, hold_buttons(held)] if held.status in ENDABLE else [says]


def asked_line(asked: Asked) -> list[Block]:
    """Return what is waited for with its buttons."""
    says = f"{wish(asked)}{words.for_whom(asked, person)} waits for an answer"
    lapses = f"it lapses {when(asked.lapse_at)}"
    return [
        blocks.section(f"{says}; {lapses}."),
        blocks.buttons(nudge_button(asked), cancel_button(asked)),
    ]


def standing(held: Held, now: datetime) -> str:
    """Return where a grant is in its life, as mrkdwn."""
    if held.status is GrantStatus.GRANTING:
        return "approved, being given."
    if held.status is GrantStatus.REVOKING:
        return "being removed."
    return f"until {when(held.expires_at)}, {_left(held.expires_at - now)} left."


def who(group: str, held: Sequence[Held]) -> Drawn:
    """To an owner: who holds a group by the bot."""
    if not held:
        text = f"Nobody holds {named(group)} from here."
        return text, [blocks.section(text)]
    lines = [f"{person(each.holder)} {_until(each)}" for each in held if each.holder]
    plain = [plain_person(each.holder) for each in held if each.holder]
    text = f"{named(group)} is held by {listed(plain)}."
    return text, [blocks.section("\n".join(lines))]


def why(came: Explanation) -> Drawn:
    """To who asks why: the flow that decides, who answers, and what is refused."""
    group, said = named(came.asked.group.name), []
    if came.flow is not None:
        said.append(f"The flow “{named(came.flow)}” decides about {group} for you.")
    if came.automatic:
        said.append("It is given at once: nobody has to answer.")
    for number, step in enumerate(came.steps, 1):
        said.append(_step(number, len(came.steps), step))
    if came.refused is not None:
        said.append(f"Right now: {escape(sentence(clean(came.refused.reason, 300)))}")
    elif came.flow is not None:
        length = write_duration(came.duration) if came.duration else "1h"
        said.append(f"Ask with /access okta-group {group} {length} and say why.")
    return " ".join(said), [blocks.section(line) for line in said]


def _step(number: int, of: int, step: AskedStep) -> str:
    at = f"Step {number} of {of}: " if of > 1 else ""
    if step.refused:
        return f"{at}{escape(clean(step.refused, 300))}"
    names = [_name(each) for each in step.people[:MOST_NAMED]]
    more = len(step.people) - MOST_NAMED
    return f"{at}I would ask {listed([*names, f'{more} more'] if more > 0 else names)}."


def _name(who: Person) -> str:
    return f"{named(who.name)} ({named(who.login)})"


def _until(held: Held) -> str:
    if held.status is GrantStatus.ACTIVE:
        return f"until {when(held.expires_at)}"
    return "being given" if held.status is GrantStatus.GRANTING else "being removed"


def _left(rest: timedelta) -> str:
    """Return how long is left, without seconds where there are minutes."""
    minutes = timedelta(minutes=int(rest.total_seconds()) // 60)
    return say_duration(minutes or rest)
