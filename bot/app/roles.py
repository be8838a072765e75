"""Which part of the bot a process is: it listens, it works, or both."""

from enum import StrEnum


class Role(StrEnum):
    """Which part of the bot a process is."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"

    @property
    def listens(self) -> bool:
        """Whether it takes what Slack sends, and answers whether it is well."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Whether it changes Okta, writes to Slack, and does the upkeep."""
        return self is not Role.WEB
