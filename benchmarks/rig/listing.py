"""Every group of an org, listed once by one client in a process of its own.

It prints one JSON line: how many groups, the seconds it took, how many of them
were this process's own, and its peak memory in MB, imports and all.
"""

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

from benchmarks.rig.org import Org

PAGE = 200
"""As large as Okta recommends, for both."""


async def by_the_bot(org: Org) -> int:
    """List them as discovery does: with the stats, and with the group rules."""
    from bot.okta.directory import OktaDirectory

    async with org.client() as client:
        return len(await OktaDirectory(client).guarded_groups())


async def by_the_sdk(org: Org) -> int:
    """List them with the stats, as the official package does it.

    Its session is shared by all calls, and its pages are followed by their
    cursor, since a list knows of no next page.
    """
    # Without it the package takes nothing but https.
    os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"
    from okta.client import Client

    settings = {
        "orgUrl": org.url,
        "authorizationMode": "PrivateKey",
        "clientId": org.app["client_id"],
        "scopes": ["okta.groups.manage"],
        "privateKey": json.dumps(org.app["private_key"]),
        "kid": org.app["private_key"]["kid"],
    }
    groups, after = [], None
    async with Client(settings) as client:
        while True:
            page, answer, error = await client.list_groups(
                limit=PAGE, expand="stats", after=after
            )
            if error:
                raise RuntimeError(f"the official package failed: {error}")
            groups += page
            after = _cursor(answer.headers.get("Link", ""))
            if after is None:
                return len(groups)


CLIENTS: dict[str, Callable[[Org], Awaitable[int]]] = {
    "ours": by_the_bot,
    "theirs": by_the_sdk,
}


def _cursor(link: str) -> str | None:
    """Return the cursor of the next page that a Link header leads to."""
    if 'rel="next"' not in link:
        return None
    target = link.partition("<")[2].partition(">")[0]
    return parse_qs(urlsplit(target).query)["after"][0]


async def _timed(name: str, org: Org) -> dict[str, float]:
    began, busy = time.perf_counter(), time.process_time()
    count = await CLIENTS[name](org)
    return {
        "groups": count,
        "seconds": time.perf_counter() - began,
        "busy": time.process_time() - busy,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(asked: str) -> None:
    """List what is `asked`, as JSON, and print what it took."""
    given = json.loads(asked)
    org = Org(given["url"], given["app"])
    print(json.dumps(asyncio.run(_timed(given["by"], org))))


if __name__ == "__main__":
    main(sys.argv[1])
