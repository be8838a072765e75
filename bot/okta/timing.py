"""Every wait of the Okta client, in one value."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, kw_only=True)
class OktaTiming:
    """How long the client waits for what. `scaled` shortens all waits alike."""

    deadline: timedelta = timedelta(seconds=10)  # one call, from send to last byte
    connect: timedelta = timedelta(seconds=5)  # of that, to be connected
    patience: timedelta = timedelta(minutes=2)  # for a turn, where none is given
    backoff: timedelta = timedelta(seconds=0.5)  # before a repeat, doubled each time
    backoff_most: timedelta = timedelta(seconds=5)
    window: timedelta = timedelta(seconds=60)  # of a rate limit, until it says else
    window_most: timedelta = timedelta(minutes=2)  # no announced reset is believed past
    after_reset: timedelta = timedelta(
        seconds=1
    )  # clocks are whole seconds on the wire
    crowded: timedelta = timedelta(seconds=1)  # after a concurrency 429, doubled
    crowded_most: timedelta = timedelta(seconds=30)
    renew_ahead: timedelta = timedelta(minutes=5)  # a token this near its end
    skew: timedelta = timedelta(seconds=30)  # clocks further apart than this disagree

    def scaled(self, factor: float) -> Self:
        """Return the same waits, each times `factor`."""
        return type(self)(
            **{item.name: getattr(self, item.name) * factor for item in fields(self)}
        )
