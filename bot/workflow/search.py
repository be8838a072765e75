"""What a person may ask for, found as they type, from rows alone.

Names that begin with what is typed come first, then those in which a word
does, those that hold it, and those whose description does. Where there are few,
names that are nearly alike follow. Nothing is shown that policy does not allow.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from rapidfuzz import fuzz, process
from sqlmodel import Session

from bot.core.policy import Policy, may_see
from bot.core.words import Group, Person
from bot.store import group_index
from bot.store.group_index import TRIGRAM, Text
from bot.workflow.flow_maps import Reach, reach_of, words_of
from bot.workflow.reading import Office, policy_for

FEW = 1_000
"""So few groups are all looked at, without the index."""

AT_ONCE = 100
"""How many groups are looked at whole at a time."""

RANKED = 200
"""How many of those that the index gives are ranked by their names."""

ENOUGH = 5
"""With fewer hits than this, near misses are shown too."""

NEAR_MISSES = 20
ALIKE = 70
"""How much alike, of 100, a near miss is at least."""

NEAR_WORDS = 5
NOWHERE = 4
"""The rank of what does not hold what is typed."""

MARKS = "-_ ./:"
"""What words of a name are set apart by, as a rule."""


@dataclass(frozen=True)
class Search:
    """One person's search: what is typed, and the groups within their reach."""

    session: Session
    policy: Policy
    person: Person
    reach: Reach
    words: frozenset[str]
    typed: str

    @property
    def is_narrow(self) -> bool:
        return self.reach.count <= FEW

    def visible(self, numbers: Iterable[int]) -> Iterator[Group]:
        """Give the groups with these numbers that the person may really ask for."""
        found = group_index.groups(self.session, list(numbers))
        return (group for group in found if may_see(self.policy, self.person, group))

    def texts(self) -> Iterator[Text]:
        """Give all that is within reach, which is little."""
        return group_index.texts(self.session, self.reach.numbers)


def groups_for(
    session: Session, office: Office, person: Person, typed: str, most: int = 100
) -> list[Group]:
    """Return groups that `person` may ask for and that fit what is `typed`, best first.

    Among more than a thousand, one or two letters find beginnings only.
    """
    policy = policy_for(session, office.catalogue, office.integration)
    flow_map = office.flow_maps.of(session, policy)
    reach = reach_of(flow_map, policy, person)
    search = Search(session, policy, person, reach, flow_map.words, _cleaned(typed))
    found = _hits(search, most)
    if len(found) < min(ENOUGH, most) and len(search.typed) >= TRIGRAM:
        known = {group.id for group in found}
        near = search.visible(_near_misses(search))
        found += [group for group in near if group.id not in known]
    return found[:most]


def _hits(search: Search, most: int) -> list[Group]:
    """Return the groups that hold what is typed, in order of nearness."""
    near = nearness(search.typed)
    numbers = _among_few(search) if search.is_narrow else _by_index(search)
    found: list[Group] = []
    while len(found) < most and (some := list(islice(numbers, AT_ONCE))):
        found += search.visible(some)
    found.sort(key=lambda group: near(group.name, group.description))
    return found[:most]


def _among_few(search: Search) -> Iterator[int]:
    """Give the numbers of the groups that hold what is typed, nearest first."""
    near = nearness(search.typed)
    ranked = sorted(
        (near(text.name, text.description), text.number) for text in search.texts()
    )
    return (number for (rank, _), number in ranked if rank < NOWHERE)


def _by_index(search: Search) -> Iterator[int]:
    """Give the numbers of groups that hold what is typed, each once."""
    session, typed = search.session, search.typed
    met: set[int] = set()
    for number in chain(
        group_index.beginning_with(session, search.policy.integration.name, typed),
        _inside(search),
        group_index.holding(session, [typed], column="description"),
    ):
        if number in search.reach and number not in met:
            met.add(number)
            yield number


def _inside(search: Search) -> Iterator[int]:
    """Give those in whose name it is, where a word begins with it first, as a rule.

    Two letters and what sets words apart are a trigram.
    """
    session, typed = search.session, search.typed
    if len(typed) < TRIGRAM:
        return group_index.holding(session, [mark + typed for mark in MARKS])
    found = group_index.holding(session, [typed])
    within = (number for number in found if number in search.reach)
    near = nearness(typed)
    some = group_index.texts(session, list(islice(within, RANKED)))
    ranked = sorted(some, key=lambda text: near(text.name, text.description))
    return chain((text.number for text in ranked), within)


def _near_misses(search: Search) -> list[int]:
    """Return the numbers of groups named nearly as is typed, nearest first."""
    texts = search.texts() if search.is_narrow else _with_near_words(search)
    names = {text.number: text.name.casefold() for text in texts}
    near = process.extract(
        search.typed.casefold(),
        names,
        scorer=fuzz.partial_ratio,
        score_cutoff=ALIKE,
        limit=NEAR_MISSES,
    )
    return [number for _, _, number in near]


def _with_near_words(search: Search) -> Iterator[Text]:
    """Give some groups whose words are nearly those that are typed."""
    words = [_near_words(word, search.words) for word in words_of(search.typed)]
    if not words:
        return iter(())
    found = group_index.holding(search.session, *words)
    within = (number for number in found if number in search.reach)
    return group_index.texts(search.session, list(islice(within, RANKED)))


def _near_words(word: str, known: frozenset[str]) -> list[str]:
    near = process.extract(
        word, known, scorer=fuzz.ratio, score_cutoff=ALIKE, limit=NEAR_WORDS
    )
    return [each for each, _, _ in near]


def nearness(typed: str) -> Callable[[str, str], tuple[int, str]]:
    """Return what ranks a name and a description by how they hold `typed`."""
    sought = typed.casefold()
    begins_word = re.compile(rf"(?<![^\W_]){re.escape(sought)}")

    def near(name: str, description: str) -> tuple[int, str]:
        folded = name.casefold()
        if folded.startswith(sought):
            return 0, folded
        if sought not in folded:
            return (3 if sought in description.casefold() else NOWHERE), folded
        return (1 if begins_word.search(folded) else 2), folded

    return near


def _cleaned(typed: str) -> str:
    """Return what is typed as text that a database takes."""
    return typed.encode("utf-8", "ignore").decode().replace("\0", "").strip()
