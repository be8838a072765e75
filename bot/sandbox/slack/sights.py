"""Control verbs: what people see, and waiting until they see it."""

import time
from collections.abc import Callable
from typing import TypeVar

from bot.sandbox.slack.records import Json, Message, as_message
from bot.sandbox.slack.state import copied
from bot.sandbox.slack.verbs import Speaker, verb
from bot.sandbox.slack.views import view_json

T = TypeVar("T")

# What is waited for may also hang on a database or on Okta, of whose changes the
# workspace is not told.
LONGEST_NAP = 0.05
LAST_SHOWN = 3


class Sights(Speaker):
    """What each person's Slack client shows. All of it are copies."""

    @verb
    def messages(self, user: str) -> list[Message]:
        """The conversation of a person with the bot, oldest first."""
        with self.state.lock:
            person = self._person(user).id
            for channel in self.state.channels.values():
                if channel.is_direct and person in channel.members:
                    return self.state.visible(channel.id, to=None)
            return []

    @verb
    def messages_in(self, channel: str) -> list[Message]:
        """What everybody in a channel sees, oldest first."""
        with self.state.lock:
            return self.state.visible(self._channel(channel).id, to=None)

    @verb
    def message(self, channel: str, ts: str) -> Message:
        """One message as it is now, also when it has been deleted."""
        with self.state.lock:
            for one in self.state.messages:
                if (one.channel, one.ts) == (channel, ts):
                    return copied(one)
        raise KeyError(f"there is no message {ts} in {channel}")

    @verb
    def ephemerals(self, user: str) -> list[Message]:
        """What only this person sees, in all channels, oldest first."""
        with self.state.lock:
            person = self._person(user).id
            messages = self.state.messages
            return [copied(m) for m in messages if m.to == person and not m.deleted]

    @verb
    def view(self, user: str) -> Json | None:
        """The modal on top, with what has been entered in it."""
        return next(reversed(self.views(user)), None)

    @verb
    def views(self, user: str) -> list[Json]:
        """The open modals, the one on top last."""
        with self.state.lock:
            stack = self.state.stacks.get(self._person(user).id, [])
            return [view_json(self.state, view) for view in stack]

    @verb
    def home(self, user: str) -> Json | None:
        """The Home tab as published, or None."""
        with self.state.lock:
            view = self.state.homes.get(self._person(user).id)
            return view_json(self.state, view) if view else None

    def wait_for(self, condition: Callable[[], T], timeout: float = 10.0) -> T:
        """The value of `condition` as soon as it is true of anything.

        It is looked at again upon every change of the workspace, in the calling
        thread and with nothing held. Raises AssertionError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            seen = self.state.version
            if found := condition():
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not within {timeout} s.\n{self._scene()}")
            self._nap(seen, min(left, LONGEST_NAP))

    @verb
    def wait_for_message(
        self,
        user: str,
        fragment: str,
        timeout: float = 10.0,
        after: Message | Json | None = None,
    ) -> Message:
        """The first message from the bot to `user` that shows `fragment`.

        With `after`, the first that was posted later. Raises AssertionError.
        """
        since = as_message(after).ts if after else ""

        def found() -> Message | None:
            for message in self.messages(user):
                ours = message.user == self.state.bot_user_id and message.ts > since
                if ours and message.shows(fragment):
                    return message
            return None

        message = self.wait_for(found, timeout)
        assert message is not None  # noqa: S101 wait_for returns what is true
        return message

    @verb
    def wait_for_connection(self, timeout: float = 10.0) -> None:
        """Return once the bot's socket is open. Raises AssertionError."""
        self.wait_for(lambda: self.connected, timeout)

    @property
    def connected(self) -> bool:
        """Whether the bot has a socket over which payloads go."""
        return bool(self.state.sockets.open)

    def _nap(self, seen: int, seconds: float) -> None:
        with self.state.change:
            if self.state.version == seen:
                self.state.change.wait(seconds)

    def _scene(self) -> str:
        with self.state.lock:
            people = list(self.state.people.values())
        lines = []
        for person in people:
            shown = self.messages(person.id) + self.ephemerals(person.id)
            last = [message.all_text for message in shown[-LAST_SHOWN:]]
            lines += [f"{person.name} was shown: {text!r}" for text in last]
        return "\n".join(lines) or "Nobody was shown anything."
