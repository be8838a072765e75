"""The Okta key pair as an operator meets it: a new one, and how it stands.

The private half is written to one file, for its owner alone, and shown nowhere.
Okta is asked and not changed: an admin adds the public half there.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot.core.catalogue import Integration
from bot.core.words import DirectoryError, SettingError
from bot.okta.client import SCOPES, OktaClient, OktaTiming
from bot.okta.credentials import Credentials
from bot.okta.keys import READ_SCOPE, app_keys, new_key_pair
from bot.secrets import read_secret

ASK_AGAIN = "Ask again once Okta can be reached."


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """How the key of one integration stands.

    `is_accepted` is None where Okta could not be asked. `since` is when Okta was
    given the key, None where that may not be read. `problem` and `remedy` say why
    it is not accepted.
    """

    integration: str
    client_id: str = ""
    kid: str = ""
    is_accepted: bool | None = None
    since: datetime | None = None
    problem: str = ""
    remedy: str = ""


def make_key(path: Path, client_id: str) -> Mapping[str, Any]:
    """Write a new private key to `path`, mode 600; return the public JWK for Okta.

    What is written is what `credentials` of an integration refers to. Raises
    SettingError, with nothing changed, where `path` is there already.
    """
    pair = new_key_pair()
    written = {"client_id": client_id, "private_key": dict(pair.private)}
    _write_new(path, json.dumps(written, indent=2) + "\n")
    return pair.public


class Keys:
    """Asks each org how the key that the policy names stands there."""

    def __init__(
        self, *, clock: Callable[[], datetime], timing: OktaTiming | None = None
    ) -> None:
        self._timing = timing or OktaTiming()
        self._clock = clock

    async def statuses(self, integrations: Iterable[Integration]) -> list[KeyStatus]:
        """Return how the key of each stands, one after the other."""
        return [await self.status(integration) for integration in integrations]

    async def status(self, integration: Integration) -> KeyStatus:
        """Return how one key stands: Okta is asked for a token with it."""
        known = partial(KeyStatus, integration=integration.name)
        try:
            credentials = Credentials.parse(read_secret(integration.credentials))
            ids = {"client_id": credentials.client_id, "kid": credentials.kid}
            known = partial(known, **ids)
            async with self._client(integration) as client:
                await client.token()
        except SettingError as error:
            return known(is_accepted=False, problem=error.problem, remedy=error.remedy)
        except DirectoryError as error:
            return known(problem=str(error), remedy=ASK_AGAIN)
        return known(
            is_accepted=True, since=await self._since(integration, credentials)
        )

    async def _since(
        self, integration: Integration, credentials: Credentials
    ) -> datetime | None:
        """Return when Okta was given the key; None where that may not be read."""
        async with self._client(integration, [READ_SCOPE]) as client:
            try:
                keys = await app_keys(client, credentials.client_id)
            except (SettingError, DirectoryError):
                return None
        return next((key.created for key in keys if key.kid == credentials.kid), None)

    def _client(
        self, integration: Integration, scopes: Sequence[str] = SCOPES
    ) -> OktaClient:
        return OktaClient(
            integration.org_url,
            partial(read_secret, integration.credentials),
            scopes,
            timing=self._timing,
            clock=self._clock,
        )


def _write_new(path: Path, text: str) -> None:
    # NB. Made with its mode and only if it is new: at no moment can others read
    # it, and no key that is in use is ever written over.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingError(
            f"There is a file {path} already.",
            "Name another with --out; no key is ever written over.",
        ) from None
    except OSError as error:
        raise SettingError(
            f"The file {path} cannot be made: {error.strerror}.",
            "Name a place with --out where this user may write.",
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
