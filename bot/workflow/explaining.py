"""Why: which flow decides, why the earlier ones do not, and who would be asked.

It runs what asking, routing and answering run, on fresh reads, and changes
nothing: what those would keep is taken back.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, select

from bot.core.catalogue import Flow, Step
from bot.core.policy import (
    Asked,
    Policy,
    Standing,
    Terms,
    Truth,
    conditions,
    deciding_flow,
    is_automatic,
    may_request,
    may_see,
    refuse_group,
    steps_of,
    verdicts,
)
from bot.core.words import Group, Person, Refused
from bot.store import directory, queries
from bot.store.tables import OktaGroup, OktaPerson
from bot.workflow.people import ask_for_person
from bot.workflow.reading import Matter, Office, policy_for
from bot.workflow.seats import read_step

UNKNOWN_GROUP = Refused("There is no group called so that can be asked for.")
UNKNOWN_PERSON = Refused("Okta knows nobody by this login.", "grantee")


@dataclass(frozen=True)
class Verdict:
    """Whether one flow covers what is asked for, and what does not hold of it."""

    flow: str
    covers: Truth
    fails: tuple[tuple[str, Truth], ...] = ()


@dataclass(frozen=True)
class AskedStep:
    """A step, its rule, and who would be asked now; or why nobody."""

    rule: Step
    people: tuple[Person, ...] = ()
    passed: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What would come of asking, and why. `flow` is None where none decides."""

    asked: Asked
    at: datetime
    verdicts: tuple[Verdict, ...]
    flow: str | None = None
    duration: timedelta | None = None
    refused: Refused | None = None
    automatic: bool = False
    steps: tuple[AskedStep, ...] = ()


async def explain(
    office: Office,
    asked: Asked,
    at: datetime,
    *,
    standing: Standing | None = None,
) -> Explanation:
    """Return what would come of `asked` at an instant; nothing is changed.

    Without a `standing`, what the grantee has already is read from rows.
    """
    office = replace(office, database=office.database.rehearsal())
    policy = await office.database.read(
        policy_for, office.catalogue, office.integration
    )
    if standing is None:
        standing = await office.database.read(queries.standing, office.name, asked)
    moment = await office.database.read(queries.moment, office.name, asked, at)
    told = tuple(
        Verdict(
            flow.name,
            covered,
            tuple(
                (sentence, truth)
                for sentence, truth in conditions(policy, flow, asked)
                if truth is not True
            ),
        )
        for flow, covered in verdicts(policy, asked)
    )
    decides = deciding_flow(policy, asked)
    terms = may_request(policy, asked, standing, moment)
    told = told[: _decided_at(told) + 1]
    shown = Explanation(asked=asked, at=at, verdicts=told)
    if isinstance(decides, Refused):
        return replace(shown, refused=decides)
    refused = terms if isinstance(terms, Refused) else None
    shown = replace(shown, flow=decides.name, refused=refused)
    if refused is not None and refuse_group(policy, asked.group, decides) is not None:
        return shown
    return await _with_steps(office, policy, decides, terms, shown)


def _decided_at(told: tuple[Verdict, ...]) -> int:
    """Return the place of the flow that ends the decision."""
    return next(
        (at for at, verdict in enumerate(told) if verdict.covers is not False),
        len(told),
    )


async def _with_steps(
    office: Office,
    policy: Policy,
    flow: Flow,
    terms: Terms | Refused,
    shown: Explanation,
) -> Explanation:
    asked = shown.asked
    duration = terms.duration if isinstance(terms, Terms) else asked.duration
    asked = replace(asked, duration=duration)
    shown = replace(shown, duration=duration)
    times = await office.database.read(_times_by_rule, office, flow, asked, shown.at)
    if is_automatic(policy, flow, asked, times=times):
        return replace(shown, automatic=True)
    steps = [
        await _asked_step(office, step, flow, asked, shown.at)
        for step in steps_of(policy, flow)
    ]
    nobody = next((step.refused for step in steps if step.refused), "")
    refused = shown.refused or (Refused(nobody) if nobody else None)
    return replace(shown, steps=tuple(steps), refused=refused)


async def _asked_step(
    office: Office, step: Step, flow: Flow, asked: Asked, at: datetime
) -> AskedStep:
    asking = frozenset({asked.requester.id, asked.grantee.id})
    matter = Matter(
        group=asked.group,
        grantee=asked.grantee,
        apart_from=frozenset() if flow.requester_may_approve else asking,
    )
    found = await read_step(office, step, matter, at)
    if isinstance(found, Refused):
        return AskedStep(step, refused=found.reason)
    passed = tuple(why for seat in found.seats for why in seat.passed)
    return AskedStep(step, people=found.people, passed=passed)


def _times_by_rule(
    session: Session, office: Office, flow: Flow, asked: Asked, at: datetime
) -> int:
    rule = flow.automatic_when
    if rule is None or rule.at_most is None:
        return 0
    since = at - rule.at_most.per
    return queries.count_automatic(
        session, office.name, flow.name, asked.requester.id, since
    )


async def read_asked(
    office: Office,
    *,
    who: str,
    group: str,
    grantee: str | None = None,
    duration: timedelta | None = None,
    justification: str = "",
    at: datetime,
) -> Asked | Refused:
    """Return what a person, given by login, would ask for; as Okta has it now."""
    requester = await ask_for_person(office.directory, who, at)
    holder = requester
    if grantee is not None and grantee != who:
        holder = await ask_for_person(office.directory, grantee, at)
    if requester is None or holder is None:
        return UNKNOWN_PERSON
    called = await office.database.read(
        directory.groups_called, office.name, group
    ) or await office.directory.group_named(group)
    if len(called) != 1:
        return UNKNOWN_GROUP
    found = await office.directory.guarded_group(called[0].id)
    if found is None:
        return UNKNOWN_GROUP
    return Asked(
        requester=requester,
        grantee=holder,
        group=found,
        duration=duration,
        justification=justification,
    )


def who_can_get(
    session: Session, office: Office, group: Group
) -> list[tuple[Person, str]]:
    """Return the people known by rows who may ask for `group`, each with the flow."""
    policy = policy_for(session, office.catalogue, office.integration)
    people = select(OktaPerson).where(OktaPerson.integration == office.name)
    found = []
    for row in session.exec(people.order_by(OktaPerson.login)):
        person = directory.as_person(row)
        flow = _flow_for(policy, person, group)
        if flow is not None:
            found.append((person, flow.name))
    return found


def what_can_get(
    session: Session, office: Office, person: Person
) -> list[tuple[Group, str]]:
    """Return the groups known by rows that `person` may ask for, each with the flow."""
    policy = policy_for(session, office.catalogue, office.integration)
    groups = select(OktaGroup).where(OktaGroup.integration == office.name)
    found = []
    for row in session.exec(groups.order_by(OktaGroup.name)):
        group = directory.as_group(row)
        if row.gone_at is None and may_see(policy, person, group):
            flow = _flow_for(policy, person, group)
            found.append((group, flow.name if flow else "for others"))
    return found


def _flow_for(policy: Policy, person: Person, group: Group) -> Flow | None:
    flow = deciding_flow(policy, Asked(requester=person, grantee=person, group=group))
    if isinstance(flow, Refused) or refuse_group(policy, group, flow) is not None:
        return None
    return flow if person.may_receive else None
