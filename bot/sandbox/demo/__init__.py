"""The demo: the whole story, for real, on an Okta org and a Slack workspace here.

    stage    the org, the workspace, their people; a folder with policy and key
    bot      `access-bot` itself, run as its own processes
    story    the beats, one after the other, each awaited

The bot under it is the real one, over real sockets; only the addresses and the
durations are the demo's.
"""

from bot.sandbox.demo.story import play

__all__ = ["play"]
