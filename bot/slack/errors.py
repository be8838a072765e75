"""What a failed call of Slack's Web API means.

SlackError
├── SlackUnavailable  for now: try again
├── SlackRefused      our token or its scopes are no good: nothing works
└── SlackSaidNo       this one thing cannot be done, now or later
"""

from datetime import timedelta

from bot.core.words import AccessBotError


class SlackError(AccessBotError):
    """Slack did not do what it was asked."""


class SlackUnavailable(SlackError):
    """Slack cannot answer now: try again, after `retry_after` where it said so."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SlackRefused(SlackError):
    """Slack does not take our token, or it lacks a scope."""


class SlackSaidNo(SlackError):
    """Slack refused this call for good; `code` is Slack's word for why."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"{method}: {code}")
        self.code = code
