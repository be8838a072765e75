"""The decisions: who may ask for what and for how long, and who may answer.

Pure: facts come in as values, a decision goes out as a value. The same
functions draw the modal, accept the submit, route the request, judge the click
and stand before the add, so that they cannot disagree. Unknown means no: a fact
that is None never lets anyone in, nor on to the next flow.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from bot.core.catalogue import (
    AttributeSelector,
    Catalogue,
    Everyone,
    Flow,
    GroupPattern,
    GroupRule,
    GroupSelector,
    Integration,
    PeopleRule,
    ProfileSelector,
    Step,
    UserSelector,
    holds,
    matches,
    say_duration,
)
from bot.core.words import Allowed, Group, Person, Refused

Truth = bool | None
"""True, False, or None: it cannot be told."""

SHORTEST = timedelta(seconds=1)
"""An end is kept in whole seconds: less would be no end at all."""

LEAST_MORE = timedelta(minutes=1)
"""An extension by less is not worth anybody's answer."""

CANNOT_TELL = "I cannot tell right now whether you may ask for {}."
TRY_AGAIN = "Please try again in a moment."


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """What an admin has stopped: all of it, some groups, some people, by id."""

    everything: bool = False
    groups: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """access.yaml with its names led to ids, for one integration.

    `users` and `groups` are the pins. `owner_groups` are the groups that some
    group's owner attribute names; `given` the memberships the bot itself gave,
    as (person id, group id). `known` are the groups that an automatic flow may
    give by itself: those that were there when the file was put in force; None
    while that is not kept.
    """

    catalogue: Catalogue
    integration: Integration
    users: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    owner_groups: frozenset[str] = frozenset()
    given: frozenset[tuple[str, str]] = frozenset()
    freeze: Freeze = Freeze()
    known: frozenset[str] | None = None

    @property
    def flows(self) -> Iterable[Flow]:
        return self.catalogue.flows_of(self.integration.name)

    @cached_property
    def authority(self) -> frozenset[str | None]:
        """The groups, by name and by id, whose members decide about others."""
        names = {selector.group for selector in _groups(_deciding(self.catalogue))}
        ids = {self.groups.get(name) for name in names}
        return frozenset(self.owner_groups | names | ids)


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
class Moment:
    """When it is asked, and what the requester asked for lately.

    `open` requests of theirs wait for an answer; `lately` is how many they made
    within an hour; the same was denied to them at `denied_at`.
    """

    now: datetime
    open: int = 0
    lately: int = 0
    denied_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a request is held to from the moment it is asked, and its flow's rule."""

    flow: str
    duration: timedelta
    longest: timedelta
    lapse_after: timedelta
    warn_before: tuple[timedelta, ...]
    rule: Flow


def may_request(
    policy: Policy, asked: Asked, standing: Standing, moment: Moment | None = None
) -> Terms | Refused:
    """Decide whether `asked` may be asked for now, and on which terms.

    With a `moment` it is being asked, and the limits on asking hold as well;
    without one it was asked before, and is looked at again.
    """
    flow = deciding_flow(policy, asked)
    if isinstance(flow, Refused):
        return flow
    return (
        _refuse_people(asked)
        or refuse_group(policy, asked.group, flow)
        or _refuse_frozen(policy, asked)
        or _refuse_standing(asked, standing)
        or _refuse_duration(flow, asked.duration)
        or _refuse_justification(flow, asked.justification)
        or (moment and _refuse_moment(policy, flow, asked, moment))
        or _terms(flow, asked.duration)
    )


def may_see(policy: Policy, person: Person, group: Group) -> bool:
    """Tell whether `person` may ask for `group` at all: what the typeahead shows."""
    asked = Asked(requester=person, grantee=person, group=group)
    flow = deciding_flow(policy, asked)
    if isinstance(flow, Flow) and refuse_group(policy, group, flow) is None:
        return True
    return any(
        asks_for_others(policy, flow, person)
        and is_about(policy, flow.groups, group)
        and refuse_group(policy, group, flow) is None
        for flow in policy.flows
    )


def asks_for_others(policy: Policy, flow: Flow, person: Person) -> Truth:
    """Tell whether `flow` lets `person` ask for somebody else at all."""
    if flow.request_for == ("self",):
        return False
    return fits(policy, flow.requesters, person)


def deciding_flow(policy: Policy, asked: Asked) -> Flow | Refused:
    """Return the first flow that covers what is asked for, or a refusal.

    NB. A flow of which it cannot be told whether it matches ends the decision:
    the next one may be more generous.
    """
    for flow, covered in verdicts(policy, asked):
        if covered is None:
            name = asked.group.name
            return Refused(f"{CANNOT_TELL.format(name)} {TRY_AGAIN}")
        if covered:
            return flow
    return Refused(f"There is no group “{asked.group.name}” that you can ask for.")


