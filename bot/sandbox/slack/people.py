"""users.*, conversations.* and auth.test: who and where."""

import base64
import binascii
import time
from typing import Any

from bot.sandbox.slack.answers import Json, Refused
from bot.sandbox.slack.chat import existing
from bot.sandbox.slack.records import Channel, Person, new_id
from bot.sandbox.slack.state import State

MOST_IN_A_CONVERSATION = 8
LARGEST_PAGE = 1000


def auth_test(state: State, args: Json) -> Json:
    """auth.test: which workspace, and which bot."""
    return {
        "url": f"https://{state.domain}.slack.com/",
        "team": "Sandbox",
        "user": state.people[state.bot_user_id].name,
        "team_id": state.team_id,
        "user_id": state.bot_user_id,
        "bot_id": state.bot_id,
        "is_enterprise_install": False,
    }


def info(state: State, args: Json) -> Json:
    """users.info. Deleted people and strangers are found too."""
    person = state.people.get(args["user"])
    if person is None:
        raise Refused("user_not_found")
    return {"user": state.user_json(person)}


def list_people(state: State, args: Json) -> Json:
    """users.list, in pages; everybody the workspace has seen is in it."""
    start = _start(args.get("cursor"))
    size = _page_size(args.get("limit") or LARGEST_PAGE)
    everybody = list(state.people.values())
    if start > len(everybody):
        raise Refused("invalid_cursor")
    page = everybody[start : start + size]
    more = start + size < len(everybody)
    return {
        "members": [state.user_json(person) for person in page],
        "cache_ts": int(time.time()),
        "response_metadata": {"next_cursor": _cursor(start + size) if more else ""},
    }


def look_up_by_email(state: State, args: Json) -> Json:
    """users.lookupByEmail. Slack: deactivated people are `users_not_found`."""
    wanted = str(args["email"]).casefold()
    for person in state.people.values():
        gone = person.deleted or person.stranger
        if not gone and (person.email or "").casefold() == wanted:
            return {"user": state.user_json(person)}
    raise Refused("users_not_found")


def open_conversation(state: State, args: Json) -> Json:
    """conversations.open: the direct message with one person, or several."""
    if args.get("channel"):
        return {"channel": {"id": existing(state, args["channel"]).id}}
    people = [_company(state, user) for user in _listed(args.get("users"))]
    if not people:
        raise Refused("users_list_not_supplied")
    if len(people) > MOST_IN_A_CONVERSATION:
        raise Refused("too_many_users")
    if len(people) == 1:
        return {"channel": {"id": state.direct_channel(people[0].id).id}}
    return {"channel": {"id": _group(state, {one.id for one in people}).id}}


def conversation_info(state: State, args: Json) -> Json:
    """conversations.info, for the channels that the scopes let the bot see."""
    channel = existing(state, args["channel"])
    _require_scope(state, channel)
    if channel.private and state.bot_user_id not in channel.members:
        raise Refused("channel_not_found")
    shown = _conversation(state, channel)
    if str(args.get("include_num_members", "")).lower() in {"1", "true"}:
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def _require_scope(state: State, channel: Channel) -> None:
    kind = "im" if channel.is_direct else "groups" if channel.private else "channels"
    if f"{kind}:read" not in state.settings.scopes:
        provided = ",".join(sorted(state.settings.scopes))
        raise Refused("missing_scope", needed=f"{kind}:read", provided=provided)


def _conversation(state: State, channel: Channel) -> Json:
    if channel.is_direct:
        (person,) = channel.members - {state.bot_user_id}
        return {"id": channel.id, "is_im": True, "user": person}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_mpim": channel.id.startswith("G"),
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_shared": channel.shared,
        "is_ext_shared": channel.shared,
        "is_pending_ext_shared": False,
        "is_org_shared": False,
        "is_member": state.bot_user_id in channel.members,
        "context_team_id": state.team_id,
    }


def _company(state: State, user: str) -> Person:
    person = state.people.get(user)
    if person is None:
        raise Refused("user_not_found")
    if person.deleted:
        raise Refused("user_disabled")
    if person.stranger:
        raise Refused("user_not_visible")
    if person.bot:
        raise Refused("cannot_dm_bot")
    return person


def _group(state: State, members: set[str]) -> Channel:
    if "mpim:write" not in state.settings.scopes:
        raise Refused("missing_scope", needed="mpim:write", provided="im:write")
    everybody = members | {state.bot_user_id}
    for channel in state.channels.values():
        if channel.id.startswith("G") and channel.members == everybody:
            return channel
    opened = Channel(new_id("G"), "mpdm", everybody, private=True)
    state.channels[opened.id] = opened
    return opened


def _listed(users: Any) -> list[str]:
    if isinstance(users, list):
        return [str(user) for user in users]
    return [user.strip() for user in str(users or "").split(",") if user.strip()]


def _page_size(limit: Any) -> int:
    if not str(limit).isdecimal():
        raise Refused("invalid_arguments", "[ERROR] must be a number: limit")
    return min(int(limit), LARGEST_PAGE)


def _cursor(start: int) -> str:
    return base64.b64encode(f"start:{start}".encode()).decode()


def _start(cursor: Any) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(str(cursor)).decode().removeprefix("start:"))
    except (binascii.Error, ValueError) as error:
        raise Refused("invalid_cursor") from error
