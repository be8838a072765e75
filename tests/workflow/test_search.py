"""The typeahead: near things first, and never more than policy allows."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from bot.core.catalogue import load
from bot.core.policy import may_see
from bot.core.words import Group, Person
from bot.settings import Clock, Timing
from bot.store import directory
from bot.store.database import Database
from bot.store.tables import Pin, Upkeep
from bot.workflow import search
from bot.workflow.reading import OWNER_GROUPS, Directory, Office, policy_for
from bot.workflow.search import NOWHERE, groups_for, nearness

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
NUMBERS = count()
ANN = Person(
    id="ann", login="ann", email="ann", name="Ann", status="ACTIVE", groups=frozenset()
)


def group(name: str, **changes: Any) -> Group:
    known: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "carries_admin_role": False,
        "rule_managed": False,
        "feeds_rule": False,
    }
    return Group(**known | changes)


def flow(name: str = "all", include: Iterable[str] = ("*",), **changes: Any) -> Any:
    groups = {"include": list(include), "exclude": changes.pop("exclude", [])}
    requesters = changes.pop("requesters", {"any": ["everyone"]})
    return {
        "name": name,
        "integration": "corp",
        "requesters": requesters,
        "groups": groups,
    }


@dataclass
class Library:
    """An office of rows alone: groups, pins, and the flows of a file."""

    database: Database
    office: Office = field(init=False)
    read: int = 0

    def __post_init__(self) -> None:
        self.integration = f"corp{next(NUMBERS)}"
        self.open(flow())

    def open(self, *flows: Any) -> None:
        """Have another file in force."""
        catalogue = load(json.dumps(self._file(flows)))
        self.office = Office(
            database=self.database,
            directory=cast(Directory, None),
            integration=catalogue.integrations[0],
            identity=catalogue.identity,
            catalogue=catalogue,
            timing=Timing(),
            clock=Clock(),
        )

    def reload(self, *flows: Any) -> None:
        """Have another file in force, in the same office."""
        catalogue = load(json.dumps(self._file(flows)))
        self.office = replace(self.office, catalogue=catalogue)

    def put(self, *groups: Group) -> None:
        """Keep groups as just read."""
        self.read += 1
        now = NOW + timedelta(seconds=self.read)
        known = self.integration, groups, now
        self.database.transact(directory.remember_groups, *known)

    def crowd(self) -> None:
        """Let there be more groups than are looked at one by one."""
        self.put(*[group(f"crowd-{n:04}") for n in range(search.FEW + 1)])

    def pin(self, kind: str, *names: str) -> None:
        def write(session: Session) -> None:
            for name in names:
                key = {"integration": self.integration, "kind": kind, "name": name}
                session.merge(Pin(**key, id=f"id-{name}", pinned_at=NOW))

        self.database.transact(write)

    def names(self, typed: str, person: Person = ANN, most: int = 100) -> list[str]:
        """Return the names that are offered."""
        found = self.database.look(groups_for, self.office, person, typed, most)
        return [each.name for each in found]

    def _file(self, flows: Iterable[Any]) -> Any:
        integration = {
            "name": self.integration,
            "type": "okta-group",
            "org_url": "https://corp.okta.com",
            "credentials": "env:OKTA",
        }
        return {
            "version": 1,
            "admins": [{"group": "Admins"}],
            "integrations": [integration],
            "flows": [each | {"integration": self.integration} for each in flows],
        }


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)


@pytest.fixture(params=["few groups", "many groups"])
def either(request: pytest.FixtureRequest, library: Library) -> Library:
    """A library in which all is looked at, and one in which the index is asked."""
    if request.param == "many groups":
        library.crowd()
    return library


# What is near


def test_beginnings_come_before_words_before_insides_before_descriptions(
    either: Library,
) -> None:
    either.put(
        group("reading-room", description="for prod"),
        group("a-prodigy-list"),
        group("products"),
        group("preprod-db"),
        group("Prod-db"),
        group("reprod"),
    )
    assert either.names("prod") == [
        "Prod-db",
        "products",
        "a-prodigy-list",
        "preprod-db",
        "reprod",
        "reading-room",
    ]


@pytest.mark.parametrize("mark", "-_ ./:")
def test_two_letters_find_beginnings_of_names_and_of_words(
    either: Library, mark: str
) -> None:
    either.put(group(f"the{mark}db{mark}one"), group("db-one"))
    assert either.names("db") == ["db-one", f"the{mark}db{mark}one"]


def test_letter_case_is_not_minded(either: Library) -> None:
    either.put(group("Équipe-Données"))
    assert either.names("éQUIPE") == ["Équipe-Données"]
    assert either.names("donnÉ") == ["Équipe-Données"]


def test_no_more_than_asked_for_and_the_nearest_of_them(either: Library) -> None:
    either.put(*[group(f"x-data-{n}") for n in range(10)], group("data"))
    assert either.names("data", most=3) == ["data", "x-data-0", "x-data-1"]


def test_nothing_typed_offers_the_first_by_name(either: Library) -> None:
    either.put(group("zoo"), group("aaa"), group("Bbb"))
    assert either.names("", most=2) == ["aaa", "Bbb"]


@pytest.mark.parametrize(
    "typed", ["prdo-databse", "databsae", "prod databse", "databases", "prod-dtabase"]
)
def test_with_few_hits_near_misses_follow(either: Library, typed: str) -> None:
    either.put(group("prod-database"), group("zebra"), group("quite-else"))
    assert either.names(typed) == ["prod-database"]


def test_a_hit_comes_before_near_misses_and_only_once(either: Library) -> None:
    either.put(group("database"), group("datebase"))
    assert either.names("database") == ["database", "datebase"]


def test_with_enough_hits_there_are_no_near_misses(either: Library) -> None:
    either.put(*[group(f"ledger-{n}") for n in range(search.ENOUGH)], group("ladger"))
    assert "ladger" not in either.names("ledger")


@pytest.mark.parametrize("typed", ['"', "%", "_", "*", "\0abc", "\ud800abc", "a" * 500])
def test_no_text_breaks_the_search(either: Library, typed: str) -> None:
    either.put(group("prod-db"))
    assert "prod-db" not in either.names(typed)


# Who may see what


def test_what_no_flow_covers_is_not_offered_however_it_is_typed(
    either: Library,
) -> None:
    either.open(flow(include=["crowd-*", "prod-*"], exclude=["prod-roo*"]))
    either.put(group("prod-db"), group("prod-root"), group("secret"))
    assert either.names("prod") == ["prod-db"]
    for typed in ("prod-root", "prod-rot", "secret", "secrt"):
        assert {"prod-root", "secret"}.isdisjoint(either.names(typed))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "APP_GROUP"},
        {"rule_managed": True},
        {"feeds_rule": None},
        {"carries_admin_role": True},
    ],
)
def test_a_group_that_is_never_given_is_not_offered(
    either: Library, changes: dict[str, Any]
) -> None:
    either.put(group("prod-db", **changes))
    assert either.names("prod-db") == []


def test_a_group_that_carries_authority_is_not_offered(either: Library) -> None:
    either.put(group("Admins"), group("DBAs"))
    assert either.names("dbas") == ["DBAs"]

    def own(session: Session) -> None:
        name = OWNER_GROUPS.format(either.integration)
        session.add(Upkeep(name=name, at=NOW, facts={"groups": ["id-DBAs"]}))

    either.database.transact(own)
    assert either.names("dbas") == either.names("admins") == []


def test_an_earlier_flow_for_others_does_not_hide_a_later_one(either: Library) -> None:
    either.pin("user", "bob")
    for_bob = flow("bob", ["prod-*"], requesters={"any": [{"user": "bob"}]})
    either.open(for_bob, flow())
    either.put(group("prod-db"))
    assert either.names("prod") == ["prod-db"]


def test_a_flow_of_which_it_cannot_be_told_hides_what_it_covers(
    either: Library,
) -> None:
    unknown = flow("first", ["prod-*"], requesters={"any": [{"group": "No pin"}]})
    either.open(unknown, flow())
    either.put(group("prod-db"), group("product"))
    assert either.names("prod") == ["product"]


def test_a_person_allowed_ten_of_many_finds_them_all(either: Library) -> None:
    either.open(flow(include=["crowd-000*"]))
    either.crowd()
    ten = [f"crowd-000{n}" for n in range(10)]
    assert either.names("") == either.names("crowd") == either.names("owd") == ten


# As it is now


def test_a_group_is_offered_as_soon_as_it_is_read(either: Library) -> None:
    assert either.names("prod-db") == []
    either.put(group("prod-db"))
    assert either.names("prod-db") == ["prod-db"]
    either.put(group("prod-db", rule_managed=True))
    assert either.names("prod-db") == []


def test_a_new_file_is_in_force_at_once(either: Library) -> None:
    either.put(group("prod-db"), group("dev-db"))
    assert either.names("-db") == ["dev-db", "prod-db"]
    either.reload(flow(include=["crowd-*", "dev-*"]))
    assert either.names("-db") == ["dev-db"]


# The same answer as policy, whatever the file and the groups

PEOPLE = st.fixed_dictionaries(
    {
        "any": st.just(["everyone"])
        | st.sampled_from([[{"group": "g1"}], [{"user": "ann"}]])
    },
    optional={"none": st.sampled_from([[{"group": "g2"}], [{"group": "lost"}]])},
)
PATTERNS = st.lists(
    st.sampled_from(["*", "prod-*", "*-db", "prod-db", "*o*d*", "dev*"]),
    min_size=1,
    max_size=2,
)
FLOWS = st.lists(
    st.builds(
        lambda include, exclude, requesters: flow(
            "one", include, exclude=exclude, requesters=requesters
        ),
        PATTERNS,
        st.just([]) | PATTERNS,
        PEOPLE,
    ),
    max_size=4,
)
NAMES = st.lists(
    st.sampled_from(["prod", "dev", "db", "root", "Prod", "x"]), min_size=1, max_size=3
).map("-".join)
GROUPS = st.lists(
    st.builds(
        group,
        NAMES,
        description=st.sampled_from(["", "The prod one", "root"]),
        rule_managed=st.sampled_from([False, False, True, None]),
        type=st.sampled_from(["OKTA_GROUP", "OKTA_GROUP", "APP_GROUP"]),
    ),
    unique_by=lambda each: each.id,
    max_size=12,
)
MEMBERSHIPS = st.none() | st.frozensets(st.sampled_from(["id-g1", "id-g2"]))


@pytest.mark.parametrize("few", [0, search.FEW])
@given(
    flows=FLOWS,
    known=GROUPS,
    again=GROUPS,
    held=MEMBERSHIPS,
    typed=st.sampled_from(["", "prod", "dev-", "root", "rod-d", "-db"]),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_exactly_what_policy_allows_is_found(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    flows: list[Any],
    known: list[Group],
    again: list[Group],
    held: frozenset[str] | None,
    typed: str,
) -> None:
    monkeypatch.setattr(search, "FEW", few)
    library = Library(database)
    library.pin("group", "g1", "g2", "Admins")
    library.pin("user", "ann")
    library.open(*[each | {"name": f"flow {n}"} for n, each in enumerate(flows)])
    person = replace(ANN, groups=held)
    for some in (known, again):
        library.put(*some)
        library.names(typed, person)
    assert set(_hits(library, typed, person)) == set(
        _allowed(library, {each.id: each for each in [*known, *again]}, typed, person)
    )


def _hits(library: Library, typed: str, person: Person) -> list[str]:
    near = nearness(typed)
    found = library.database.look(groups_for, library.office, person, typed, 1000)
    assert all(_may_see(library, person, each) for each in found)
    return [each.id for each in found if near(each.name, each.description)[0] < NOWHERE]


def _allowed(
    library: Library, known: dict[str, Group], typed: str, person: Person
) -> list[str]:
    near = nearness(typed)
    return [
        each.id
        for each in known.values()
        if near(each.name, each.description)[0] < NOWHERE
        and _may_see(library, person, each)
    ]


def _may_see(library: Library, person: Person, known: Group) -> bool:
    office = library.office
    policy = library.database.look(policy_for, office.catalogue, office.integration)
    return may_see(policy, person, known)