def verdicts(policy: Policy, asked: Asked) -> Iterator[tuple[Flow, Truth]]:
    """Give each flow in order with whether it covers what is asked for."""
    for flow in policy.flows:
        yield flow, covers(policy, flow, asked)


def covers(policy: Policy, flow: Flow, asked: Asked) -> Truth:
    """Tell whether `flow` is for this requester, grantee and group."""
    return _both(truth for _, truth in conditions(policy, flow, asked))


def conditions(policy: Policy, flow: Flow, asked: Asked) -> Iterator[tuple[str, Truth]]:
    """Give what must hold for `flow` to cover what is asked for, each as a sentence.

    NB. The requesters' `none` holds for the grantee too: else whom a flow shuts
    out would be let in by a colleague.
    """
    requester, grantee = asked.requester, asked.grantee
    yield "the group is among its groups", is_about(policy, flow.groups, asked.group)
    yield (
        "the requester is among its requesters",
        fits(policy, flow.requesters, requester),
    )
    if requester.id == grantee.id:
        yield "it lets people ask for themselves", "self" in flow.request_for
    else:
        yield "it lets people ask for this grantee", _asks_for(flow, asked)
        yield (
            "no `none` of its requesters fits the grantee",
            _not(_either(_is(policy, each, grantee) for each in flow.requesters.none)),
        )
    if flow.grantees is not None or requester.id != grantee.id:
        rule = flow.grantees or flow.requesters
        yield "the grantee is among its grantees", fits(policy, rule, grantee)


def is_about(policy: Policy, rule: GroupRule, group: Group) -> Truth:
    """Tell whether `rule` is about `group`. Exclusion is the stronger one.

    NB. A name that is left out exactly is pinned: it stays left out when it is
    renamed, and one that leads nowhere lets nobody have anything by this rule.
    """
    included = any(_names(each, group) for each in rule.include)
    if not included:
        return False
    excluded: list[Truth] = [_names(each, group) for each in rule.exclude]
    for name in rule.excluded_names:
        pinned = policy.groups.get(name)
        excluded.append(None if pinned is None else pinned == group.id)
    return _not(_either(excluded))


def manager_of(person: Person) -> str:
    """Return whom a profile names as the manager: an id or login; nothing if nobody.

    Okta: `managerId` and `manager` are attributes of the default user profile.
    """
    for key in ("managerId", "manager"):
        value = person.profile.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def is_manager_of(manager: Person, person: Person) -> bool:
    """Tell whether the profile of `person` names `manager` as theirs."""
    named = manager_of(person).casefold()
    return bool(named) and named in (
        manager.id.casefold(),
        manager.login.casefold(),
        manager.email.casefold(),
    )


def fits(policy: Policy, rule: PeopleRule, person: Person) -> Truth:
    """Tell whether `person` is among the people that `rule` describes."""
    wanted = [_is(policy, selector, person) for selector in rule.any]
    needed = [_is(policy, selector, person) for selector in rule.all]
    unwanted = [_is(policy, selector, person) for selector in rule.none]
    included = _either(wanted) if rule.any else bool(rule.all)
    return _both([included, *needed, _not(_either(unwanted))])


def refuse_group(
    policy: Policy, group: Group, flow: Flow | None = None
) -> Refused | None:
    """Return why membership of `group` is not given (by `flow`), or None."""
    name, allowed = group.name, policy.integration.groups
    if group.type != "OKTA_GROUP":
        return Refused(f"“{name}” is filled from elsewhere, not in Okta.")
    may_decide = flow is not None and flow.authority == "allow"
    if not may_decide and carries_authority(policy, group):
        return Refused(f"“{name}” decides who may approve, so it cannot be asked for.")
    feeds = "puts its members into other groups by a rule"
    guards = (
        (
            group.rule_managed,
            allowed.allow_rule_managed,
            "is filled by an Okta group rule",
        ),
        (group.feeds_rule, allowed.allow_feeding, feeds),
        (group.carries_admin_role, allowed.allow_admin, "carries an Okta admin role"),
    )
    for guard, is_allowed, why in guards:
        if is_allowed:
            continue
        if guard is None:
            return Refused(f"I cannot tell whether “{name}” {why}. {TRY_AGAIN}")
        if guard:
            return Refused(f"“{name}” {why}, so it cannot be asked for.")
    return None


def carries_authority(policy: Policy, group: Group) -> bool:
    """Tell whether being in `group` makes someone an admin, owner or approver."""
    return group.id in policy.authority or group.name in policy.authority


