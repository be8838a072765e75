"""Who is who: how many Slack people are exactly one active Okta user.

The first few of the workspace are looked up, and it is said how many. Nobody
is linked by it.
"""

from collections.abc import Sequence

from bot.core.catalogue import Identity
from bot.core.words import Person
from bot.okta.directory import OktaDirectory
from bot.ops.doctor.findings import Sheet, counted, few
from bot.ops.doctor.groups import LOOKED_AT
from bot.store.tables import SlackAccount

MEND_LINK = (
    "Make Slack e-mail and Okta user agree, or choose another identity in access.yaml; "
    "until then they are refused."
)


async def look_at_people(
    sheet: Sheet,
    directory: OktaDirectory,
    identity: Identity,
    accounts: Sequence[SlackAccount],
) -> None:
    """Count those of `accounts`, who may all act here, that are one, none or two."""
    some = accounts[:LOOKED_AT]
    if not some:
        sheet.unchecked("people", "No full member of the Slack workspace was read.")
        return
    none: list[str] = []
    several: list[str] = []
    with sheet.trying("people"):
        for account in some:
            count = len(await _people(directory, identity, account))
            if count != 1:
                (several if count else none).append(account.name)
        _judge(sheet, len(some), none, several)


def _judge(sheet: Sheet, looked_at: int, none: list[str], several: list[str]) -> None:
    says = f"Of {counted(looked_at, 'Slack account')} looked at, "
    if not none and not several:
        sheet.ok("people", f"{says}each is exactly one active Okta user.")
        return
    parts = [
        f"{len(names)} {'is' if len(names) == 1 else 'are'} {what} ({few(names)})"
        for names, what in ((none, "no active Okta user"), (several, "several"))
        if names
    ]
    sheet.warning("people", f"{says}{' and '.join(parts)}.", MEND_LINK)


async def _people(
    directory: OktaDirectory, identity: Identity, account: SlackAccount
) -> list[Person]:
    """Return the active people that `account` may be, as the identity rule says."""
    email = account.email or ""
    if identity.attribute:
        met = await directory.people_with(identity.attribute, account.slack_id)
        found = [
            p for p in met if p.profile.get(identity.attribute) == account.slack_id
        ]
    elif not email:
        found = []
    elif identity.match == "email":
        found = await directory.people_with_email(email)
    else:
        one = await directory.person(email)
        found = [one] if one and one.login.casefold() == email.casefold() else []
    return [person for person in found if person.may_receive]
