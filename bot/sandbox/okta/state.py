"""The whole state of one org, shared by its endpoints and control verbs."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from bot.sandbox.faults import Faults
from bot.sandbox.okta.apps import App, Apps, KeyRing
from bot.sandbox.okta.directory import Clock, Directory
from bot.sandbox.okta.limits import Limits
from bot.sandbox.okta.records import Actor, Call, Group


@dataclass
class Asked:
    """One call, as an endpoint sees it.

    An endpoint that changes something says what in `effect`, and in `changed`
    whether anything was different afterwards.
    """

    method: str
    url: str
    path: str
    raw_query: str
    params: dict[str, str]
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]
    request_id: str
    app: App | None = None
    effect: str | None = None
    changed: bool = False

    @property
    def label(self) -> str:
        """What faults and limits know the call by."""
        return f"{self.method} {unquote(self.path)}"

    @property
    def actor(self) -> Actor:
        """Who asks. Okta: our own calls carry the client id as `actor.id`."""
        client_id = self.app.client_id if self.app else ""
        return Actor(client_id, "PublicClientApp", "The bot's app")


class State:
    """One org. `lock` is held for every look and every change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.url = ""
        self.faults = Faults()
        self.key_ring = KeyRing()
        self.in_flight = 0
        self.clear()

    def clear(self) -> None:
        """An empty org, as on the first day; keys made are kept for new apps."""
        self.clock = Clock()
        self.directory = Directory(self.clock, outside=self._note_outside)
        self.apps = Apps(self.clock)
        self.limits = Limits()
        self.journal: list[Call] = []
        self.owners_sold = False
        self.keys_wrapped = False
        self.latency = 0.0
        self.most_in_flight = 0
        self.key_ring.rewind()
        self.listing = Listing()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count one more call in flight meanwhile."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def sees(self, app: App | None, group: Group) -> bool:
        """Whether the app's role lets it see the group."""
        if app is None or app.role is None:
            return False
        if app.role_groups is not None:
            return group.id in app.role_groups
        # Okta: "Everyone" is not returned to group admin roles.
        return group.type != "BUILT_IN" or app.role not in GROUP_ADMINS

    def _note_outside(self, effect: str, by: str) -> None:
        self.journal.append(
            Call(
                at=time.monotonic(),
                wall=time.time(),
                method="OUTSIDE",
                path="",
                query="",
                status=0,
                request_id="",
                client_id=by,
                effect=effect,
                actual_change=True,
            )
        )


GROUP_ADMINS = frozenset({"GROUP_MEMBERSHIP_ADMIN", "USER_ADMIN"})


@dataclass
class Listing:
    """The last listing made, so that its next page need not be worked out."""

    key: tuple[Any, ...] = ()
    groups: list[Group] = field(default_factory=list)


def new_request_id() -> str:
    """An X-Okta-Request-Id."""
    return secrets.token_urlsafe(20)
