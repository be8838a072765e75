"""Which groups each flow is about, kept in memory from the rows.

For each flow of an integration a set of groups: those whose name it covers and
which nothing in Okta forbids giving. Whom a set is for is told by the flow's
requesters, so that what a person may ask for is found without looking at a
group. It only narrows: `policy.may_see` decides on every group that is shown,
and what the sets leave out it refuses for everybody.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from threading import Lock

import re2
from sqlmodel import Session

from bot.core.catalogue import Flow
from bot.core.policy import (
    Policy,
    Truth,
    asks_for_others,
    fits,
    is_about,
    refuse_group,
)
from bot.core.words import Group, Person
from bot.store import group_index
from bot.store.group_index import Change

MOST_WORDS = 20_000
"""How many words of names are kept to tell a slip of the finger by."""

MOST_REACHES = 32
"""How many kinds of people are remembered between two changes of a group."""

GROWTH = 4096
"""Bytes that a set grows by beyond what it needs."""

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class Reach:
    """The groups that some people may ask for, by number; a bit for each."""

    bits: bytes
    count: int

    def __contains__(self, number: int) -> bool:
        at = number >> 3
        return at < len(self.bits) and bool(self.bits[at] >> (number & 7) & 1)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Every number that is in, in order: for a small one."""
        return tuple(
            at * 8 + bit
            for at, byte in enumerate(self.bits)
            if byte
            for bit in range(8)
            if byte >> bit & 1
        )


Grounds = tuple[str, tuple[tuple[str, str], ...]]
"""What the sets rest on beside the groups: the file, and pins of what is left out."""


@dataclass(frozen=True)
class FlowMap:
    """The sets of one integration under one file, as of one change of its groups.

    A set is the bits of a whole number. `words` are those of the names.
    """

    grounds: Grounds
    stamp: int
    sets: tuple[int, ...]
    words: frozenset[str]
    reaches: dict[tuple[Truth, ...], Reach] = field(default_factory=dict)

    def reach(self, truths: tuple[Truth, ...]) -> Reach:
        """Return the groups of people for whom each flow is what `truths` say.

        After what holds of each flow for themselves comes whether they may ask for
        others by it, one after the other.

        NB. The first flow that covers a group decides, and one of which it
        cannot be told whether it is for them lets nobody in nor on.
        """
        known = self.reaches.get(truths)
        if known is not None:
            return known
        open_to, decided = 0, 0
        own, others = truths[: len(self.sets)], truths[len(self.sets) :]
        for about, truth in zip(self.sets, own, strict=True):
            if truth:
                open_to |= about & ~decided
            if truth is not False:
                decided |= about
        for about, truth in zip(self.sets, others, strict=True):
            open_to |= about if truth else 0
        if len(self.reaches) >= MOST_REACHES:
            self.reaches.clear()
        return self.reaches.setdefault(
            truths, Reach(_bytes(open_to), open_to.bit_count())
        )


class FlowMaps:
    """The newest map of one integration; each reader brings it up to its rows."""

    def __init__(self) -> None:
        self._newest: FlowMap | None = None
        self._building = Lock()

    def of(self, session: Session, policy: Policy) -> FlowMap:
        """Return the map as of the rows and the file, built from what changed."""
        with self._building:
            flow_map, grounds = self._newest, _grounds(policy)
            if flow_map is None or flow_map.grounds != grounds:
                nothing = tuple(0 for _ in policy.flows)
                flow_map = FlowMap(grounds, 0, nothing, frozenset())
            name = policy.integration.name
            changes = group_index.changes_since(session, name, flow_map.stamp)
            self._newest = _with(flow_map, changes, policy)
            return self._newest