def authority_paths(policy: Policy) -> Iterator[tuple[Flow, str, str]]:
    """Give each group of authority that a flow lets people ask for, and its power.

    As (flow, the group's name, what being in it decides).
    """
    powers = list(_powers(policy.catalogue))
    for flow in policy.flows:
        if flow.authority != "allow":
            continue
        for name, power in powers:
            group = Group(id=policy.groups.get(name, name), name=name)
            if is_about(policy, flow.groups, group) is not False:
                yield flow, name, power


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


def is_automatic(policy: Policy, flow: Flow, asked: Asked, *, times: int) -> bool:
    """Tell whether nobody is asked; `times` were given so within the rule's budget.

    NB. A membership that the bot gave does not count here either, and a group
    that was not there when the file was put in force is nobody's choice yet.
    """
    if policy.known is not None and asked.group.id not in policy.known:
        return False
    if flow.is_automatic:
        return True
    rule = flow.automatic_when
    if rule is None:
        return False
    duration = asked.duration or flow.duration.default
    if rule.duration_at_most is not None and duration > rule.duration_at_most:
        return False
    if rule.at_most is not None and times >= rule.at_most.times:
        return False
    trusted = replace(asked.requester, groups=with_authority(policy, asked.requester))
    return rule.requesters is None or fits(policy, rule.requesters, trusted) is True


