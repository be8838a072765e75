"""The cases of access.yaml, run on the people and groups that it gives beside them.

The real thing is run: the same discovery, decision and routing, on rows of a
database of its own and an org that is held in memory.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.catalogue import (
    Case,
    CaseGroup,
    CasePerson,
    Cases,
    Catalogue,
    GroupSelector,
    Integration,
)
from bot.core.policy import Standing, named_in_authority
from bot.core.words import DirectoryRefused, Group, Person, Refused
from bot.settings import Clock, Timing
from bot.store.database import Database
from bot.store.tables import SlackAccount
from bot.workflow import upkeep
from bot.workflow.explaining import Explanation, explain, read_asked
from bot.workflow.reading import Office

TEAM = "TCASES"
NOTHING_HELD = Standing(is_member=False)


@dataclass(frozen=True)
class Outcome:
    """A case, and what is otherwise than it expects; nothing where it holds."""

    case: Case
    differs: tuple[str, ...] = ()


class CaseOrg:
    """An Okta org that holds what the cases say; nothing can be changed in it.

    The groups in `named` are there too, with nobody in them.
    """

    def __init__(self, cases: Cases, named: Iterable[str]) -> None:
        inside = {name for person in cases.people for name in person.groups}
        told = {each.name: each for each in cases.groups}
        names = sorted({*told, *inside, *named, *(c.group for c in cases.cases)})
        self._groups: dict[str, Group] = {}
        for number, name in enumerate(names):
            group = _group(told.get(name, CaseGroup(name=name)), number)
            self._groups[group.id] = group
        ids = {group.name: id_ for id_, group in self._groups.items()}
        self._people = {
            person.id: person
            for number, each in enumerate(cases.people)
            for person in [_person(each, number, ids)]
        }

    async def person(self, id_or_login: str) -> Person | None:
        people = self._people.values()
        return next((p for p in people if id_or_login in (p.id, p.login)), None)

    async def people_with(self, attribute: str, value: str) -> list[Person]:
        people = self._people.values()
        if attribute == "email":
            return [person for person in people if person.email == value]
        return [each for each in people if each.profile.get(attribute) == value]

    async def people_changed(self, since: datetime) -> list[Person]:
        return []

    def skew(self) -> timedelta:
        return timedelta()

    async def groups_of(self, person_id: str) -> frozenset[str]:
        return self._people[person_id].groups or frozenset()

    async def group(self, group_id: str) -> Group | None:
        return self._groups.get(group_id)

    async def group_named(self, name: str) -> list[Group]:
        return [group for group in self._groups.values() if group.name == name]

    async def guarded_group(self, group_id: str) -> Group | None:
        return self._groups.get(group_id)

    async def guarded_groups(
        self,
        since: datetime | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Group]:
        return list(self._groups.values())

    async def owners(self, group_id: str) -> list[tuple[str, str]] | None:
        return None

    async def members(self, group_id: str, most: int | None = 50) -> list[Person]:
        found = [p for p in self._people.values() if group_id in (p.groups or ())]
        return found[:most]

    async def add_member(
        self, group_id: str, user_id: str, *, before_send: Callable[[], None]
    ) -> str:
        raise DirectoryRefused("Cases change nothing.")

    async def remove_member(
        self, group_id: str, user_id: str, *, before_send: Callable[[], None]
    ) -> str:
        raise DirectoryRefused("Cases change nothing.")


async def run_cases(
    catalogue: Catalogue, cases: Cases, database: Database
) -> list[Outcome]:
    """Return what came of each case, on an empty `database` that is theirs alone."""
    clock = Clock()
    accounts = [
        SlackAccount(
            team_id=TEAM,
            slack_id=f"UCASE{number}",
            email=person.login,
            read_at=clock(),
        )
        for number, person in enumerate(cases.people)
    ]
    await upkeep.meet(database, accounts, clock())
    offices = [
        _office(catalogue, integration, cases, database, clock)
        for integration in catalogue.integrations
    ]
    for office in offices:
        await upkeep.discover(office)
    return [await _run(offices, case) for case in cases.cases]


def _office(
    catalogue: Catalogue,
    integration: Integration,
    cases: Cases,
    database: Database,
    clock: Clock,
) -> Office:
    return Office(
        database=database,
        directory=CaseOrg(cases, _named(catalogue, integration)),
        integration=integration,
        identity=catalogue.identity,
        catalogue=catalogue,
        timing=Timing(),
        clock=clock,
    )


def _named(catalogue: Catalogue, integration: Integration) -> list[str]:
    """Return the groups that the file names: they are there, whoever is in them."""
    named = named_in_authority(catalogue, integration)
    return [each.group for each in named if isinstance(each, GroupSelector)]


async def _run(offices: list[Office], case: Case) -> Outcome:
    """Run a case in each org until it comes as expected."""
    said: list[str] = []
    for office in offices:
        said = _differences(case, await _come_of(office, case))
        if not said:
            break
    return Outcome(case, tuple(said))


async def _come_of(office: Office, case: Case) -> Explanation | Refused:
    at = _instant(case.at) if case.at else office.clock()
    asked = await read_asked(
        office,
        who=case.who,
        grantee=case.grantee,
        group=case.group,
        duration=case.duration,
        justification=case.justification,
        at=at,
    )
    if isinstance(asked, Refused):
        return asked
    return await explain(office, asked, at, standing=NOTHING_HELD)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _differences(case: Case, came: Explanation | Refused) -> list[str]:
    """Return what came otherwise than the case expects, a sentence each."""
    expect = case.expect
    if isinstance(came, Refused):
        if expect.refused is not None and expect.refused in came.reason:
            return []
        return [f"It was refused: {came.reason}"]
    if came.refused is not None:
        return _differences(case, came.refused)
    if expect.refused is not None:
        return [f"It was not refused: the flow “{came.flow}” lets them ask."]
    differs = []
    if expect.flow is not None and expect.flow != came.flow:
        differs.append(f"The flow “{came.flow}” decided, not “{expect.flow}”.")
    if expect.approvers is not None:
        wanted = [sorted(step) for step in expect.approvers]
        asked = [sorted(p.login for p in step.people) for step in came.steps]
        if wanted != asked:
            differs.append(f"It asks {_in_words(asked)}, not {_in_words(wanted)}.")
    return differs


def _in_words(steps: Sequence[Sequence[str]]) -> str:
    return ", then ".join(" and ".join(step) for step in steps) or "nobody"


def _group(said: CaseGroup, number: int) -> Group:
    return Group(
        id=f"00g{number:017}",
        name=said.name,
        profile=_flat(said.profile),
        carries_admin_role=said.carries_admin_role,
        rule_managed=said.rule_managed,
        feeds_rule=False,
    )


def _person(said: CasePerson, number: int, ids: Mapping[str, str]) -> Person:
    return Person(
        id=f"00u{number:017}",
        login=said.login,
        email=said.login,
        name=said.login.partition("@")[0].title(),
        status=said.status,
        groups=frozenset(ids[name] for name in said.groups),
        profile={"login": said.login, **_flat(said.profile)},
    )


def _flat(values: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return attributes as Okta gives them: one value as text, several as a list."""
    return {key: of[0] if len(of) == 1 else list(of) for key, of in values.items()}
