"""The second app: what it does to a whole account, each call sent once.

Okta: lifecycle calls are not idempotent, and DELETE deactivates who is active
and deletes who is deactivated, with the same answer.
"""

from collections.abc import Mapping
from datetime import timedelta

from bot.core.words import DirectoryError
from bot.okta.client import OktaClient
from bot.okta.directory import USERS, path_id

SCOPES = ("okta.users.manage", "okta.roles.read")
"""What the second app is asked for, and nothing else."""

SILENTLY: Mapping[str, str] = {"sendEmail": "false"}


class OktaAccounts:
    """Accounts of one org, through an app that may end them."""

    def __init__(self, client: OktaClient) -> None:
        self._client = client

    async def is_admin(self, person_id: str) -> bool | None:
        """Tell whether the person has an admin role; None where Okta does not say."""
        path = f"{USERS}/{path_id(person_id)}/roles"
        try:
            answer = await self._client.request("GET", path)
        except DirectoryError:
            return None
        return bool(answer.data) if isinstance(answer.data, list) else None

    async def suspend(self, person_id: str) -> None:
        """Suspend an active account. It keeps its groups and apps."""
        await self._client.request(
            "POST", f"{USERS}/{path_id(person_id)}/lifecycle/suspend"
        )

    async def deactivate(self, person_id: str) -> None:
        """Deactivate an account: it loses its apps, and what they held for it."""
        path = f"{USERS}/{path_id(person_id)}/lifecycle/deactivate"
        await self._client.request("POST", path, query=SILENTLY)

    async def delete(self, person_id: str) -> None:
        """Delete an account that was read as deactivated."""
        path = f"{USERS}/{path_id(person_id)}"
        await self._client.request("DELETE", path, query=SILENTLY)

    def skew(self) -> timedelta | None:
        """Return how far Okta's clock is ahead of ours; None before any answer."""
        return self._client.skew
