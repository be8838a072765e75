"""The decisions: who may ask for what and for how long, and who may answer.

Pure: facts come in as values, a decision goes out as a value. The same
functions draw the modal, accept the submit, route the request, judge the click
and stand before the add, so that they cannot disagree. Unknown means no: a fact
that is None never lets anyone in, nor on to the next flow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.catalogue import (
    Catalogue,
    Everyone,
    Flow,
    GroupSelector,
    Integration,
    PeopleRule,
    UserSelector,
    say_duration,
)
from bot.core.words import Allowed, Group, Person, Refused

Truth = bool | None
"""True, False, or None: it cannot be told."""

SHORTEST = timedelta(seconds=1)
"""An end is kept in whole seconds: less would be no end at all."""

CANNOT_TELL = "I cannot tell right now whether you may ask for {}."
TRY_AGAIN = "Please try again in a moment."


@dataclass(frozen=True, kw_only=True)
class Policy:
    """access.yaml with its names led to ids, for one integration.

    `users` and `groups` are the pins. `owner_groups` are the groups that some
    group's owner attribute names; `given` the memberships the bot itself gave,
    as (person id, group id).
    """

    catalogue: Catalogue
    integration: Integration
    users: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    owner_groups: frozenset[str] = frozenset()
    given: frozenset[tuple[str, str]] = frozenset()

    @property
    def flows(self) -> Iterable[Flow]:
        return self.catalogue.flows_of(self.integration.name)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for: one group, for one person, for a while, and why."""

    requester: Person
    grantee: Person
    group: Group
    duration: timedelta | None = None
    justification: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the pair of grantee and group has already.

    `is_member` is None while it is not known. `held_until` is set while a
    grant lives, `ending` while it is being removed.
    """

    is_member: Truth
    pending: bool = False
    held_until: datetime | None = None
    ending: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a request is held to from the moment it is asked."""

    flow: str
    duration: timedelta
    longest: timedelta
    lapse_after: timedelta
    warn_before: tuple[timedelta, ...]


def may_request(policy: Policy, asked: Asked, standing: Standing) -> Terms | Refused:
    """Decide whether `asked` may be asked for now, and on which terms."""
    flow = deciding_flow(policy, asked)
    if isinstance(flow, Refused):
        return flow
    return (
        _refuse_people(asked)
        or refuse_group(policy, asked.group)
        or _refuse_standing(asked, standing)
        or _refuse_duration(flow, asked.duration)
        or _refuse_justification(flow, asked.justification)
        or _terms(flow, asked.duration)
    )


def may_see(policy: Policy, person: Person, group: Group) -> bool:
    """Tell whether `person` may ask for `group` at all: what the typeahead shows."""
    asked = Asked(requester=person, grantee=person, group=group)
    flow = deciding_flow(policy, asked)
    return isinstance(flow, Flow) and refuse_group(policy, group) is None


def deciding_flow(policy: Policy, asked: Asked) -> Flow | Refused:
    """Return the first flow that covers what is asked for, or a refusal.

    NB. A flow of which it cannot be told whether it matches ends the decision:
    the next one may be more generous.
    """
    for flow in policy.flows:
        covered = covers(policy, flow, asked)
        if covered is None:
            name = asked.group.name
            return Refused(f"{CANNOT_TELL.format(name)} {TRY_AGAIN}")
        if covered:
            return flow
    return Refused(f"There is no group “{asked.group.name}” that you can ask for.")


def covers(policy: Policy, flow: Flow, asked: Asked) -> Truth:
    """Tell whether `flow` is for this requester, grantee and group."""
    if asked.requester.id != asked.grantee.id:
        return False
    if not flow.groups.fits(asked.group.name):
        return False
    return fits(policy, flow.requesters, asked.requester)


def fits(policy: Policy, rule: PeopleRule, person: Person) -> Truth:
    """Tell whether `person` is among the people that `rule` describes."""
    wanted = [_is(policy, selector, person) for selector in rule.any]
    needed = [_is(policy, selector, person) for selector in rule.all]
    unwanted = [_is(policy, selector, person) for selector in rule.none]
    included = _either(wanted) if rule.any else bool(rule.all)
    return _both([included, *needed, _not(_either(unwanted))])


def refuse_group(policy: Policy, group: Group) -> Refused | None:
    """Return why membership of `group` is never given, or None."""
    name = group.name
    if group.type != "OKTA_GROUP":
        return Refused(f"“{name}” is filled from elsewhere, not in Okta.")
    if carries_authority(policy, group):
        return Refused(f"“{name}” decides who may approve, so it cannot be asked for.")
    guards = (
        (group.rule_managed, "is filled by an Okta group rule"),
        (group.feeds_rule, "puts its members into other groups by a rule"),
        (group.carries_admin_role, "carries an Okta admin role"),
    )
    for guard, why in guards:
        if guard is None:
            return Refused(f"I cannot tell whether “{name}” {why}. {TRY_AGAIN}")
        if guard:
            return Refused(f"“{name}” {why}, so it cannot be asked for.")
    return None


