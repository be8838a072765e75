"""chat.*: what the bot writes."""

import json
from typing import Any

from bot.sandbox.slack.answers import Json, Refused
from bot.sandbox.slack.kit import message_problems
from bot.sandbox.slack.reading import texts_of
from bot.sandbox.slack.records import Channel, Message
from bot.sandbox.slack.state import State, named

LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000
# Slack: `msg_blocks_too_long`, at about so many characters over all blocks.
LONGEST_BLOCKS = 13_200
LONGEST_METADATA = 16_000


def post_message(state: State, args: Json) -> Json:
    """chat.postMessage: to a channel, or to a person by their user id."""
    text, blocks = content(args)
    channel = _destination(state, args["channel"])
    message = Message(
        channel=channel.id,
        ts=state.new_ts(),
        text=text[:LONGEST_TEXT],
        blocks=blocks,
        user=state.bot_user_id,
        thread_ts=args.get("thread_ts"),
        metadata=_metadata(args),
    )
    state.post(message)
    shown = message_json(state, message)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


def update(state: State, args: Json) -> Json:
    """chat.update. Slack: "text without blocks removes the previous blocks"."""
    text, blocks = content(args)
    if len(text) > LONGEST_UPDATE:
        raise Refused("msg_too_long")
    message = _own(state, args, "cant_update_message")
    if state.channels[message.channel].archived:
        raise Refused("is_inactive")
    rewrite(message, text, blocks)
    if "metadata" in args:
        message.metadata = _metadata(args)
    shown = message_json(state, message)
    place = {"channel": message.channel, "ts": message.ts}
    return {**place, "text": text, "message": shown}


def rewrite(message: Message, text: str, blocks: list[Json]) -> None:
    """Give a message other content; its blocks get new names."""
    message.text, message.blocks = text, named(blocks)
    message.edits += 1


def delete(state: State, args: Json) -> Json:
    """chat.delete: the bot's own messages only."""
    message = _own(state, args, "cant_delete_message")
    message.deleted = True
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(state: State, args: Json) -> Json:
    """chat.postEphemeral: seen by one member of the channel, until they reload."""
    text, blocks = content(args)
    channel = _reachable(state, args["channel"])
    if args["user"] not in channel.members:
        raise Refused("user_not_in_channel")
    message = add_ephemeral(state, channel.id, args["user"], text, blocks)
    return {"message_ts": message.ts}


def add_ephemeral(
    state: State, channel: str, user: str, text: str, blocks: list[Json]
) -> Message:
    """A message that only `user` sees."""
    message = Message(channel, state.new_ts(), text, blocks, state.bot_user_id)
    message.to = user
    return state.post(message)


def get_permalink(state: State, args: Json) -> Json:
    """chat.getPermalink."""
    channel = existing(state, args["channel"])
    if state.find_message(channel.id, args["message_ts"]) is None:
        raise Refused("message_not_found")
    place = f"{channel.id}/p{args['message_ts'].replace('.', '')}"
    link = f"https://{state.domain}.slack.com/archives/{place}"
    return {"channel": channel.id, "permalink": link}


def content(args: Json) -> tuple[str, list[Json]]:
    """The text and blocks of a message. Raises Refused where Slack refuses them.

    Slack: `text` is what notifications and screen readers take, so it is required
    here even where blocks are sent.
    """
    text, blocks = args.get("text") or "", args.get("blocks") or []
    if not isinstance(text, str) or not text.strip():
        raise Refused("no_text")
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if problems := message_problems(blocks):
        raise Refused("invalid_blocks", *problems)
    if sum(map(len, texts_of(blocks))) > LONGEST_BLOCKS:
        raise Refused("msg_blocks_too_long")
    return text, blocks


def message_json(state: State, message: Message) -> Json:
    """The message as Slack shows it to the app."""
    shown: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": state.team_id,
    }
    if message.user == state.bot_user_id:
        shown |= {"bot_id": state.bot_id, "app_id": state.app_id}
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if message.metadata:
        shown["metadata"] = message.metadata
    if message.edits:
        shown["edited"] = {"user": message.user, "ts": message.ts}
    return shown


def existing(state: State, channel_id: Any) -> Channel:
    """The channel with that id."""
    if channel_id not in state.channels:
        raise Refused("channel_not_found")
    return state.channels[channel_id]


def _destination(state: State, channel_id: Any) -> Channel:
    person = state.people.get(channel_id)
    if person is None:
        return _reachable(state, channel_id)
    if person.deleted or person.stranger:
        raise Refused("channel_not_found")
    if person.bot:
        raise Refused("cannot_dm_bot")
    return _reachable(state, state.direct_channel(person.id).id)


def _reachable(state: State, channel_id: Any) -> Channel:
    channel = existing(state, channel_id)
    if channel.is_direct and not state.settings.messages_tab:
        raise Refused("messages_tab_disabled")
    if channel.archived or _is_left(state, channel):
        raise Refused("is_archived")
    if channel.read_only:
        raise Refused("restricted_action_read_only_channel")
    if state.bot_user_id in channel.members:
        return channel
    if channel.private:
        raise Refused("channel_not_found")
    if "chat:write.public" not in state.settings.scopes:
        raise Refused("not_in_channel")
    return channel


def _is_left(state: State, channel: Channel) -> bool:
    if not channel.is_direct:
        return False
    return any(state.people[member].deleted for member in channel.members)


def _own(state: State, args: Json, otherwise: str) -> Message:
    channel = existing(state, args["channel"])
    message = state.find_message(channel.id, args["ts"])
    # Slack: an ephemeral message is not found by its ts.
    if message is None or message.is_ephemeral:
        raise Refused("message_not_found")
    if message.user != state.bot_user_id:
        raise Refused(otherwise)
    return message


def _metadata(args: Json) -> Json | None:
    metadata = args.get("metadata")
    if not metadata:
        return None
    if not isinstance(metadata, dict):
        raise Refused("invalid_metadata_format")
    if not {"event_type", "event_payload"} <= set(metadata):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata)) > LONGEST_METADATA:
        raise Refused("metadata_too_large")
    return metadata
