"""Control verbs: what people do with the app in their Slack client.

Each sends one payload, waits for the bot's answer as long as Slack does, and
returns it. Nothing is held meanwhile, so several threads may act at once.
"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack import payloads
from bot.sandbox.slack.acting import (
    as_action,
    enter,
    find_element,
    forged_element,
    is_dispatched,
    is_entered,
    require_filled,
)
from bot.sandbox.slack.records import Ack, Json, Message, View, as_message
from bot.sandbox.slack.replies import (
    take_command_reply,
    take_options,
    take_view_reply,
)
from bot.sandbox.slack.values import entered_value
from bot.sandbox.slack.verbs import Speaker, verb

SHORTEST_QUERY = 3


class Acts(Speaker):
    """What a person does. Raises ValueError for what their client has no way of."""

    @verb
    def command(
        self,
        user: str,
        text: str,
        command: str = "/access",
        channel: str | None = None,
    ) -> Ack:
        """Type a command, in the conversation with the bot unless told where."""
        state = self.state
        _require_known(command, state.settings.commands)
        with state.changing():
            person = self._person(user)
            place = self._channel(channel) if channel else state.direct_channel(user)
            payload = payloads.slash_command(state, person, place, command, text)
        return self.courier.deliver(
            "slash_commands",
            payload,
            lambda ack: take_command_reply(state, user, place.id, ack),
        )

    @verb
    def shortcut(self, user: str, callback_id: str) -> Ack:
        """Choose a global shortcut."""
        _require_known(callback_id, self.state.settings.shortcuts)
        with self.state.changing():
            person = self._person(user)
            payload = payloads.shortcut(self.state, person, callback_id)
        return self.courier.deliver("interactive", payload)

    @verb
    def suggest(self, user: str, action_id: str, typed: str) -> list[Json]:
        """Type into an external select of the open view: the options that show.

        None show when the answer is late or not one that Slack takes; too short a
        text is not sent at all.
        """
        with self.state.changing():
            view = self._open_view(user)
            block, element = find_element(view.blocks, action_id)
            if len(typed) < element.get("min_query_length", SHORTEST_QUERY):
                return []
            named = {"action_id": action_id, "block_id": block["block_id"]}
            person = self._person(user)
            payload = payloads.suggestion(self.state, person, view, named, typed)
        ack = self.courier.deliver("interactive", payload)
        options = take_options(ack) if ack.ok else []
        with self.state.changing():
            view.suggested[action_id] = options + view.suggested.get(action_id, [])
        return options

    @verb
    def choose(
        self,
        user: str,
        action_id: str,
        value: Any,
        view: Json | None = None,
        block_id: str | None = None,
    ) -> Ack | None:
        """Enter a value in the open view; None where Slack keeps it to itself.

        The bot is told at once of elements outside inputs, and of inputs that
        dispatch their action; of all others with the submission.
        """
        with self.state.changing():
            shown = self._open_view(user, view)
            block, element, entered = enter(shown, action_id, value, block_id=block_id)
            if not is_dispatched(block):
                return None
            person = self._person(user)
            action = as_action(block, element, entered)
            payload = payloads.view_action(self.state, person, shown, action)
        return self.courier.deliver("interactive", payload)

    @verb
    def submit(
        self,
        user: str,
        values: Mapping[str, Any] | None = None,
        view: Json | None = None,
        *,
        force: bool = False,
    ) -> Ack:
        """Fill the open modal, by action_id, and submit it.

        Slack's own client holds back what is required and missing, or too long;
        `force` sends it all the same.
        """
        state = self.state
        with state.changing():
            shown = self._modal(user, view)
            for action_id, value in (values or {}).items():
                enter(shown, action_id, value)
            if not force:
                require_filled(shown)
            payload = payloads.submission(state, self._person(user), shown)
        return self.courier.deliver(
            "interactive", payload, lambda ack: take_view_reply(state, shown, ack)
        )

    @verb
    def press(
        self,
        user: str,
        action_id: str,
        message: Message | Json | None = None,
        value: Any = None,
        view: Json | None = None,
        block_id: str | None = None,
        *,
        force: bool = False,
    ) -> Ack:
        """Press a button of a message, of the open modal, or of the Home tab.

        `value` says which of several buttons, or what is chosen in a select.
        `force` presses what is gone, was never there, or only others can see.
        """
        with self.state.changing():
            if message is None:
                payload = self._pressed_in_view(user, action_id, value, view, block_id)
            else:
                seen = as_message(message)
                live = self._live(user, seen, force=force)
                placed = _placed(live, seen, action_id, value, block_id, force=force)
                payload = payloads.message_action(
                    self.state, self._person(user), live, _action(placed, value)
                )
        return self.courier.deliver("interactive", payload)

    @verb
    def close_view(self, user: str) -> Ack | None:
        """Close the top modal; None where the bot did not ask to be told."""
        with self.state.changing():
            view = self._modal(user)
            stack = self.state.stacks[user]
            is_cleared = bool(view.content.get("clear_on_close"))
            stack[:] = [] if is_cleared else stack[:-1]
            if not view.content.get("notify_on_close"):
                return None
            payload = payloads.closing(
                self.state, self._person(user), view, is_cleared=is_cleared
            )
        return self.courier.deliver("interactive", payload)

    @verb
    def redeliver(self, n: int = 1) -> list[Ack]:
        """Deliver the last payload n more times: same trigger, new envelope."""
        return [self.courier.again() for _ in range(n)]

    def _pressed_in_view(
        self,
        user: str,
        action_id: str,
        value: Any,
        view: Json | None,
        block_id: str | None,
    ) -> Json:
        shown = self._open_view(user, view)
        block, element = find_element(
            shown.blocks, action_id, block_id=block_id, value=value
        )
        if is_entered(element):
            enter(shown, action_id, value, block_id=block_id)
        action = _action((block, element), value)
        return payloads.view_action(self.state, self._person(user), shown, action)

    def _modal(self, user: str, view: Json | None = None) -> View:
        stack = self.state.stacks.get(self._person(user).id, [])
        return _sought(stack[::-1], view)

    def _open_view(self, user: str, view: Json | None = None) -> View:
        stack = self.state.stacks.get(self._person(user).id, [])
        home = self.state.homes.get(user)
        return _sought([*stack[::-1], *([home] if home else [])], view)

    def _live(self, user: str, message: Message, *, force: bool) -> Message:
        live = self.state.find_message(message.channel, message.ts)
        if force:
            return live or message
        members = self._channel(message.channel).members
        if user not in members or message.to not in (None, user):
            raise ValueError(f"{user} cannot see that message")
        if live is None:
            raise ValueError("that message has been deleted")
        return live


def _sought(views: list[View], view: Json | None) -> View:
    for one in views:
        if view is None or one.id == view["id"]:
            return one
    raise ValueError("there is no such view open")


def _placed(
    live: Message,
    seen: Message,
    action_id: str,
    value: Any,
    block_id: str | None,
    *,
    force: bool,
) -> tuple[Json, Json]:
    try:
        return find_element(live.blocks, action_id, block_id=block_id, value=value)
    except ValueError:
        if not force:
            raise
        return forged_element(seen, action_id, value)


def _action(placed: tuple[Json, Json], value: Any) -> Json:
    block, element = placed
    entered = entered_value(element, value) if is_entered(element) else None
    return as_action(block, element, entered)


def _require_known(name: str, known: frozenset[str] | None) -> None:
    if known is not None and name not in known:
        raise ValueError(f"the manifest has no {name}")
