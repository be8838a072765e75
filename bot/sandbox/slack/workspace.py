"""The workspace as a whole: its addresses, its installation, and its faults."""

from dataclasses import asdict, replace
from typing import Any

from starlette.applications import Starlette

from bot.sandbox.faults import Kind as FaultKind
from bot.sandbox.serving import control
from bot.sandbox.slack.acts import Acts
from bot.sandbox.slack.api import web_api
from bot.sandbox.slack.limits import Window
from bot.sandbox.slack.membership import Membership
from bot.sandbox.slack.records import Call, Delivery, Json
from bot.sandbox.slack.replies import response_url_route
from bot.sandbox.slack.sights import Sights
from bot.sandbox.slack.sockets import socket_route
from bot.sandbox.slack.verbs import VERBS, verb


class SlackWorkspace(Membership, Acts, Sights):
    """A Slack workspace on loopback. Its verbs may be spoken from any thread.

    People and channels are named by id. A verb that waits for the bot must not be
    spoken on the thread that the bot runs on. Every verb raises KeyError for whom
    and what is not there, ValueError for what cannot be done in Slack.
    """

    @property
    def url(self) -> str:
        """Its address, once it is served; the Web API is under /api/."""
        return self.state.url

    @url.setter
    def url(self, url: str) -> None:
        self.state.url = url

    def app(self) -> Starlette:
        """The Web API, the sockets, the response URLs and `/_control`."""
        state = self.state
        routes = [web_api(state), socket_route(state), response_url_route(state)]
        return Starlette(routes=[*routes, control(self, frozenset(VERBS))])

    def announcement(self) -> Json:
        """What the bot is set up with."""
        return {
            "team_id": self.team_id,
            "bot_user_id": self.bot_user_id,
            "bot_token": self.bot_token,
            "app_token": self.app_token,
            "signing_secret": self.signing_secret,
        }

    # What the bot is set up with

    @property
    def team_id(self) -> str:
        """The workspace the app is installed in."""
        return self.state.team_id

    @property
    def bot_user_id(self) -> str:
        """The bot's own account."""
        return self.state.bot_user_id

    @property
    def bot_token(self) -> str:
        """xoxb-..., for the Web API."""
        return self.state.bot_token

    @property
    def app_token(self) -> str:
        """xapp-..., for Socket Mode."""
        return self.state.app_token

    @property
    def signing_secret(self) -> str:
        """What deliveries over HTTP are signed with."""
        return self.state.signing_secret

    @property
    def request_url(self) -> str | None:
        """Where deliveries go, signed; None while they go over the sockets."""
        return self.state.settings.request_url

    @request_url.setter
    def request_url(self, request_url: str | None) -> None:
        self.state.settings.request_url = request_url

    @verb
    def set_request_url(self, request_url: str | None) -> None:
        """The same, for those who can only speak verbs."""
        self.request_url = request_url

    @verb
    def install(self, manifest: Json) -> None:
        """Install the app as this manifest has it: scopes, events, commands, tabs."""
        features = manifest.get("features", {})
        home = features.get("app_home", {})
        events = manifest.get("settings", {}).get("event_subscriptions", {})
        commands = features.get("slash_commands", [])
        shortcuts = features.get("shortcuts", [])
        self._set(
            scopes=frozenset(manifest["oauth_config"]["scopes"]["bot"]),
            events=frozenset(events.get("bot_events", [])),
            commands=frozenset(one["command"] for one in commands),
            shortcuts=frozenset(one["callback_id"] for one in shortcuts),
            home_tab=home.get("home_tab_enabled", False),
            messages_tab=home.get("messages_tab_enabled", False),
        )

    @verb
    def set_scopes(self, *scopes: str) -> None:
        """Grant the bot's token exactly these scopes."""
        self._set(scopes=frozenset(scopes))

    @verb
    def set_events(self, *events: str) -> None:
        """Subscribe the bot to exactly these events."""
        self._set(events=frozenset(events))

    @verb
    def set_tabs(self, *, home: bool = True, messages: bool = True) -> None:
        """Which tabs the app has."""
        self._set(home_tab=home, messages_tab=messages)

    @verb
    def set_patience(self, **seconds: Any) -> None:
        """Other waits than Slack's: ack_seconds, trigger_seconds, retry_delays."""
        allowed = {"ack_seconds", "trigger_seconds", "retry_delays"}
        if unknown := sorted(set(seconds) - allowed):
            raise ValueError(f"there is no wait called {', '.join(unknown)}")
        self._set(**seconds)

    @verb
    def revoke_token(self) -> None:
        """Let every call be `token_revoked` from now on."""
        self._set(revoked=True)

    @verb
    def restore_token(self) -> None:
        """End what `revoke_token` began."""
        self._set(revoked=False)

    # What happened

    @property
    def calls(self) -> list[Call]:
        """Every call of the Web API and of response URLs so far."""
        with self.state.lock:
            return list(self.state.calls)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every payload sent to the bot so far, retries among them."""
        with self.state.lock:
            return list(self.courier.journal)

    @property
    def last_delivery(self) -> Delivery | None:
        """The last of them."""
        return next(reversed(self.deliveries), None)

    @verb
    def journal(self) -> dict[str, list[dict[str, Any]]]:
        """Calls and deliveries, as data."""
        return {
            "calls": [asdict(call) for call in self.calls],
            "deliveries": [asdict(delivery) for delivery in self.deliveries],
        }

    # Faults and limits

    @verb
    def fail(self, match: str, kind: FaultKind, **options: Any) -> None:
        """Let calls fail: `match` is looked for in the method's name.

        Response URLs are called "response_url".
        """
        self.state.faults.add(match, kind, **options)

    @verb
    def mend(self) -> None:
        """No faults any more; answers still held are given up."""
        self.state.faults.clear()

    @verb
    def down(self) -> None:
        """Cut every call and every socket until `up`."""
        self.state.faults.down()
        self.cut_connections()

    @verb
    def up(self) -> None:
        """End what `down` began."""
        self.state.faults.up()

    @verb
    def refresh_connections(self, reason: str = "refresh_requested") -> None:
        """Tell the bot to connect anew, as Slack does every few hours."""
        with self.state.changing():
            self.state.sockets.retire(reason)

    @verb
    def cut_connections(self) -> None:
        """Drop the bot's sockets without a word."""
        with self.state.changing():
            self.state.sockets.cut()

    @verb
    def limit_rates(self, strict: bool = True) -> None:
        """Keep Slack's published rate limits, or do without."""
        with self.state.lock:
            self.state.limits.strict = strict

    @verb
    def require_limit(self, method: str, calls: int, seconds: float = 60.0) -> None:
        """Allow a method so many calls in a window of so many seconds."""
        with self.state.lock:
            self.state.limits.asked_for[method] = Window(calls, seconds)

    @verb
    def reset(self) -> None:
        """An empty workspace again, sockets closed; the tokens stay good."""
        self.state.faults.clear()
        self.state.faults.up()
        with self.state.changing():
            self.courier.forget()
            self.state.sockets.close()
            self.state.clear()

    def _set(self, **settings: Any) -> None:
        with self.state.changing():
            self.state.settings = replace(self.state.settings, **settings)
