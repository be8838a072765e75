"""One org, looked at from the credentials to the people in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from bot.core.catalogue import Catalogue, Integration
from bot.okta.client import SCOPES, OktaTiming
from bot.okta.credentials import Credentials
from bot.okta.directory import OktaDirectory
from bot.ops.doctor.approvers import look_at_approvers
from bot.ops.doctor.database import Pins
from bot.ops.doctor.findings import Sheet
from bot.ops.doctor.groups import Org, look_at_groups
from bot.ops.doctor.limits import look_at_limits
from bot.ops.doctor.okta_app import is_let_in
from bot.ops.doctor.people import look_at_people
from bot.ops.doctor.slack import Workspace
from bot.ops.doctor.upkeep import look_at_upkeep
from bot.ops.doctor.witness import Witness
from bot.secrets import read_secret


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a look at an org is made with; `pinned` is what names were led to before.

    `is_shared` is whether several machines may run on the database.
    """

    catalogue: Catalogue
    workspace: Workspace
    timing: OktaTiming
    clock: Callable[[], datetime]
    pinned: Pins = field(default_factory=dict)
    is_shared: bool = False

    def client(
        self, integration: Integration, text: str, scopes: Sequence[str] = SCOPES
    ) -> Witness:
        """Return a client that only reads, of the app whose secret is `text`."""
        return Witness(
            integration.org_url,
            lambda: text,
            scopes,
            timing=self.timing,
            clock=self.clock,
        )


async def look_at_org(sheet: Sheet, integration: Integration, visit: Visit) -> None:
    """Look at all there is of one integration, in the order of the README."""
    text, credentials = "", None
    with sheet.trying("credentials"):
        text = read_secret(integration.credentials)
        credentials = Credentials.parse(text)
        sheet.ok("credentials", "Client id and private key are readable.")
    if credentials is None:
        sheet.unchecked("everything else", "There is no key to ask Okta with.")
        return
    async with visit.client(integration, text) as client:
        also = partial(visit.client, integration, text)
        if await is_let_in(sheet, client, credentials, also):
            await _look_inside(sheet, integration, visit, client)
        look_at_limits(sheet, client)
        await look_at_upkeep(sheet, integration, also, is_shared=visit.is_shared)


async def _look_inside(
    sheet: Sheet, integration: Integration, visit: Visit, client: Witness
) -> None:
    directory = OktaDirectory(client)
    org = Org(
        sheet=sheet,
        directory=directory,
        catalogue=visit.catalogue,
        integration=integration,
        pinned=visit.pinned,
    )
    await look_at_groups(org)
    identity = visit.catalogue.identity
    await look_at_people(sheet, directory, identity, visit.workspace.accounts)
    await look_at_approvers(org, visit.workspace.may_act)
