"""What the bot does when nobody is looking: discover, and clean up.

discovery  the groups of the org into rows, whole and by what changed
pinning    names in places of authority, led to one id
meeting    the people of the workspace, the owners and the admins
cleaning   what is kept of people, forgotten in time
idle       who had access once and has none now, and what their account is
announcing the notice before an account is ended, and who keeps it
accounts   Okta accounts suspended, deactivated or deleted, after that notice
retaining  texts and events, no longer than the file says
erasing    all that is kept of one person but ids
outsiders  who was added by others, told once a day
watching   what was done with the bot's own key
strays     what our app gave and no row explains: taken back, or given an end
braking    many ends at once, which wait for an admin
reconciling  rows compared with Okta: who left, who was removed outside
"""

from bot.workflow.upkeep.accounts import end_accounts
from bot.workflow.upkeep.cleaning import clean_up
from bot.workflow.upkeep.discovery import discover, discover_changes
from bot.workflow.upkeep.erasing import erase
from bot.workflow.upkeep.meeting import meet, meet_roles
from bot.workflow.upkeep.reconciling import reconcile
from bot.workflow.upkeep.retaining import retain
from bot.workflow.upkeep.strays import end_strays

__all__ = [
    "clean_up",
    "discover",
    "discover_changes",
    "end_accounts",
    "end_strays",
    "erase",
    "meet",
    "meet_roles",
    "reconcile",
    "retain",
]
