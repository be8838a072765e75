"""How fast messages go to one channel.

Slack takes about one message a second in one channel and tolerates short bursts
(docs of chat.postMessage, "Rate limiting"). Whoever goes faster is answered 429,
for the whole method.
"""

from datetime import datetime, timedelta

EACH = timedelta(seconds=1)
BURST = 5
MOST_KEPT = 10_000


class Pace:
    """When each channel may be sent the next message."""

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}

    def take(self, channel: str, now: datetime) -> timedelta:
        """Take a place for one message; return how long to wait where there is none."""
        ahead = max(self._due.get(channel, now) - now, timedelta())
        if ahead > BURST * EACH:  # the clock was set back
            ahead = timedelta()
        over = ahead - (BURST - 1) * EACH
        if over > timedelta():
            return over
        if len(self._due) >= MOST_KEPT:
            self._due = {each: due for each, due in self._due.items() if due > now}
        self._due[channel] = now + ahead + EACH
        return timedelta()
