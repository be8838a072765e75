"""What every set of control verbs stands on."""

from collections.abc import Callable
from typing import Any, TypeVar

from bot.sandbox.slack.courier import Courier
from bot.sandbox.slack.records import Channel, Person
from bot.sandbox.slack.state import State

VERBS: set[str] = set()
V = TypeVar("V", bound=Callable[..., Any])


def verb(function: V) -> V:
    """A control verb: it can be spoken over `/_control` too."""
    VERBS.add(function.__name__)
    return function


class Speaker:
    """Somebody who can say what happens in the workspace."""

    def __init__(self) -> None:
        self.state = State()
        self.courier = Courier(self.state)

    def _person(self, user: str) -> Person:
        if user not in self.state.people:
            raise KeyError(f"there is no person {user}")
        return self.state.people[user]

    def _channel(self, channel: str) -> Channel:
        if channel not in self.state.channels:
            raise KeyError(f"there is no channel {channel}")
        return self.state.channels[channel]
