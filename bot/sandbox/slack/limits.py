"""Slack's rate limits: calls a minute by method, and posts a second by channel.

They are off until they are asked for: most tests are about something else.
"""

import math
import time
from dataclasses import dataclass, field

TIERS = {
    "apps.connections.open": 50,
    "auth.test": 600,
    "chat.delete": 50,
    "chat.getPermalink": 600,
    "chat.postEphemeral": 100,
    "chat.postMessage": 300,
    "chat.update": 50,
    "conversations.info": 50,
    "conversations.open": 50,
    "users.info": 100,
    "users.list": 20,
    "users.lookupByEmail": 50,
    "views.open": 100,
    "views.publish": 100,
    "views.push": 100,
    "views.update": 100,
}
BURST_PER_CHANNEL = 3


@dataclass
class Window:
    """`limit` calls in `seconds` from its first call on."""

    limit: int
    seconds: float
    used: int = 0
    ends: float = 0.0

    def wait(self) -> int:
        """Count one call: 0, or how many seconds it should have waited."""
        now = time.monotonic()
        if now >= self.ends:
            self.used, self.ends = 0, now + self.seconds
        self.used += 1
        return 0 if self.used <= self.limit else max(1, math.ceil(self.ends - now))


@dataclass
class Limits:
    """Every limit of the workspace; without `strict` only those asked for."""

    strict: bool = False
    asked_for: dict[str, Window] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)

    def wait(self, method: str, channel: str) -> int:
        """Count one call: 0, or the seconds of its Retry-After."""
        if method in self.asked_for:
            return self.asked_for[method].wait()
        if not self.strict:
            return 0
        waits = [self._window(method, TIERS.get(method, 50), 60.0).wait()]
        if method == "chat.postMessage":
            # Slack: about one a second in each channel, with short bursts.
            name = f"{method} {channel}"
            waits.append(self._window(name, BURST_PER_CHANNEL, 3.0).wait())
        return max(waits)

    def _window(self, name: str, limit: int, seconds: float) -> Window:
        return self.windows.setdefault(name, Window(limit, seconds))
