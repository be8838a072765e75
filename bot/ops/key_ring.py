"""What the secret of an integration holds: a key in use, a next one, one before.

The next key is in the secret, durable, before anybody else hears of its public
half; the one before stays until nothing can need it any more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from bot.okta.credentials import Credentials
from bot.secrets import read_secret, write_secret

NEXT, BEFORE = "next_key", "key_before"


@dataclass(frozen=True)
class KeyRing:
    """The keys of one app. `current` is a JWK or a PEM, as it was written."""

    client_id: str
    kid: str
    written: Mapping[str, Any]

    @classmethod
    def read(cls, reference: str) -> Self:
        """Return what is behind `reference`; SettingError where that is no key."""
        text = read_secret(reference)
        used = Credentials.parse(text)
        return cls(used.client_id, used.kid, json.loads(text))

    @property
    def next(self) -> Mapping[str, Any] | None:
        """The private JWK that is to be used next."""
        return self.written.get(NEXT)

    @property
    def before(self) -> Mapping[str, Any] | None:
        """The key that was used before, as {"private_key", "kid"}."""
        return self.written.get(BEFORE)

    def with_next(self, private: Mapping[str, Any]) -> Self:
        """Return this with another next key."""
        return replace(self, written={**self.written, NEXT: dict(private)})

    def switched(self) -> Self:
        """Return this with the next key in use, and the one in use before it."""
        fresh = self.written[NEXT]
        rest = {k: v for k, v in self.written.items() if k not in (NEXT, BEFORE, "kid")}
        before = {"private_key": self.written["private_key"], "kid": self.kid}
        written = {**rest, "private_key": fresh, BEFORE: before}
        return replace(self, kid=str(fresh["kid"]), written=written)

    def without(self, which: str) -> Self:
        """Return this without its next key, or the one before."""
        return replace(
            self, written={k: v for k, v in self.written.items() if k != which}
        )

    def only_next(self) -> str:
        """Return credentials with the next key alone, to prove it with."""
        return json.dumps({"client_id": self.client_id, "private_key": self.next})

    def keep(self, reference: str) -> Self:
        """Write this behind `reference`; SettingError where it cannot be."""
        write_secret(reference, json.dumps(self.written, indent=2))
        return self

    def public(self) -> list[Mapping[str, Any]]:
        """Return the public half of each key, that in use first."""
        in_use = {"private_key": self.written["private_key"], "kid": self.kid}
        to_come = {"private_key": self.next} if self.next else None
        return [
            Credentials.parse(json.dumps({**kept, "client_id": self.client_id})).public
            for kept in (in_use, to_come, self.before)
            if kept
        ]
