"""Block Kit as Slack judges it: what is wrong with a message or a view.

It knows the blocks and elements an approval bot has use for, and refuses those it
does not know: a test must not pass on what nobody has judged.
"""

from bot.sandbox.slack.kit.surfaces import (
    message_problems,
    options_problems,
    view_problems,
)

__all__ = ["message_problems", "options_problems", "view_problems"]
