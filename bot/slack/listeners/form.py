"""The form to ask with: opened, filled, and drawn again around what is chosen."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session

from bot.core import policy
from bot.core.catalogue import Flow, say_step
from bot.core.durations import say_duration
from bot.core.policy import Asked
from bot.core.words import Group, Person, Refused
from bot.slack.calls import call
from bot.slack.errors import SlackError
from bot.slack.listeners.desk import (
    Body,
    Desk,
    Reply,
    open_view,
    people_at,
    person_at,
    say,
)
from bot.slack.listeners.offering import BUNDLE, Choice, choice_of, offer
from bot.slack.typed import Typed
from bot.slack.views import modal
from bot.slack.views.modal import AskForm, GroupChoice
from bot.store import directory
from bot.store.tables import AccessRequest
from bot.workflow.reading import Office, policy_for

NOTHING = Refused("There is nothing here that you can ask for.")


async def open_form(desk: Desk, body: Body) -> Reply:
    """Open the empty form, from the shortcut or a button."""
    if desk.closed:
        return say(body, desk.closed)
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    return await open_with(desk, body, people, Typed())


async def ask_again(desk: Desk, body: Body) -> Reply:
    """Open the form filled as it was for a request that is over."""
    if desk.closed:
        return say(body, desk.closed)
    request_id = str(body["actions"][0].get("value") or "")
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    found = await desk.database.read(_asked_before, desk.offices, people, request_id)
    if found is None:
        return say(body, NOTHING.reason)
    typed, choice = found
    return await open_with(desk, body, people, typed, choice)


async def open_with(
    desk: Desk,
    body: Body,
    people: Mapping[str, Person],
    typed: Typed,
    choice: Choice | None = None,
    note: str = "",
) -> Reply:
    """Open the modal, filled with what was typed."""
    flows = await desk.database.read(_flows, desk.offices, people, choice)
    if not flows:
        return say(body, NOTHING.reason)
    groups = (offer(desk, choice),) if choice else ()
    return await open_view(desk, body, modal.ask(_form(flows, typed, groups, note)))


async def choose(desk: Desk, body: Body) -> Reply:
    """Say under the groups that were chosen who will be asked, and the limits."""
    view = body.get("view") or {}
    if view.get("callback_id") != modal.ASK:
        return Reply()
    choices: list[Choice] = []
    for option in body["actions"][0].get("selected_options") or ():
        name, _, group_id = str(option.get("value") or "").partition(":")
        office = desk.offices.get(name)
        if office is None:
            continue
        person = await person_at(desk, body, office)
        if isinstance(person, Refused):
            return Reply()
        choice = await desk.database.read(choice_of, office, person, group_id)
        choices += [choice] if choice else []
    if choices:
        desk.later(_redraw(desk, view, choices))
    return Reply()


async def _redraw(desk: Desk, view: Body, choices: list[Choice]) -> None:
    """Draw the form again around what was chosen; what is typed stays."""
    flows: list[Flow] = []
    about: list[str] = []
    for office, person, group in choices:
        people = {office.name: person}
        choice = (office, person, group)
        deciding = await desk.database.read(_flows, desk.offices, people, choice)
        flows += deciding
        about += [_about(flow, group) for flow in deciding[:1]]
    if not flows:
        return
    if len(about) > 1:
        names = [group.name for _, _, group in choices]
        about = [f"{name}: {says}" for name, says in zip(names, about, strict=False)]
    offers = tuple(offer(desk, choice) for choice in choices)
    form = replace(_form(flows, Typed(), (), ""), about=tuple(about))
    with suppress(SlackError):  # it was closed meanwhile, or chosen anew
        await call(
            desk.client.views_update,
            desk.timing.slack_call,
            view_id=view["id"],
            hash=view["hash"],
            view=modal.ask(replace(form, groups=(*offers, *_bundles_in(view)))),
        )


def _about(flow: Flow, group: Group) -> str:
    """Return who is asked and the limits, in plain words."""
    steps = ", then ".join(say_step(step) for step in flow.approval)
    asked = f"Asks {steps}." if flow.approval else "Given at once."
    most = say_duration(flow.duration.max)
    when = f" Can be asked for {flow.timeframe}." if flow.timeframe else ""
    about = f" {group.description}" if group.description else ""
    return f"{asked} At most {most}.{when}{about}"


def _bundles_in(view: Body) -> list[GroupChoice]:
    """Return the bundles that a form shows as chosen, as they are offered."""
    state = view["state"]["values"].get(modal.GROUP, {}).get(modal.GROUP, {})
    return [
        GroupChoice(
            value=each["value"],
            name=each["text"]["text"],
            about=each.get("description", {}).get("text", ""),
        )
        for each in state.get("selected_options") or ()
        if each["value"].startswith(BUNDLE)
    ]


def _form(
    flows: list[Flow], typed: Typed, groups: tuple[GroupChoice, ...], note: str
) -> AskForm:
    """Return the form for what these flows allow, the first one's default in it."""
    longest = max(flow.duration.max for flow in flows)
    fits = typed.duration is not None and typed.duration <= longest
    hints = {flow.justification.hint or "" for flow in flows}
    return AskForm(
        choices=tuple({each for flow in flows for each in flow.duration.choices}),
        duration=typed.duration
        if typed.duration and fits
        else flows[0].duration.default,
        hint=hints.pop() if len(hints) == 1 else "",
        required=all(flow.justification.required for flow in flows),
        groups=groups,
        justification=typed.justification,
        note=note,
        for_others=any(flow.request_for != ("self",) for flow in flows),
    )


def _flows(
    session: Session,
    offices: Mapping[str, Office],
    people: Mapping[str, Person],
    choice: Choice | None,
) -> list[Flow]:
    """Return the flow that decides on `choice`, or all that someone may come by."""
    if choice is not None:
        office, person, group = choice
        rules = policy_for(session, office.catalogue, office.integration)
        wanted = Asked(requester=person, grantee=person, group=group)
        decides = policy.deciding_flow(rules, wanted)
        others = [
            flow
            for flow in rules.flows
            if policy.asks_for_others(rules, flow, person)
            and policy.is_about(rules, flow.groups, group)
        ]
        own = [decides] if isinstance(decides, Flow) else []
        return [*own, *(flow for flow in others if flow not in own)]
    found: list[Flow] = []
    for name, person in people.items():
        rules = policy_for(session, offices[name].catalogue, offices[name].integration)
        found += [
            flow for flow in rules.flows if policy.fits(rules, flow.requesters, person)
        ]
    return found


def _asked_before(
    session: Session,
    offices: Mapping[str, Office],
    people: Mapping[str, Person],
    request_id: str,
) -> tuple[Typed, Choice] | None:
    """Return what a request asked for; None where it is not to be had any more.

    NB. Only to who asked for it or holds it: a request's words are theirs.
    """
    request = session.get(AccessRequest, request_id)
    person = people.get(request.integration) if request else None
    if request is None or person is None:
        return None
    if person.id not in (request.requester_id, request.grantee_id):
        return None
    office = offices[request.integration]
    rules = policy_for(session, office.catalogue, office.integration)
    group = directory.group(session, request.integration, request.group_id)
    if group is None or not policy.may_see(rules, person, group):
        return None
    typed = Typed(
        group=group.name,
        duration=timedelta(seconds=request.duration_seconds),
        justification=request.justification or "",
    )
    return typed, (office, person, group)
