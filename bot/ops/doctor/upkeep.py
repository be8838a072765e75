"""What upkeep may do in an org: the key it changes, the accounts it ends."""

from bot.core.catalogue import Integration
from bot.core.words import DirectoryError, DirectoryUnavailable, SettingError
from bot.okta.log import LOGS, SCOPES
from bot.ops.doctor.findings import Sheet
from bot.ops.doctor.okta_app import Also
from bot.secrets import WRITERS, read_secret

UNWATCHED = (
    "What others do with the bot's key is not watched, since that takes "
    "okta.logs.read and a role that reads logs."
)


async def look_at_upkeep(
    sheet: Sheet, integration: Integration, also: Also, *, is_shared: bool
) -> None:
    """Look at what upkeep needs, and say what is dangerous of it.

    `is_shared` is whether several machines may run on one database.
    """
    await _look_at_watch(sheet, also)
    _look_at_rotation(sheet, integration, is_shared=is_shared)
    _look_at_cleanup(sheet, integration)


async def _look_at_watch(sheet: Sheet, also: Also) -> None:
    async with also(SCOPES) as client:
        try:
            seen = (await client.request("GET", LOGS, query={"limit": 1})).data
        except DirectoryUnavailable:
            sheet.unchecked("key use", "Okta could not be asked.")
            return
        except (SettingError, DirectoryError):
            seen = None
    says = "What is done with the bot's key is compared with the audit."
    sheet.ok("key use", says if seen else UNWATCHED)


def _look_at_rotation(
    sheet: Sheet, integration: Integration, *, is_shared: bool
) -> None:
    rule = integration.credential_rotation
    if rule is None:
        return
    kind = integration.credentials.partition(":")[0]
    if kind not in WRITERS:
        sheet.failed(
            "key rotation",
            f"A secret behind {kind}: cannot be written, so no next key can be kept.",
            "Move the key to a store that can be written, such as file:PATH.",
        )
    elif kind == "file" and is_shared:
        sheet.warning(
            "key rotation",
            "The key is changed in a file, and several machines may run on this "
            "database: the file of each other one would keep the old key.",
            "Keep the key in a secret store, or on a disk that all of them have.",
        )
    elif rule.mode == "automatic":
        sheet.warning(
            "key rotation",
            "The app may change its own keys, which takes Super Admin: whoever has "
            "its key has the org.",
            "Prefer remind or jwks_uri, and take Super Admin away from the app.",
        )
    else:
        sheet.ok("key rotation", f"Keys are changed by {rule.mode}.")


def _look_at_cleanup(sheet: Sheet, integration: Integration) -> None:
    cleanup = integration.user_cleanup
    if cleanup is None or cleanup.action == "forget":
        return
    try:
        read_secret(cleanup.credentials or "")
    except SettingError as error:
        sheet.failed("cleanup", error.problem, error.remedy)
        return
    sheet.warning(
        "cleanup",
        f"Accounts are ended by {cleanup.action}, a notice of 7 days before.",
        "Look at whom it would meet: access-bot cleanup --preview",
    )
