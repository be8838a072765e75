"""Control verbs: who is in the workspace, and where they meet."""

import time
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from bot.sandbox.slack.payloads import escaped, event
from bot.sandbox.slack.records import Channel, Json, Message, Person, new_id
from bot.sandbox.slack.verbs import Speaker, verb

CHANGEABLE_CHANNEL = frozenset({"archived", "shared", "private", "read_only"})
CHANGEABLE = {field.name for field in fields(Person)} - {"id", "updated"}


class Membership(Speaker):
    """What an administrator of the workspace does."""

    @verb
    def add_person(
        self,
        name: str,
        *,
        email: str | None = None,
        real_name: str | None = None,
        guest: bool = False,
        ultra_guest: bool = False,
        stranger: bool = False,
        bot: bool = False,
        deleted: bool = False,
        email_confirmed: bool = True,
        tz: str = "Europe/Paris",
        team_id: str | None = None,
    ) -> str:
        """An account; the id. A stranger is of another team unless it is given."""
        home = new_id("T") if stranger else self.state.team_id
        person = Person(
            id=new_id("U"),
            name=name,
            team_id=team_id or home,
            real_name=real_name or name.title(),
            email=email,
            tz=tz,
            guest=guest,
            ultra_guest=ultra_guest,
            stranger=stranger,
            bot=bot,
            deleted=deleted,
            email_confirmed=email_confirmed,
            updated=int(time.time()),
        )
        with self.state.changing():
            self.state.people[person.id] = person
        return person.id

    @verb
    def change_person(self, user: str, **changes: Any) -> None:
        """Change an account, and tell the bot if it subscribes to `user_change`."""
        if unknown := sorted(set(changes) - CHANGEABLE):
            raise ValueError(f"a person has no {', '.join(unknown)}")
        with self.state.changing():
            person = self._person(user)
            vars(person).update(changes, updated=int(time.time()))
            about = {
                "type": "user_change",
                "user": self.state.user_json(person),
                "cache_ts": person.updated,
            }
        self._tell(about)

    @verb
    def add_channel(
        self,
        name: str,
        *,
        members: Iterable[str] = (),
        shared: bool = False,
        archived: bool = False,
        private: bool = False,
        with_bot: bool = True,
    ) -> str:
        """A channel; the id. The bot is a member unless it is said not to be."""
        company = {self._person(user).id for user in members}
        if with_bot:
            company.add(self.state.bot_user_id)
        channel = Channel(new_id("C"), name, company, private, archived, shared)
        with self.state.changing():
            self.state.channels[channel.id] = channel
        return channel.id

    @verb
    def change_channel(self, channel: str, **changes: Any) -> None:
        """Archive a channel, share it, or make it private or read-only."""
        if unknown := sorted(set(changes) - CHANGEABLE_CHANNEL):
            raise ValueError(f"a channel has no {', '.join(unknown)}")
        with self.state.changing():
            vars(self._channel(channel)).update(changes)

    @verb
    def open_home(self, user: str, tab: str = "home") -> None:
        """Open the app's Home: the bot is told each time, if it subscribes."""
        with self.state.changing():
            channel = self.state.direct_channel(self._person(user).id)
            about = {
                "type": "app_home_opened",
                "user": user,
                "channel": channel.id,
                "tab": tab,
            }
        self._tell(about)

    @verb
    def type_message(self, user: str, text: str) -> None:
        """Write to the bot; it is told if it subscribes to `message.im`."""
        with self.state.changing():
            channel = self.state.direct_channel(self._person(user).id)
            written = Message(channel.id, self.state.new_ts(), escaped(text), [], user)
            self.state.post(written)
        about = {
            "type": "message",
            "channel": channel.id,
            "user": user,
            "text": written.text,
            "ts": written.ts,
            "channel_type": "im",
        }
        self._tell(about, subscription="message.im")

    def _tell(self, about: Json, subscription: str | None = None) -> None:
        if (subscription or about["type"]) in self.state.settings.events:
            self.courier.deliver("events_api", event(self.state, about))
