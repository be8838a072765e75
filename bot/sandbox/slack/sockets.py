"""Socket Mode: the bot's connections, and the envelopes sent over them.

Slack: "each payload goes to one connection, any of them", and "nothing is queued
while no connection exists".
"""

import json
import secrets

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.slack.answers import Json, Refused
from bot.sandbox.slack.connections import Connection
from bot.sandbox.slack.state import State

PATH = "/link"
MOST_CONNECTIONS = 10
LIFETIME = 18_060
# Slack: only these may be answered with a payload.
ANSWERABLE = frozenset({"view_submission", "block_suggestion"})


def open_connection(state: State, args: Json) -> Json:
    """apps.connections.open: an address for one connection."""
    if len(state.sockets.open) >= MOST_CONNECTIONS:
        raise Refused("too_many_websockets")
    ticket = secrets.token_urlsafe(24)
    state.sockets.tickets.add(ticket)
    address = state.url.replace("http://", "ws://", 1)
    return {"url": f"{address}{PATH}?ticket={ticket}&app_id={state.app_id}"}


def socket_route(state: State) -> WebSocketRoute:
    """Where the addresses of `open_connection` lead."""

    async def endpoint(socket: WebSocket) -> None:
        ticket = socket.query_params.get("ticket", "")
        if ticket not in state.sockets.tickets:
            await socket.close(1008)
            return
        state.sockets.tickets.discard(ticket)
        await _converse(state, socket)

    return WebSocketRoute(PATH, endpoint)


async def _converse(state: State, socket: WebSocket) -> None:
    await socket.accept()
    connection = Connection(socket)
    await socket.send_text(json.dumps(_hello(state)))
    with state.changing():
        state.sockets.open.append(connection)
    try:
        while True:
            sent = await socket.receive_text()
            with state.changing():
                state.sockets.answer(sent)
    except WebSocketDisconnect:
        pass
    except (RuntimeError, ValueError):
        connection.cut()  # closed from this side, or not a client of Socket Mode
    finally:
        with state.changing():
            state.sockets.drop(connection)


def _hello(state: State) -> Json:
    return {
        "type": "hello",
        "num_connections": len(state.sockets.open) + 1,
        "debug_info": {"host": "sandbox", "approximate_connection_time": LIFETIME},
        "connection_info": {"app_id": state.app_id},
    }


def is_answerable(kind: str, payload: Json) -> bool:
    """Whether the acknowledgement may carry a payload."""
    return kind == "slash_commands" or payload.get("type") in ANSWERABLE
