"""An Okta org on loopback: it answers what Okta documents, and no more.

Its state is in memory. It keeps the two gates (scope and admin role), verifies
assertions, counts rate limits, lags and fails on demand, and writes down every
call, so that a test can ask it what really happened.
"""

from bot.sandbox.okta.org import OktaOrg
from bot.sandbox.okta.records import Call

__all__ = ["Call", "OktaOrg"]
