"""The Web API's methods, each with the scope and arguments it asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slack import chat, people, sockets, views
from bot.sandbox.slack.answers import Json
from bot.sandbox.slack.state import State

Answer = Callable[[State, Json], Json]


@dataclass(frozen=True)
class Method:
    """A method; `app_level` is called with the xapp- token."""

    answer: Answer
    required: tuple[str, ...] = ()
    scope: str | None = None
    app_level: bool = False


METHODS: dict[str, Method] = {
    "apps.connections.open": Method(sockets.open_connection, app_level=True),
    "auth.test": Method(people.auth_test),
    "chat.delete": Method(chat.delete, ("channel", "ts"), "chat:write"),
    "chat.getPermalink": Method(chat.get_permalink, ("channel", "message_ts")),
    "chat.postEphemeral": Method(
        chat.post_ephemeral, ("channel", "user"), "chat:write"
    ),
    "chat.postMessage": Method(chat.post_message, ("channel",), "chat:write"),
    "chat.update": Method(chat.update, ("channel", "ts"), "chat:write"),
    "conversations.info": Method(people.conversation_info, ("channel",)),
    "conversations.open": Method(people.open_conversation, (), "im:write"),
    "users.info": Method(people.info, ("user",), "users:read"),
    "users.list": Method(people.list_people, (), "users:read"),
    "users.lookupByEmail": Method(
        people.look_up_by_email, ("email",), "users:read.email"
    ),
    "views.open": Method(views.open_modal, ("view",)),
    "views.publish": Method(views.publish, ("user_id", "view")),
    "views.push": Method(views.push, ("view",)),
    "views.update": Method(views.update, ("view",)),
}