def carries_authority(policy: Policy, group: Group) -> bool:
    """Tell whether being in `group` makes someone an admin, owner or approver."""
    people = [*policy.catalogue.admins]
    for integration in policy.catalogue.integrations:
        people += integration.owner
    names = {selector.group for selector in _groups(people)}
    ids = policy.owner_groups | names | {policy.groups.get(name) for name in names}
    return group.id in ids or group.name in names


def with_authority(policy: Policy, person: Person) -> frozenset[str] | None:
    """Return the groups of `person` that count where authority is asked for.

    NB. A membership the bot gave never makes an approver or an admin: else
    asking for one thing would lead to deciding on all.
    """
    if person.groups is None:
        return None
    return frozenset(g for g in person.groups if (person.id, g) not in policy.given)


def is_admin(policy: Policy, person: Person) -> bool:
    """Tell whether `person` is surely one of the admins, and active."""
    trusted = with_authority(policy, person) or frozenset()
    users = {policy.users.get(a.user) for a in _users(policy.catalogue.admins)}
    groups = {policy.groups.get(a.group) for a in _groups(policy.catalogue.admins)}
    named = person.id in users or not trusted.isdisjoint(groups)
    return named and person.may_receive


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request as the person sees it who is about to answer."""

    requester_id: str
    grantee_id: str
    is_open: bool
    step: int
    step_shown: int
    answered_by: frozenset[str] = frozenset()


def may_answer(
    question: Question, person: Person, *, is_approver: Truth
) -> Allowed | Refused:
    """Decide whether `person` may approve or deny now.

    NB. Whoever may answer today may, whether or not we wrote to them: the
    people we told are a courtesy, the owners of today are the rule.
    """
    if not question.is_open or question.step != question.step_shown:
        return Refused("This has been answered already.")
    if person.id in (question.requester_id, question.grantee_id):
        return Refused("You cannot answer a request for your own access.")
    if not person.may_receive:
        return Refused("Your Okta account is not active, so you cannot answer.")
    if person.id in question.answered_by:
        return Refused("You have answered this already.")
    if is_approver is None:
        return Refused(f"I cannot tell right now whether you may answer. {TRY_AGAIN}")
    if not is_approver:
        return Refused("Only those who own this group today can answer.")
    return Allowed()


def _refuse_people(asked: Asked) -> Refused | None:
    if not asked.requester.may_receive:
        return Refused("Your Okta account is not active, so you cannot ask.")
    if not asked.grantee.may_receive:
        return Refused(f"{asked.grantee.name} is not active in Okta.", "grantee")
    return None


def _refuse_standing(asked: Asked, standing: Standing) -> Refused | None:
    name = asked.group.name
    if standing.ending:
        return Refused(f"Your access to “{name}” is just being removed. {TRY_AGAIN}")
    if standing.held_until is not None:
        until = f"{standing.held_until:%a %d %b %H:%M} UTC"
        return Refused(f"You already have “{name}” until {until}.")
    if standing.pending:
        return Refused(f"You already asked for “{name}”; it waits for an answer.")
    if standing.is_member is None:
        return Refused(f"{CANNOT_TELL.format(name)} {TRY_AGAIN}")
    if standing.is_member:
        return Refused(f"You are a member of “{name}” already, without this bot.")
    return None


def _refuse_duration(flow: Flow, duration: timedelta | None) -> Refused | None:
    if duration is None:
        return None
    if duration < SHORTEST:
        return Refused("Access is given for a second at least.", "duration")
    if duration > flow.duration.max:
        most = say_duration(flow.duration.max)
        return Refused(f"At most {most} can be asked for here.", "duration")
    return None


def _refuse_justification(flow: Flow, justification: str) -> Refused | None:
    if flow.justification.fits(justification):
        return None
    hint = flow.justification.hint or "Say in a few words what you need it for."
    return Refused(hint, "justification")


def _terms(flow: Flow, duration: timedelta | None) -> Terms:
    return Terms(
        flow=flow.name,
        duration=flow.duration.default if duration is None else duration,
        longest=flow.duration.max,
        lapse_after=flow.lapse_after,
        warn_before=tuple(flow.warn_before),
    )


def _is(policy: Policy, selector: object, person: Person) -> Truth:
    match selector:
        case Everyone():
            return True
        case UserSelector(user=name):
            pinned = policy.users.get(name)
            return None if pinned is None else pinned == person.id
        case GroupSelector(group=name):
            pinned = policy.groups.get(name)
            if pinned is None or person.groups is None:
                return None
            return pinned in person.groups
    return None


def _users(selectors: Iterable[object]) -> list[UserSelector]:
    return [each for each in selectors if isinstance(each, UserSelector)]


def _groups(selectors: Iterable[object]) -> list[GroupSelector]:
    return [each for each in selectors if isinstance(each, GroupSelector)]


def _either(truths: Iterable[Truth]) -> Truth:
    known = list(truths)
    if True in known:
        return True
    return None if None in known else False


def _both(truths: Iterable[Truth]) -> Truth:
    known = list(truths)
    if False in known:
        return False
    return None if None in known else True


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth
