"""Okta's rate limits: buckets of calls in a window, and calls at once.

The numbers are those last published for a Workforce org whose administrator
gave the app the whole of each bucket.
"""

import math
import re
import time
from dataclasses import dataclass

from bot.sandbox.okta.directory import Clock

WORKFORCE = {
    "token": 2000,
    "clients": 100,
    "groups": 500,
    "group": 1000,
    "users": 600,
    "user": 2000,
    "user changes": 600,
    "apps": 100,
    "logs": 120,
    "other": 1200,
}
AT_ONCE = 75
BUCKETS = (
    (r"\w+ /oauth2/v1/token$", "token"),
    (r"\w+ /oauth2/v1/clients", "clients"),
    (r"\w+ /api/v1/groups/(?!rules)[^/]+$", "group"),
    (r"\w+ /api/v1/groups", "groups"),
    (r"\w+ /api/v1/users$", "users"),
    (r"GET /api/v1/users/", "user"),
    (r"\w+ /api/v1/users/", "user changes"),
    (r"\w+ /api/v1/apps", "apps"),
    (r"\w+ /api/v1/logs", "logs"),
)


def bucket_of(label: str) -> str:
    """The bucket that "METHOD /path" counts in: the most specific wins."""
    return next((name for form, name in BUCKETS if re.match(form, label)), "other")


@dataclass
class Window:
    """One bucket: `limit` calls in `seconds` from its first call on."""

    limit: int
    seconds: float = 60.0
    used: int = 0
    ends: float = 0.0

    def take(self) -> bool:
        """Count one call; False when the window is used up."""
        if time.monotonic() >= self.ends:
            self.used, self.ends = 0, time.monotonic() + self.seconds
        self.used += 1
        return self.used <= self.limit

    def headers(self, clock: Clock) -> dict[str, str]:
        """Okta: "X-Rate-Limit-Reset" is in UTC epoch seconds, by the org's clock."""
        left = max(0.0, self.ends - time.monotonic())
        return {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(max(0, self.limit - self.used)),
            "X-Rate-Limit-Reset": str(math.ceil(clock.now() + left)),
        }


class Limits:
    """Every bucket of the org."""

    def __init__(self) -> None:
        self.windows = {name: Window(limit) for name, limit in WORKFORCE.items()}
        self.at_once = AT_ONCE

    def require(self, bucket: str, limit: int, seconds: float) -> None:
        """Give the bucket another limit, from a new window on."""
        if bucket not in self.windows:
            raise ValueError(f"there is no bucket {bucket}: {', '.join(self.windows)}")
        self.windows[bucket] = Window(limit, seconds)


def closed(clock: Clock, seconds: float) -> dict[str, str]:
    """The headers of a bucket used up for so long."""
    return {
        "X-Rate-Limit-Limit": "600",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Reset": str(math.ceil(clock.now() + seconds)),
    }


def too_many_at_once(clock: Clock) -> dict[str, str]:
    """The headers of a concurrency violation: limit and remaining are 0."""
    return {
        "X-Rate-Limit-Limit": "0",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Reset": str(math.ceil(clock.now() + 1)),
    }
