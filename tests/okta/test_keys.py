"""The list of an app's keys, in both of its shapes, and what is no such list."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.words import DirectoryRefused, DirectoryUnavailable
from bot.okta.keys import READ_SCOPE, AppKey, app_keys, new_key_pair
from tests.okta.scripted import ScriptedOkta, error, ok

pytestmark = pytest.mark.anyio

APP = "0oa1client2id3for4tests"
ITEM = {
    "id": "pks2f4zrZbs8nUa7p0g4",
    "kid": "a kid of ours",
    "status": "INACTIVE",
    "created": "2026-01-02T03:04:05.000Z",
    "kty": "RSA",
}
KEY = AppKey(
    "a kid of ours",
    False,
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "pks2f4zrZbs8nUa7p0g4",
)


async def listed(okta: ScriptedOkta) -> list[AppKey]:
    async with okta.client(scopes=[READ_SCOPE]) as client:
        return await app_keys(client, APP)


@pytest.mark.parametrize("data", [[ITEM], {"jwks": {"keys": [ITEM]}}])
async def test_keys_are_read_in_both_shapes_that_okta_documents(
    okta: ScriptedOkta, data: Any
) -> None:
    okta.says(ok(data))
    assert await listed(okta) == [KEY]
    assert okta.targets == [f"GET /api/v1/apps/{APP}/credentials/jwks"]


@pytest.mark.parametrize("data", [{}, {"jwks": {}}, ["kid"], "keys"])
async def test_what_is_no_list_of_keys_is_not_taken_for_none(
    okta: ScriptedOkta, data: Any
) -> None:
    okta.says(ok(data))
    with pytest.raises(DirectoryUnavailable):
        await listed(okta)


@pytest.mark.parametrize("created", [None, "yesterday", "2026-01-02T03:04:05", 7])
async def test_a_time_that_is_none_is_not_known(
    okta: ScriptedOkta, created: Any
) -> None:
    okta.says(ok([{**ITEM, "created": created}]))
    [key] = await listed(okta)
    assert key.created is None


async def test_an_app_that_may_not_read_its_keys_is_refused(okta: ScriptedOkta) -> None:
    okta.says(error(403, "E0000006"))
    with pytest.raises(DirectoryRefused):
        await listed(okta)


async def test_a_new_pair_shows_nothing_of_its_private_half() -> None:
    pair = new_key_pair()
    assert pair.private["d"] not in repr(pair)
    assert pair.public.keys() == {"kty", "n", "e", "kid", "alg", "use"}
