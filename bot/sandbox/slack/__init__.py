"""A Slack workspace on loopback: it answers what Slack documents, and no more.

Its state is in memory. It has the Web API, Socket Mode, signed HTTP deliveries and
people who type, press and submit. It refuses what Slack refuses, fails on demand,
and writes down every call and every delivery.
"""

from bot.sandbox.slack.reading import texts_of
from bot.sandbox.slack.records import Ack, Call, Delivery, Message
from bot.sandbox.slack.workspace import SlackWorkspace

__all__ = ["Ack", "Call", "Delivery", "Message", "SlackWorkspace", "texts_of"]
