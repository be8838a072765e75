"""How much of Okta's rate limits is left to the bot."""

from bot.ops.doctor.findings import Sheet
from bot.ops.doctor.witness import Heard, Witness

SCARCE = 0.2
"""With a smaller share of a limit left than this, the bot has to wait."""

SHARE_LIMIT = (
    "In Okta see Reports > Rate Limits who uses it up, and raise the share of this app."
)


def look_at_limits(sheet: Sheet, client: Witness) -> None:
    """Look at the bucket of which the least is left, of those that were called."""
    left = {
        bucket: (share, heard)
        for bucket, heard in client.heard.items()
        if (share := _share_left(heard)) is not None
    }
    if not left:
        sheet.unchecked("rate limit", "Okta's answers had no X-Rate-Limit headers.")
        return
    bucket = min(left, key=lambda name: left[name][0])
    share, heard = left[bucket]
    says = (
        f"Of {heard.limits.limit} calls a minute to {bucket}, "
        f"{heard.limits.remaining} are left; no limit is nearer."
    )
    if share < SCARCE:
        sheet.warning("rate limit", says, SHARE_LIMIT)
    else:
        sheet.ok("rate limit", says)


def _share_left(heard: Heard) -> float | None:
    limit, remaining = heard.limits.limit, heard.limits.remaining
    return remaining / limit if limit and remaining is not None else None
