"""What Slack sends to the bot when a person does something."""

import time
from typing import Any
from urllib.parse import urlencode

from bot.sandbox.slack.chat import message_json
from bot.sandbox.slack.records import (
    Channel,
    Delivery,
    Json,
    Message,
    Person,
    View,
    new_id,
)
from bot.sandbox.slack.state import State
from bot.sandbox.slack.views import view_json

DEPRECATED_TOKEN = "deprecated"  # noqa: S105 Slack still sends one; nobody reads it


def slash_command(
    state: State, person: Person, channel: Channel, command: str, text: str
) -> Json:
    """A command as typed. Slack: all of its fields are strings."""
    return {
        "token": DEPRECATED_TOKEN,
        "team_id": state.team_id,
        "team_domain": state.domain,
        "channel_id": channel.id,
        "channel_name": channel.shown_name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": escaped(text),
        "api_app_id": state.app_id,
        "is_enterprise_install": "false",
        "response_url": state.new_response_url(person.id, channel.id),
        "trigger_id": state.new_trigger(person.id),
    }


def escaped(text: str) -> str:
    """What a person typed, as Slack passes it on: `&`, `<` and `>` as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shortcut(state: State, person: Person, callback_id: str) -> Json:
    """A global shortcut: it has no channel."""
    return {
        **_interaction(state, person, "shortcut"),
        "callback_id": callback_id,
        "trigger_id": state.new_trigger(person.id),
        "action_ts": state.new_ts(),
    }


def message_action(
    state: State, person: Person, message: Message, action: Json
) -> Json:
    """Something pressed or chosen in a message."""
    channel = state.channels[message.channel]
    place = {"message_ts": message.ts, "channel_id": channel.id}
    container = {"type": "message", **place, "is_ephemeral": message.is_ephemeral}
    return {
        **_interaction(state, person, "block_actions"),
        "container": container,
        "channel": {"id": channel.id, "name": channel.shown_name},
        "message": message_json(state, message),
        "state": {"values": {}},
        "response_url": state.new_response_url(person.id, channel.id, message.ts),
        "trigger_id": state.new_trigger(person.id),
        "actions": [{**action, "action_ts": state.new_ts()}],
    }


def view_action(state: State, person: Person, view: View, action: Json) -> Json:
    """Something pressed or chosen in a modal or on the Home tab."""
    shown = view_json(state, view)
    return {
        **_interaction(state, person, "block_actions"),
        "container": {"type": "view", "view_id": view.id},
        "view": shown,
        "state": shown["state"],
        "trigger_id": state.new_trigger(person.id),
        "actions": [{**action, "action_ts": state.new_ts()}],
    }


def submission(state: State, person: Person, view: View) -> Json:
    """A modal submitted, with everything that has been entered in it."""
    return {
        **_interaction(state, person, "view_submission"),
        "trigger_id": state.new_trigger(person.id),
        "view": view_json(state, view),
        "response_urls": [],
    }


def closing(state: State, person: Person, view: View, *, is_cleared: bool) -> Json:
    """A modal closed, by itself or with all of its stack."""
    return {
        **_interaction(state, person, "view_closed"),
        "view": view_json(state, view),
        "is_cleared": is_cleared,
    }


def suggestion(
    state: State, person: Person, view: View, named: Json, typed: str
) -> Json:
    """What has been typed so far; `named` says where, by action and block id."""
    return {
        **_interaction(state, person, "block_suggestion"),
        **named,
        "value": typed,
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(state, view),
    }


def event(state: State, about: Json) -> Json:
    """One event; `event_id` is the same however often it is delivered."""
    authorization = {
        "enterprise_id": None,
        "team_id": state.team_id,
        "user_id": state.bot_user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": DEPRECATED_TOKEN,
        "team_id": state.team_id,
        "api_app_id": state.app_id,
        "event": {**about, "event_ts": state.new_ts()},
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{new_id('E')}",
    }


def _interaction(state: State, person: Person, kind: str) -> Json:
    user = {
        "id": person.id,
        "username": person.name,
        "name": person.name,
        "team_id": person.team_id,
    }
    return {
        "type": kind,
        "user": user,
        "api_app_id": state.app_id,
        "token": DEPRECATED_TOKEN,
        "team": {"id": state.team_id, "domain": state.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def as_envelope(delivery: Delivery, *, answerable: bool) -> Json:
    """The payload as it goes over a socket."""
    envelope: Json = {
        "envelope_id": delivery.envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": answerable,
    }
    if delivery.kind == "events_api":
        envelope["retry_attempt"] = delivery.attempt
        envelope["retry_reason"] = "timeout" if delivery.attempt else ""
    return envelope


def as_body(delivery: Delivery, encode: Any) -> tuple[str, str]:
    """The payload as it goes over HTTP: content type and body.

    Slack: a command is a form, an interaction the form field `payload`, an event
    JSON.
    """
    if delivery.kind == "events_api":
        return "application/json", encode(delivery.payload)
    fields = delivery.payload
    if delivery.kind == "interactive":
        fields = {"payload": encode(delivery.payload)}
    return "application/x-www-form-urlencoded", urlencode(fields)
