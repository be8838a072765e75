"""What Slack makes of the bot's answers: to a command, a submission, a URL."""

import json
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.sandbox.slack import views
from bot.sandbox.slack.answers import Json, Refused, faulty
from bot.sandbox.slack.chat import add_ephemeral, content, rewrite
from bot.sandbox.slack.kit import options_problems
from bot.sandbox.slack.records import Ack, Call, Message, View
from bot.sandbox.slack.state import ResponseUrl, State

PATH = "/response/{team}/{number}/{secret}"


def take_command_reply(state: State, user: str, channel: str, ack: Ack) -> None:
    """Show the immediate answer to a command, if there is one."""
    reply = ack.body or ({"text": ack.text} if ack.text else None)
    if not reply:
        return
    ack.text = str(reply.get("text", ""))
    _refusing(ack, lambda: _show(state, ResponseUrl(user, channel), reply))


def take_view_reply(state: State, view: View, ack: Ack) -> None:
    """Do what `response_action` says; without one the view closes."""
    _refusing(ack, lambda: _respond(state, view, ack))


def take_options(ack: Ack) -> list[Json]:
    """The options to show; none, with the problems noted, if Slack refuses them."""
    reply = ack.body or {}
    ack.problems += options_problems(reply)
    if ack.problems:
        return []
    options: list[Json] = list(reply.get("options", []))
    for group in reply.get("option_groups", []):
        options += group["options"]
    return options


def _refusing(ack: Ack, act: Callable[[], None]) -> None:
    try:
        act()
    except Refused as refused:
        metadata = refused.body.get("response_metadata", {})
        ack.problems += metadata.get("messages", []) or [refused.error]


def _respond(state: State, view: View, ack: Ack) -> None:
    reply = ack.body or {}
    stack = state.stacks.get(view.user, [])
    match reply.get("response_action"):
        case None:
            _close(stack, view)
        case "clear":
            stack.clear()
        case "errors":
            ack.errors = _errors(view, reply.get("errors"))
        case "update":
            views.refill(view, views.checked(reply.get("view"), "modal"))
        case "push":
            shown = views.checked(reply.get("view"), "modal")
            views.add_on_top(state, view.user, shown)
        case other:
            raise Refused(f"there is no response_action {other}")


def _close(stack: list[View], view: View) -> None:
    if view in stack:
        stack.remove(view)


def _errors(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors:
        raise Refused("errors must name at least one block")
    for block_id, words in errors.items():
        # Slack: the key is the block_id of an `input` block.
        if block_id not in inputs:
            raise Refused(f"{block_id} is not the block_id of an input block")
        if not isinstance(words, str) or not words:
            raise Refused(f"the error of {block_id} must be a text")
    return dict(errors)


def response_url_route(state: State) -> Route:
    """Where every `response_url` leads."""

    async def endpoint(request: Request) -> Response:
        sent = await request.body()

        async def apply() -> Response:
            with state.changing():
                return _answer(state, request.url.path, sent)

        fault = state.faults.take("response_url")
        if fault is None:
            return await apply()
        return await state.faults.play(
            fault, apply, lambda met: faulty(met.kind, met.retry_after)
        )

    return Route(PATH, endpoint, methods=["POST"])


def _answer(state: State, path: str, sent: bytes) -> Response:
    args: Json = {}
    error = None
    try:
        args = _read(sent)
        _show(state, _spend(state, path), args)
    except Refused as refused:
        error = refused.error
    state.calls.append(
        Call("response_url", args, error is None, error, time.monotonic())
    )
    if error is None:
        return PlainTextResponse("ok")
    return JSONResponse({"ok": False, "error": error}, 404)


def _read(sent: bytes) -> Json:
    try:
        args = json.loads(sent)
    except ValueError as error:
        raise Refused("invalid_payload") from error
    if not isinstance(args, dict):
        raise Refused("invalid_payload")
    return args


def _spend(state: State, path: str) -> ResponseUrl:
    url = state.response_urls.get(path)
    if url is None or time.monotonic() > url.expires:
        raise Refused("expired_url")
    if url.uses_left == 0:
        raise Refused("used_url")
    url.uses_left -= 1
    return url


def _show(state: State, url: ResponseUrl, reply: Json) -> None:
    original = state.find_message(url.channel, url.ts) if url.ts else None
    if reply.get("delete_original"):
        if original is not None:
            original.deleted = True
        return
    text, blocks = content(reply)
    if reply.get("replace_original") and original is not None:
        rewrite(original, text, blocks)
    elif reply.get("response_type", "ephemeral") == "in_channel":
        ts, author = state.new_ts(), state.bot_user_id
        state.post(Message(url.channel, ts, text, blocks, author))
    else:
        add_ephemeral(state, url.channel, url.user, text, blocks)