class Candidates:
    """Which flows a group may be about, told by all of their names at once.

    It only narrows: with many flows, asking each of them about each group would
    take as long as all else together. What is named by an attribute always may.
    """

    def __init__(self, flows: Sequence[Flow]) -> None:
        self._of: list[int] = []
        self._by_id: dict[str, set[int]] = {}
        self._always: set[int] = set()
        self._names = re2.Set.FullMatchSet()
        for number, flow in enumerate(flows):
            for selector in flow.groups.include:
                if isinstance(selector, str):
                    self._add(number, selector)
                else:
                    self._always.add(number)
        if self._of:
            self._names.Compile()

    def of(self, group: Group) -> set[int]:
        """Return the numbers of the flows that may be about `group`."""
        found = self._always | self._by_id.get(group.id, set())
        if self._of:
            found.update(self._of[at] for at in self._names.Match(group.name) or ())
        return found

    def _add(self, number: int, pattern: str) -> None:
        parts = (re2.escape(part) for part in pattern.split("*"))
        self._names.Add(f"(?s){'.*'.join(parts)}")
        self._of.append(number)
        self._by_id.setdefault(pattern, set()).add(number)


def reach_of(flow_map: FlowMap, policy: Policy, person: Person) -> Reach:
    """Return the groups that `person` may ask for, as far as flows tell."""
    flows = list(policy.flows)
    own = tuple(_for_themselves(policy, flow, person) for flow in flows)
    others = tuple(asks_for_others(policy, flow, person) for flow in flows)
    return flow_map.reach((*own, *others))


def _for_themselves(policy: Policy, flow: Flow, person: Person) -> Truth:
    """Tell whether `flow` is for who asks for themselves, whatever the group."""
    if "self" not in flow.request_for:
        return False
    asks = fits(policy, flow.requesters, person)
    if flow.grantees is None or asks is False:
        return asks
    holds = fits(policy, flow.grantees, person)
    return False if holds is False else (None if None in (asks, holds) else True)


def _grounds(policy: Policy) -> Grounds:
    left_out = {name for flow in policy.flows for name in flow.groups.excluded_names}
    pinned = {name: policy.groups.get(name, "") for name in left_out}
    return policy.catalogue.hash, tuple(sorted(pinned.items()))


def words_of(name: str) -> list[str]:
    """Return the words of a name that may be mistyped: three letters or more."""
    return _WORD.findall(name.casefold())


def _with(flow_map: FlowMap, changes: Iterator[Change], policy: Policy) -> FlowMap:
    """Return `flow_map` with `changes` in it; itself when there are none."""
    first = next(changes, None)
    if first is None:
        return flow_map
    # A pin of an authority and an owner attribute may change without the group:
    # they are left to `may_see`, and only what is refused under all is left out.
    bare = Policy(catalogue=policy.catalogue, integration=policy.integration)
    flows = list(policy.flows)
    sets = [bytearray(_bytes(about)) for about in flow_map.sets]
    words, stamp = set(flow_map.words), flow_map.stamp
    candidates = Candidates(flows)
    for change in chain([first], changes):
        stamp, group = change.stamp, change.group
        given = False
        may_be = candidates.of(group) if group is not None else set()
        for number, (bits, flow) in enumerate(zip(sets, flows, strict=True)):
            covered = (
                group is not None
                and number in may_be
                and is_about(policy, flow.groups, group) is not False
                and refuse_group(bare, group, flow) is None
            )
            given = given or covered
            _put(bits, change.number, covered)
        if given and group is not None and len(words) < MOST_WORDS:
            words.update(words_of(group.name))
    whole = tuple(int.from_bytes(bits, "little") for bits in sets)
    return FlowMap(flow_map.grounds, stamp, whole, frozenset(words))


def _put(bits: bytearray, number: int, is_in: bool) -> None:
    at, mask = number >> 3, 1 << (number & 7)
    if at >= len(bits):
        bits.extend(bytes(at + 1 - len(bits) + GROWTH))
    if is_in:
        bits[at] |= mask
    else:
        bits[at] &= ~mask


def _bytes(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")
