"""An Okta org of the sandbox as a process of its own, for clients to be measured on.

What is asked: how many groups it has, and the limits of its buckets, each as
`{"bucket": [calls, seconds]}`. It prints one JSON line: its address, and an app.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.rig.serving import served
from bot.okta.client import OktaClient
from bot.okta.timing import OktaTiming
from bot.sandbox.okta import OktaOrg
from bot.sandbox.serving import Loopback

Buckets = Mapping[str, tuple[int, float]]

LIMITLESS: Buckets = dict.fromkeys(("groups", "other"), (10**9, 60.0))


@dataclass(frozen=True)
class Org:
    """Where an org is, and an app that may read its groups."""

    url: str
    app: Mapping[str, Any]

    def client(self, timing: OktaTiming | None = None) -> OktaClient:
        """Return our client of it, which is to be closed."""
        return OktaClient(self.url, lambda: json.dumps(self.app), timing=timing)

    def tell(self, verb: str, **args: Any) -> Any:
        """Speak a control verb of the sandbox; return what it returns."""
        asked = {"verb": verb, "args": args}
        answer = httpx.post(f"{self.url}/_control", json=asked, timeout=60)
        return answer.raise_for_status().json()["result"]


@contextmanager
def org_of(groups: int, buckets: Buckets = LIMITLESS) -> Iterator[Org]:
    """Run an org with so many groups until the block ends."""
    with served("benchmarks.rig.org", groups=groups, buckets=buckets) as line:
        yield Org(**json.loads(line))


def main(asked: str) -> None:
    """Serve the org that is `asked`, as JSON, until told to stop or left alone."""
    given = json.loads(asked)
    org = OktaOrg()
    org.fill(given["groups"])
    for bucket, (limit, seconds) in given["buckets"].items():
        org.require_limit(bucket, limit, seconds)
    with Loopback() as loopback:
        loopback.open(org)
        print(json.dumps({"url": org.url, "app": org.new_app()}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
