"""An Okta org and a Slack workspace on loopback, with faults on demand.

The test bed of everything and the world of the demo. It imports nothing of the
rest of the bot: a judge does not ask the judged.
"""

from types import TracebackType
from typing import Self

from bot.sandbox.okta import OktaOrg
from bot.sandbox.serving import Loopback
from bot.sandbox.slack import SlackWorkspace


class Sandbox:
    """Both services, served by one background thread until `close()`."""

    def __init__(self) -> None:
        self.loopback = Loopback()
        self.okta = OktaOrg()
        self.loopback.open(self.okta)
        self.slack = SlackWorkspace()
        self.loopback.open(self.slack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def reset(self) -> None:
        """An empty org and an empty workspace, at the same addresses."""
        self.okta.reset()
        self.slack.reset()

    def close(self) -> None:
        """Stop serving."""
        self.loopback.close()
