"""The app in Okta: is it let in, with which key, scopes and admin role.

Two gates stand before every call: the scope of the token says which API, the
admin role of the app says which objects. Having a scope proves nothing about
the role, so the role is tried on real reads.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.core.words import (
    DirectoryError,
    DirectoryUnavailable,
    SettingError,
)
from bot.okta.client import SCOPES, objects
from bot.okta.credentials import Credentials
from bot.okta.keys import MOST_KEYS, READ_SCOPE, AppKey, app_keys
from bot.okta.refusals import REMEDIES
from bot.okta.tokens import Token
from bot.ops.doctor.findings import REACH_OKTA, Sheet, counted
from bot.ops.doctor.witness import Witness

OFF_BY = timedelta(seconds=30)
FAR_OFF_BY = timedelta(minutes=5)
ROLES_SCOPE = "okta.roles.read"

ENOUGH = frozenset({"CUSTOM", "GROUP_MEMBERSHIP_ADMIN"})
"""Roles that change members of groups and little else."""

ONLY_READ = frozenset({"READ_ONLY_ADMIN", "REPORT_ADMIN", "HELP_DESK_ADMIN"})
"""Roles under which Okta refuses every change of members."""

NO_TOKEN = "Okta gives the app no token."  # noqa: S105 -- a sentence
ASSIGN_ROLE = (
    "In the app's Admin roles tab assign Group Membership Administrator, or a custom "
    "role, over the groups and people concerned."
)
NARROW_ROLE = (
    "In the app's Admin roles tab assign a custom role or Group Membership "
    "Administrator, and take the broader one away."
)
READS = "The app's admin role lets it read groups and people"
ROLE_UNSEEN = (
    "whether it lets it change members, or more than it needs, is not checked, since "
    f"that takes {ROLES_SCOPE} and a role that reads roles."
)
SET_CLOCK = "Set this machine's clock by NTP."

Also = Callable[[Sequence[str]], Witness]
"""Returns a client of the same app that asks for other scopes."""


async def is_let_in(
    sheet: Sheet, client: Witness, credentials: Credentials, also: Also
) -> bool:
    """Look at all that stands before a read; tell whether reads can be tried."""
    token = await _token(sheet, client)
    if token is None:
        sheet.unchecked("everything else", NO_TOKEN)
        return False
    sees_groups = await _sees(client, "/api/v1/groups")
    _look_at_clock(sheet, client)
    sheet.ok("token", f"Okta gives a token to {credentials.client_id}.")
    sheet.ok("DPoP", "The app does not require DPoP.")
    await _look_at_keys(sheet, credentials, also)
    _look_at_scopes(sheet, token)
    sees_people = await _sees(client, "/api/v1/users")
    if not _sees_both(sheet, sees_groups, sees_people):
        sheet.unchecked("everything else", "The app cannot read what is needed.")
        return False
    await _look_at_role(sheet, credentials, also)
    return True


def check_of(refusal: SettingError) -> str:
    """Return the check that a refusal of Okta's token endpoint belongs to."""
    for remedy in REMEDIES:
        if refusal.problem.startswith(remedy.problem.partition("{")[0]):
            return _check(remedy.error, remedy.problem)
    return "token"


def _check(error: str, problem: str) -> str:
    if "time" in problem:
        return "clock"
    if "key" in problem:
        return "keys"
    named = {
        "invalid_dpop_proof": "DPoP",
        "use_dpop_nonce": "DPoP",
        "invalid_scope": "scopes",
    }
    return named.get(error, "token")


async def _token(sheet: Sheet, client: Witness) -> Token | None:
    try:
        return await client.token()
    except SettingError as error:
        sheet.failed(check_of(error), error.problem, error.remedy)
    except DirectoryUnavailable as error:
        sheet.failed("token", str(error), REACH_OKTA)
    return None


async def _sees(client: Witness, path: str) -> int | DirectoryError:
    """Return how many of at most one object the app sees, or why it sees none."""
    try:
        answer = await client.request("GET", path, query={"limit": 1})
        return len(objects(answer, f"GET {path}"))
    except DirectoryError as error:
        return error


