"""An Okta client that only reads, and remembers what the answers said beside.

That is the clock and the rate limits of the org, which no caller is told of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core.words import DirectoryRefused
from bot.okta.answers import Answer, Limits
from bot.okta.client import SCOPES, OktaClient, OktaTiming
from bot.okta.pacing import bucket_of


@dataclass(frozen=True)
class Heard:
    """How far Okta's clock was ahead of ours, and the rate limit, in one answer."""

    ahead: timedelta | None
    limits: Limits


class Witness(OktaClient):
    """A client that changes nothing. `heard` is the last answer of each bucket."""

    def __init__(
        self,
        org_url: str,
        credentials_reader: Callable[[], str],
        scopes: Sequence[str] = SCOPES,
        *,
        timing: OktaTiming,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare a client, as for the bot itself. Raises SettingError."""
        super().__init__(
            org_url, credentials_reader, scopes, timing=timing, clock=clock
        )
        self.heard: dict[str, Heard] = {}

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """Return Okta's answer to a GET; anything else is refused and never sent."""
        # NB. The doctor runs with the key of the bot, on orgs people work in:
        # that it changes nothing must not rest on each check being careful.
        if method != "GET":
            raise DirectoryRefused("The doctor only reads.")
        answer = await super().request(method, path, **options)
        ahead = answer.date - self.clock() if answer.date else None
        self.heard[bucket_of(method, path)] = Heard(ahead, answer.limits)
        return answer
