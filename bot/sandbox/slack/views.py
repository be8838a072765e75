"""views.*: modals in their stacks, and home views."""

import copy
import json
import secrets
import time
from typing import Any

from bot.sandbox.slack.answers import Json, Refused, missing
from bot.sandbox.slack.kit import view_problems
from bot.sandbox.slack.reading import placed_elements
from bot.sandbox.slack.records import View, new_id
from bot.sandbox.slack.state import State, named
from bot.sandbox.slack.values import initial_value

LARGEST_VIEW = 250_000
DEEPEST_STACK = 3


def open_modal(state: State, args: Json) -> Json:
    """views.open: a new modal, in place of those that are open."""
    content = _content(args["view"], "modal")
    _require_new(state, content)
    user = exchange(state, args)
    view = new_view(user, content)
    state.stacks[user] = [view]
    return {"view": view_json(state, view)}


def push(state: State, args: Json) -> Json:
    """views.push: one more modal on top of those that are open."""
    content = _content(args["view"], "modal")
    _require_new(state, content)
    user = exchange(state, args)
    return {"view": view_json(state, add_on_top(state, user, content))}


def add_on_top(state: State, user: str, content: Json) -> View:
    """A view on the stack of `user`. Slack: at most 3."""
    stack = state.stacks.get(user, [])
    if not stack:
        raise Refused("not_found")
    if len(stack) >= DEEPEST_STACK:
        raise Refused("push_limit_reached")
    view = new_view(user, content, below=stack[-1])
    stack.append(view)
    return view


def update(state: State, args: Json) -> Json:
    """views.update: other content in an open modal; entries of kept fields stay."""
    if not args.get("view_id") and not args.get("external_id"):
        raise missing("view_id")
    content = _content(args["view"], "modal")
    view_id = args.get("view_id") or ""
    view = state.find_view(view_id, args.get("external_id") or "")
    if view is None:
        raise Refused("not_found")
    _require_hash(view, args)
    if content.get("external_id", view.external_id) != view.external_id:
        _require_new(state, content)
    refill(view, content)
    return {"view": view_json(state, view)}


def publish(state: State, args: Json) -> Json:
    """views.publish: what a person sees on the Home tab."""
    content = _content(args["view"], "home")
    if not state.settings.home_tab:
        raise Refused("not_enabled")
    user = args["user_id"]
    if user not in state.people:
        raise Refused("invalid_arguments", f"[ERROR] no such user: {user}")
    view = state.homes.get(user)
    if view is None:
        view = state.homes[user] = new_view(user, content)
    else:
        _require_hash(view, args)
        refill(view, content)
    return {"view": view_json(state, view)}


def checked(content: Any, kind: str) -> Json:
    """A view that Slack would take. Raises Refused for any other."""
    if problems := view_problems(content, kind):
        raise Refused("invalid_arguments", *problems)
    if len(json.dumps(content, ensure_ascii=False).encode()) > LARGEST_VIEW:
        raise Refused("view_too_large")
    view: Json = content
    return view


def exchange(state: State, args: Json) -> str:
    """Whose trigger it is. Slack: it lives 3 s and is used once."""
    trigger_id = args.get("trigger_id") or args.get("interactivity_pointer")
    if not trigger_id:
        raise missing("trigger_id")
    trigger = state.triggers.get(trigger_id)
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if time.monotonic() > trigger.expires:
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger.user


def new_view(user: str, content: Json, below: View | None = None) -> View:
    """A view as it comes up, on top of `below` where there is one."""
    view_id = new_id("V")
    view = View(
        id=view_id,
        user=user,
        content={},
        hash="",
        root_id=below.root_id if below else view_id,
        previous_id=below.id if below else None,
    )
    refill(view, content)
    return view


def refill(view: View, content: Json) -> None:
    """Give a view other content, and its fields their first values.

    What was entered stays where block_id and action_id are the same.
    """
    view.content = {**content, "blocks": named(content["blocks"])}
    view.hash = f"{time.time_ns() // 1000}.{secrets.token_hex(4)}"
    entered, view.values = view.values, {}
    for block, element in placed_elements(view.blocks):
        value = initial_value(element)
        if value is not None:
            of_block = view.values.setdefault(block["block_id"], {})
            kept = entered.get(block["block_id"], {}).get(element["action_id"])
            same = kept is not None and kept["type"] == value["type"]
            of_block[element["action_id"]] = kept if same else value


def view_json(state: State, view: View) -> Json:
    """The view as Slack sends it, with what has been entered."""
    content = view.content
    shown: Json = {
        "id": view.id,
        "team_id": state.team_id,
        "type": content["type"],
        "blocks": content["blocks"],
        "private_metadata": content.get("private_metadata", ""),
        "callback_id": content.get("callback_id", ""),
        "state": {"values": view.values},
        "hash": view.hash,
        "title": content.get("title", {"type": "plain_text", "text": "View Title"}),
        "clear_on_close": content.get("clear_on_close", False),
        "notify_on_close": content.get("notify_on_close", False),
        "close": content.get("close"),
        "submit": content.get("submit"),
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": state.app_id,
        "external_id": view.external_id,
        "app_installed_team_id": state.team_id,
        "bot_id": state.bot_id,
    }
    return copy.deepcopy(shown)


def _content(view: Any, kind: str) -> Json:
    if not isinstance(view, dict):
        raise Refused("invalid_arguments", "[ERROR] must provide an object: view")
    return checked(view, kind)


def _require_new(state: State, content: Json) -> None:
    external_id = content.get("external_id")
    if external_id and state.find_view("", external_id):
        raise Refused("duplicate_external_id")


def _require_hash(view: View, args: Json) -> None:
    if args.get("hash") and args["hash"] != view.hash:
        raise Refused("hash_conflict")
