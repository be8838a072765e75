"""Block Kit from values: cards, notices, modals, the home tab. No I/O.

`draw` gives the message of any picture that is a message.
"""

from bot.slack.pictures import AboutGrant, AboutRequest, Alert
from bot.slack.views import card, notices
from bot.slack.views.card import Drawn

__all__ = ["Drawn", "draw"]


def draw(picture: AboutRequest | AboutGrant | Alert) -> Drawn:
    """Return the text and blocks of the message that shows `picture`."""
    match picture:
        case AboutRequest(kind="card"):
            return card.draw(picture)
        case AboutRequest(kind=kind):
            return notices.OF_REQUESTS[kind](picture)
        case AboutGrant(kind=kind):
            return notices.OF_GRANTS[kind](picture)
        case Alert():
            return notices.alert(picture)