def steps_of(policy: Policy, flow: Flow) -> tuple[Step, ...]:
    """Return the steps that answer where nothing is automatic.

    An automatic flow has none of its own: what slipped under it waits for an admin.
    """
    if flow.approval:
        return flow.approval
    if policy.catalogue.admins:
        return (Step(any_of=policy.catalogue.admins),)
    return (Step(any_of=policy.integration.owner),)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request as the person sees it who is about to answer.

    With `own` even who asks may answer, where they are an approver.
    """

    requester_id: str
    grantee_id: str
    is_open: bool
    step: int
    step_shown: int
    answered_by: frozenset[str] = frozenset()
    own: bool = False


def may_answer(
    question: Question, person: Person, *, is_approver: Truth
) -> Allowed | Refused:
    """Decide whether `person` may approve or deny now.

    NB. Whoever may answer today may, whether or not we wrote to them: the
    people we told are a courtesy, the owners of today are the rule.
    """
    if not question.is_open or question.step != question.step_shown:
        return Refused("This has been answered already.")
    if person.id in (question.requester_id, question.grantee_id) and not question.own:
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


def may_extend(
    flow: Flow, *, extended: int, began: datetime, ends: datetime
) -> timedelta | Refused:
    """Return by how much a grant may be made longer now, or why not.

    The whole hold, from `began` on, stays within the flow's longest.
    """
    rule = flow.extensions
    if extended >= rule.max:
        times = f"{rule.max} times" if rule.max > 1 else "once"
        most = f"It can be extended {times} at most." if rule.max else "It cannot be."
        return Refused(f"This access cannot be extended further. {most}", "duration")
    left = flow.duration.max - (ends - began)
    if left < LEAST_MORE:
        most = say_duration(flow.duration.max)
        return Refused(f"It can be held for {most} in all, not longer.", "duration")
    return min(rule.each, left)


def _refuse_people(asked: Asked) -> Refused | None:
    if not asked.requester.may_receive:
        return Refused("Your Okta account is not active, so you cannot ask.")
    if not asked.grantee.may_receive:
        return Refused(f"{asked.grantee.name} is not active in Okta.", "grantee")
    return None


def _refuse_frozen(policy: Policy, asked: Asked) -> Refused | None:
    freeze = policy.freeze
    if freeze.everything:
        return Refused("All access requests are frozen until an admin lets them go on.")
    if asked.group.id in freeze.groups:
        return Refused(f"An admin has frozen “{asked.group.name}” for now.")
    if not freeze.people.isdisjoint((asked.requester.id, asked.grantee.id)):
        return Refused("An admin has frozen this person's access requests for now.")
    return None


def _refuse_standing(asked: Asked, standing: Standing) -> Refused | None:
    name = asked.group.name
    own = asked.requester.id == asked.grantee.id
    who, has = ("You", "have") if own else (asked.grantee.name, "has")
    if standing.ending:
        whose = "Your" if own else f"{who}'s"
        return Refused(f"{whose} access to “{name}” is just being removed. {TRY_AGAIN}")
    if standing.held_until is not None:
        until = f"{standing.held_until:%a %d %b %H:%M} UTC"
        return Refused(f"{who} already {has} “{name}” until {until}.")
    if standing.pending:
        asks = "You already asked" if own else f"Somebody already asked for {who},"
        return Refused(f"{asks} for “{name}”; it waits for an answer.")
    if standing.is_member is None:
        return Refused(f"{CANNOT_TELL.format(name)} {TRY_AGAIN}")
    if standing.is_member:
        be = "are" if own else "is"
        return Refused(f"{who} {be} a member of “{name}” already, without this bot.")
    return None


def _refuse_moment(
    policy: Policy, flow: Flow, asked: Asked, moment: Moment
) -> Refused | None:
    limits, now = policy.catalogue.limits, moment.now
    if flow.timeframe is not None and not flow.timeframe.holds(now):
        when = f"This can be asked for {flow.timeframe}."
        return Refused(f"Not at this time. {when}")
    if moment.open >= limits.open:
        many = f"{moment.open} requests of yours wait for an answer"
        return Refused(f"{many}, and {limits.open} may at once. Cancel one first.")
    if moment.lately >= limits.asks_per_hour:
        return Refused(
            f"You asked {moment.lately} times within an hour, and "
            f"{limits.asks_per_hour} is the most. Try again later."
        )
    if moment.denied_at is not None and now < moment.denied_at + limits.after_denial:
        wait = say_duration(moment.denied_at + limits.after_denial - now)
        return Refused(
            f"“{asked.group.name}” was just denied. You can ask again in {wait}."
        )
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
        rule=flow,
    )


def _asks_for(flow: Flow, asked: Asked) -> bool:
    """Tell whether `flow` lets people ask for the grantee, who is somebody else."""
    if "others" in flow.request_for:
        return True
    reports = "direct_reports" in flow.request_for
    return reports and is_manager_of(asked.requester, asked.grantee)


def _names(selector: str | AttributeSelector, group: Group) -> bool:
    """Tell whether a selector of groups names `group`, as it is called today."""
    if isinstance(selector, AttributeSelector):
        return holds(group.profile, selector.attribute)
    return selector == group.id or matches(selector, group.name)


def _deciding(catalogue: Catalogue) -> Iterator[object]:
    """Give every selector of people who decide about others."""
    yield from catalogue.admins
    for integration in catalogue.integrations:
        yield from integration.owner
    for flow in catalogue.flows:
        yield from approving(flow)


def approving(flow: Flow) -> Iterator[object]:
    """Give every selector of people by whom `flow` lets something be given."""
    for step in flow.approval:
        yield from step.named
    rule = flow.automatic_when and flow.automatic_when.requesters
    if rule:
        yield from (*rule.any, *rule.all)


def named_in_authority(
    catalogue: Catalogue, integration: Integration
) -> set[UserSelector | GroupSelector]:
    """Return every person and group that access.yaml names where it decides.

    Names that a flow leaves out, and those that bound an owner attribute, are
    exact ones or patterns; a pattern is nobody's name.
    """
    named: list[object] = [*catalogue.admins, *integration.owner]
    for flow in catalogue.flows_of(integration.name):
        for rule in (flow.requesters, flow.grantees):
            if rule is not None:
                named += [*rule.any, *rule.all, *rule.none]
        named += approving(flow)
        named += [GroupSelector(group=each) for each in flow.groups.excluded_names]
    for mapping in integration.resource_owner:
        named += [_exactly(bound) for bound in mapping.only]
    if integration.user_cleanup:
        named += integration.user_cleanup.only_members_of
    return {each for each in named if isinstance(each, UserSelector | GroupSelector)}


def names_in_authority(catalogue: Catalogue, integration: Integration) -> list[str]:
    """Return the same as text, in order: user:LOGIN and group:NAME."""
    return sorted(
        f"user:{each.user}" if isinstance(each, UserSelector) else f"group:{each.group}"
        for each in named_in_authority(catalogue, integration)
    )


def _exactly(bound: object) -> object:
    if isinstance(bound, GroupPattern) and "*" not in bound.group:
        return GroupSelector(group=bound.group)
    return bound


def _powers(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Give each group that decides, by name, with what it decides."""
    for selector in _groups(catalogue.admins):
        yield selector.group, "makes an admin"
    for integration in catalogue.integrations:
        for selector in _groups(integration.owner):
            yield selector.group, f"makes an owner of {integration.name}"
    for flow in catalogue.flows:
        for selector in _groups(
            flow_step for s in flow.approval for flow_step in s.named
        ):
            yield selector.group, f"makes an approver of “{flow.name}”"
        rule = flow.automatic_when and flow.automatic_when.requesters
        for selector in _groups((*rule.any, *rule.all) if rule else ()):
            yield selector.group, f"makes “{flow.name}” automatic"


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
        case ProfileSelector(profile=wanted):
            return holds(person.profile, wanted) if person.profile else None
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
