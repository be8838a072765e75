"""What people do in Slack, led by what they are shown and by nothing else.

They are patient: what was not answered, or answered with "try again", they do
again until it is seen to have been taken.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from bot.sandbox.slack import Message
from bot.sandbox.slack.reading import texts_of
from bot.sandbox.slack.records import Ack
from tests.chaos.world import GROUP, World

ASKING = f"okta-group {GROUP} 72s OPS-12 slow queries"
HAS = f"You have {GROUP} until"
NOT_GIVEN = f"You were not given {GROUP}"
GIVEN_BACK = "you ended it"
ENDED = f"Your access to {GROUP} has ended"
WARNED = f"Your access to {GROUP} ends"
DENIED = "was denied by"
LAPSED = "lapsed: nobody answered in time"
TRY_AGAIN = (
    *("try again", "Try again", "Try anew", "not know your Slack", "no group"),
    "asking those who own it now",  # what it rests on was pinned meanwhile
)
PATIENCE = 0.5
"""Seconds before somebody does again what seems not to have been taken."""


@dataclass(frozen=True)
class Deed:
    """An answer that somebody gave; `at` is when they began to."""

    at: float
    who: str
    action: str
    request: str


class People:
    """Everybody in the workspace, by first name."""

    def __init__(self, world: World) -> None:
        self.world, self.slack = world, world.slack
        self.deeds: list[Deed] = []

    # What they see

    def shown(self, who: str) -> list[Message]:
        """Return what somebody is shown by the bot, the newest first."""
        user = self.world.ids[who]
        return [*self.slack.ephemerals(user), *self.slack.messages(user)][::-1]

    def sees(self, who: str, *fragments: str) -> Message | None:
        """Return the newest message to somebody that shows one of the fragments."""
        for message in self.shown(who):
            if any(message.shows(each) for each in fragments):
                return message
        return None

    def told(self, promise: str, who: str, *fragments: str) -> Message:
        """Wait until somebody is shown one of the fragments."""
        found: Message = self.world.wait_for(
            lambda: self.sees(who, *fragments),
            promise,
            f"{who} is told {' or '.join(fragments)}",
        )
        return found

    def cards(self, who: str, *, open_only: bool = False) -> list[Message]:
        """Return the cards of somebody, the newest first; open ones have buttons."""
        cards = [m for m in self.shown(who) if m.shows("asks for")]
        if not open_only:
            return cards
        return [m for m in cards if "approve" in m.buttons]

    def count(self, who: str, fragment: str) -> int:
        """Return how many messages to somebody show `fragment`."""
        return sum(message.shows(fragment) for message in self.shown(who))

    def seen(self) -> str:
        """Return what each has been shown, the newest first, for who looks into it."""
        return "\n".join(
            f"{who} {message.text} {sorted(message.buttons)}"
            for who in self.world.ids
            for message in self.shown(who)
        )

    # What they do

    def ask(self, who: str = "rita") -> None:
        """Ask until it is taken: on its way, or known to be pending or held."""
        self._insist(lambda: self._is_taken(self._type(who)), f"{who} can ask")

    def asked(self, approver: str = "olga", who: str = "rita") -> Message:
        """Ask, and wait for the approver's open card."""
        before = {m.ts for m in self.cards(approver)}
        self.ask(who)
        found: Message = self.world.wait_for(
            lambda: [m for m in self.cards(approver) if m.ts not in before],
            "I8",
            f"{approver} gets a card",
        )[0]
        return found

    def approve(self, who: str) -> None:
        """Press Approve on each open card until there is none."""
        self._insist(lambda: not self._press_open(who, "approve"), f"{who} can answer")

    def deny(self, who: str) -> None:
        """Press Deny on each open card, and say why, until there is none."""
        self._insist(lambda: not self._press_open(who, "deny"), f"{who} can deny")

    def give_back(self, who: str = "rita") -> None:
        """Press End now, in a message or at home, until it shows no more.

        A press that was answered by a kill may have counted all the same, and a clock
        that was set forward may have ended it first.
        """
        self._insist(
            lambda: self._end_shown(who) or bool(self.sees(who, GIVEN_BACK, ENDED)),
            f"{who} sees End now",
        )
        over = GIVEN_BACK, ENDED, NOT_GIVEN
        self._insist(
            lambda: not self._end_shown(who) and bool(self.sees(who, *over)),
            f"{who} can end it",
        )

    def extend(self, who: str = "rita") -> None:
        """Press Extend where it shows and submit the form, once: it may be too late."""
        user = self.world.ids[who]
        with suppress(ValueError):
            for message in self.shown(who):
                if "extend" in message.buttons:
                    self._press(who, "extend", message)
                    self.slack.submit(user, {"justification": "OPS-12 goes on"})
                    break
        self._close(who)

    def open_home(self, who: str = "rita") -> None:
        self.slack.open_home(self.world.ids[who])

    def at_once(self, *deeds: Callable[[], object]) -> None:
        """Let several people do something at the same moment."""
        with ThreadPoolExecutor(len(deeds)) as threads:
            for each in [threads.submit(deed) for deed in deeds]:
                each.result()

    def _type(self, who: str) -> str:
        """Type the command; return what it is answered, in words."""
        user = self.world.ids[who]
        ack = self.slack.command(user, ASKING)
        words = ack.text if ack.ok else ""
        view = self.slack.view(user)
        if view is not None:
            words += " ".join(texts_of(view["blocks"]))
            self._close(who)
        return words

    def _is_taken(self, words: str) -> bool:
        return bool(words) and not any(each in words for each in TRY_AGAIN)

    def _press_open(self, who: str, action: str) -> bool:
        """Press a button of the newest open card; tell whether one is still open."""
        cards = self.cards(who, open_only=True)
        if not cards:
            return False
        card = cards[0]
        request = card.buttons[action]["value"].partition(":")[0]
        self.deeds.append(Deed(time.monotonic(), who, action, request))
        with suppress(ValueError):
            self._press(who, action, card)
            if action == "deny":
                self.slack.submit(self.world.ids[who], {"reason": "Use the replica"})
                self._close(who)
        self._await(lambda: self._is_closed(who, card))
        return bool(self.cards(who, open_only=True))

    def _is_closed(self, who: str, card: Message) -> bool:
        """Tell whether a card shows an answer."""
        return card.ts not in {m.ts for m in self.cards(who, open_only=True)}

    def _press(self, who: str, action: str, message: Message) -> Ack:
        return self.slack.press(self.world.ids[who], action, message=message)

    def _end_shown(self, who: str) -> bool:
        """Press End now where it shows; tell whether it did. Else look at home."""
        user, pressed = self.world.ids[who], False
        with suppress(ValueError):
            for message in self.shown(who):
                if "end" in message.buttons:
                    pressed = self._press(who, "end", message).ok
                    break
            else:
                self.slack.open_home(user)
                pressed = self.slack.press(user, "end").ok
        return pressed

    def _close(self, who: str) -> None:
        with suppress(ValueError):
            while True:
                self.slack.close_view(self.world.ids[who])

    def _insist(self, act: Callable[[], bool], how: str) -> None:
        """Do `act` until it says that it was taken."""

        def try_it() -> bool:
            return act() or self._await(lambda: False, 0.1)

        self.world.wait_for(try_it, "I2", how)

    def _await(self, condition: Callable[[], bool], within: float = PATIENCE) -> bool:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if condition():
                return True
            with self.slack.state.change:
                self.slack.state.change.wait(0.02)
        return condition()
