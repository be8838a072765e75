"""Asking: the command, the modal and its submit."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from bot.core import policy
from bot.core.catalogue import Flow, say_step
from bot.core.durations import parse_duration, say_duration
from bot.core.policy import Asked
from bot.core.words import Group, Person, Refused
from bot.slack.calls import call
from bot.slack.errors import SlackError
from bot.slack.listeners.desk import (
    NOT_SERVED,
    Body,
    Desk,
    Reply,
    open_view,
    people_at,
    person_at,
    say,
    user_of,
)
from bot.slack.listeners.offering import (
    BUNDLE,
    Choice,
    bundle_called,
    choice_of,
    groups_called,
    groups_of,
    offer,
)
from bot.slack.typed import Typed, length_until, read_ask
from bot.slack.views import modal
from bot.slack.views.modal import AskForm, GroupChoice, written
from bot.slack.views.text import clean, listed
from bot.store import directory
from bot.store.tables import AccessRequest
from bot.workflow.people import identify
from bot.workflow.reading import Office, policy_for
from bot.workflow.requests import Wish, ask

COMMAND = "/access"
ASK = "okta-group"

HELP = (
    f"{COMMAND} {ASK} opens a form to ask for an Okta group for a while. "
    f"{COMMAND} {ASK} GROUP DURATION JUSTIFICATION asks at once, such as "
    f"{COMMAND} {ASK} prod-db-read 4h OPS-12 look at slow queries. "
    "Put a name with spaces in quotes. Until 17:00 is a duration too. "
    "My home tab shows what you hold."
)
NOTHING = Refused("There is nothing here that you can ask for.")
NO_GROUP = "There is no group “{}” that you can ask for."
ON_ITS_WAY = (
    "You asked for {} for {}. I am finding out who can answer and will write to you."
)
FIELDS = {
    "duration": modal.DURATION,
    "justification": modal.JUSTIFICATION,
    "grantee": modal.GRANTEE,
}

Wished = tuple[Office, Wish]
"""What is wished for, and where."""


async def ask_typed(
    desk: Desk, body: Body, people: Mapping[str, Person], rest: str
) -> Reply:
    """Ask for what was typed, or open the form with it."""
    typed = read_ask(rest)
    if typed.until is not None:
        zone = await desk.database.read(directory.zone_of, user_of(body))
        length = length_until(typed.until, desk.clock(), zone)
        typed = replace(typed, duration=length)
    return await _answer_typed(desk, body, people, typed)


async def open_form(desk: Desk, body: Body) -> Reply:
    """Open the empty form, from the shortcut or a button."""
    if desk.closed:
        return say(body, desk.closed)
    people = await people_at(desk, body)
    if isinstance(people, Refused):
        return say(body, people.reason)
    return await _open(desk, body, people, Typed())


async def submit(desk: Desk, body: Body) -> Reply:
    """Ask for what the modal holds; a refusal stands on the field it is about."""
    if desk.closed:
        return say(body, desk.closed)
    try:
        duration = parse_duration(written(body, modal.DURATION))
    except ValueError as error:
        return _on_field(Refused(str(error), "duration"))
    wishes: list[Wished] = []
    for value in modal.chosen(body, modal.GROUP):
        found = await _wishes(desk, body, value, duration)
        if isinstance(found, Refused):
            return _on_field(found)
        wishes += found
    if len(wishes) != 1:
        return await _ask_several(desk, body, wishes)
    ((office, wish),) = wishes
    asked = await desk.write(ask, office, wish, desk.clock())
    return _on_field(asked) if isinstance(asked, Refused) else Reply()


async def _wishes(
    desk: Desk, body: Body, value: str, duration: timedelta
) -> list[Wished] | Refused:
    """Return what one choice of the form wishes for: a group, or those of a bundle."""
    name, _, chosen = value.partition(":")
    office = desk.offices.get(name.removeprefix(BUNDLE))
    if office is None:
        return NOT_SERVED
    person = await person_at(desk, body, office)
    if isinstance(person, Refused):
        return person
    grantee = await _grantee(desk, office, written(body, modal.GRANTEE))
    if isinstance(grantee, Refused):
        return Refused(grantee.reason, "grantee")
    wish = Wish(
        requester_id=person.id,
        group_id=chosen,
        duration=duration,
        justification=written(body, modal.JUSTIFICATION),
        delivery=f"view:{body['view']['id']}",
        grantee_id=grantee.id if grantee else None,
    )
    if not name.startswith(BUNDLE):
        return [(office, wish)]
    groups = await desk.database.read(groups_of, office, chosen)
    return [(office, replace(wish, group_id=group.id)) for group in groups]


async def _ask_several(desk: Desk, body: Body, wishes: list[Wished]) -> Reply:
    came = await desk.write(_ask_each, wishes, desk.clock())
    return _on_field(came) if isinstance(came, Refused) else say(body, came)


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


def _ask_each(session: Session, wishes: list[Wished], now: datetime) -> str | Refused:
    """Ask for several groups, one request each; return what came of each."""
    asked: list[str] = []
    refused: list[tuple[str, Refused]] = []
    for office, wish in wishes:
        own = replace(wish, delivery=f"{wish.delivery}:{wish.group_id}")
        came = ask(session, office, own, now)
        group = directory.group(session, office.name, wish.group_id)
        name = group.name if group else wish.group_id
        if isinstance(came, Refused):
            refused.append((name, came))
        else:
            asked.append(name)
    if not asked:
        return refused[0][1] if refused else NOTHING
    said = f"You asked for {listed(asked)}."
    return " ".join([said, *(f"Not for {each}: {why.reason}" for each, why in refused)])


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
    return await _open(desk, body, people, typed, choice)


async def _grantee(
    desk: Desk, office: Office, slack_id: str
) -> Person | Refused | None:
    """Return for whom it is asked; None where nobody else was chosen."""
    if not slack_id:
        return None
    return await identify(office, desk.team_id, slack_id, desk.clock())


async def _answer_typed(
    desk: Desk, body: Body, people: Mapping[str, Person], typed: Typed
) -> Reply:
    """Ask at once when all was typed; else open the modal with what was."""
    if not typed.group:
        return await _open(desk, body, people, typed)
    found = await desk.database.read(groups_called, desk.offices, people, typed.group)
    if not found:
        return await _ask_bundle_typed(desk, body, people, typed)
    if len(found) > 1 or typed.duration is None:
        chosen = found[0] if len(found) == 1 else None
        return await _open(desk, body, people, typed, chosen)
    return await _ask_at_once(desk, body, typed, found[0])


async def _ask_bundle_typed(
    desk: Desk, body: Body, people: Mapping[str, Person], typed: Typed
) -> Reply:
    """Ask for the bundle that was typed; else say that there is no such group."""
    for name, person in people.items():
        office = desk.offices[name]
        called = bundle_called(office, typed.group)
        if not called:
            continue
        groups = await desk.database.read(groups_of, office, called)
        wish = Wish(
            requester_id=person.id,
            group_id="",
            duration=typed.duration,
            justification=typed.justification,
            delivery=f"command:{body['trigger_id']}",
        )
        wishes = [(office, replace(wish, group_id=group.id)) for group in groups]
        came = await desk.write(_ask_each, wishes, desk.clock())
        return say(body, came.reason if isinstance(came, Refused) else came)
    return say(body, NO_GROUP.format(clean(typed.group, 100)))


async def _ask_at_once(desk: Desk, body: Body, typed: Typed, choice: Choice) -> Reply:
    office, person, group = choice
    wish = Wish(
        requester_id=person.id,
        group_id=group.id,
        duration=typed.duration,
        justification=typed.justification,
        delivery=f"command:{body['trigger_id']}",
    )
    asked = await desk.write(ask, office, wish, desk.clock())
    if isinstance(asked, AccessRequest):
        length = say_duration(timedelta(seconds=asked.duration_seconds))
        return say(body, ON_ITS_WAY.format(clean(group.name, 100), length))
    if asked.field not in FIELDS:
        return say(body, asked.reason)
    people = {office.name: person}
    return await _open(desk, body, people, typed, choice, note=asked.reason)


async def _open(
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


def _on_field(refused: Refused) -> Reply:
    block = FIELDS.get(refused.field, modal.GROUP)
    errors = {block: clean(refused.reason, 300)}
    return Reply({"response_action": "errors", "errors": errors})