def _look_at_clock(sheet: Sheet, client: Witness) -> None:
    aheads = [h.ahead for h in client.heard.values() if h.ahead is not None]
    if not aheads:
        sheet.unchecked("clock", "Okta's answer had no Date.", SET_CLOCK)
        return
    off = abs(aheads[0])
    says = f"This machine's clock and Okta's are {off.total_seconds():.0f} s apart."
    if off > FAR_OFF_BY:
        sheet.failed("clock", says, SET_CLOCK)
    elif off > OFF_BY:
        sheet.warning("clock", says, SET_CLOCK)
    else:
        sheet.ok("clock", "This machine's clock agrees with Okta's.")


async def _look_at_keys(sheet: Sheet, credentials: Credentials, also: Also) -> None:
    accepted = f"Okta accepts the key {credentials.kid}"
    async with also([READ_SCOPE]) as client:
        try:
            keys = await app_keys(client, credentials.client_id)
        except (SettingError, DirectoryError):
            says = f"{accepted}; how many keys the app has is not checked, since that"
            sheet.ok("keys", f"{says} takes {READ_SCOPE} and a role that reads apps.")
            return
    _judge_keys(sheet, accepted, keys)


def _judge_keys(sheet: Sheet, accepted: str, keys: list[AppKey]) -> None:
    active = sum(key.is_active for key in keys)
    says = f"{accepted}, one of {counted(len(keys), 'key')}, of which {active} active."
    if len(keys) >= MOST_KEYS:
        remedy = f"Okta allows {MOST_KEYS}: delete those that nobody uses any more."
        sheet.warning("keys", says, remedy)
    elif active > 1:
        remedy = "Deactivate and delete each key in Okta that nobody uses any more."
        sheet.warning("keys", says, remedy)
    else:
        sheet.ok("keys", says)


def _look_at_scopes(sheet: Sheet, token: Token) -> None:
    missing = [scope for scope in SCOPES if scope not in token.scopes]
    if missing:
        sheet.failed(
            "scopes",
            f"Okta left out of the token: {' '.join(missing)}.",
            "Open the app in Okta: Okta API Scopes > Grant each of them.",
        )
    else:
        sheet.ok("scopes", f"The token has what is needed: {' '.join(SCOPES)}.")


def _sees_both(
    sheet: Sheet, groups: int | DirectoryError, people: int | DirectoryError
) -> bool:
    """Tell whether the app sees both groups and people.

    Okta: an app without a role is answered 200 and an empty list.
    """
    for what, seen in (("groups", groups), ("people", people)):
        if isinstance(seen, DirectoryUnavailable):
            sheet.failed("admin role", str(seen), REACH_OKTA)
        elif isinstance(seen, DirectoryError):
            sheet.failed("admin role", f"The app may not read {what}.", ASSIGN_ROLE)
        elif not seen:
            says = f"The app sees no {what}: it has no admin role that covers any."
            sheet.failed("admin role", says, ASSIGN_ROLE)
        else:
            continue
        return False
    return True


async def _look_at_role(sheet: Sheet, credentials: Credentials, also: Also) -> None:
    """Look which roles the app has, where it may; that it reads is known by now."""
    path = f"/oauth2/v1/clients/{credentials.client_id}/roles"
    async with also([ROLES_SCOPE]) as client:
        try:
            items = objects(await client.request("GET", path), "GET the app's roles")
        except (SettingError, DirectoryError):
            sheet.ok("admin role", f"{READS}; {ROLE_UNSEEN}")
            return
    _judge_roles(sheet, {str(item.get("type"))[:60] for item in items})


def _judge_roles(sheet: Sheet, roles: set[str]) -> None:
    broader = sorted(roles - ENOUGH - ONLY_READ)
    if broader:
        says = f"The app is {', '.join(broader)}, which is more than it needs."
        sheet.warning("admin role", says, NARROW_ROLE)
    elif roles & ENOUGH:
        says = f"The app is {', '.join(sorted(roles))}, and no more than it needs."
        sheet.ok("admin role", says)
    else:
        says = f"The app is {', '.join(sorted(roles))}, so it may only read."
        sheet.failed("admin role", says, ASSIGN_ROLE)
