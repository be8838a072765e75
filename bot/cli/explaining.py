"""explain: which flow, which steps, which people, or why not. Changes nothing."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from bot.cli.failures import WRONG
from bot.cli.setting import opened_store
from bot.core.catalogue import Tier, as_written, say_answering, say_step
from bot.core.catalogue.problems import harmless
from bot.core.durations import parse_duration, say_duration, write_duration
from bot.core.words import Person, Refused, SettingError
from bot.workflow.explaining import AskedStep, Explanation, Verdict

COVERS = {True: "decides", False: "does not match", None: "cannot be told"}


def explain(
    who: Annotated[
        str | None, typer.Option("--as", help="Who asks: an Okta login.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="The group, by name or id.")] = None,
    grantee: Annotated[
        str | None, typer.Option(help="For whom, where it is somebody else.")
    ] = None,
    length: Annotated[str | None, typer.Option("--for", help="How long: 4h.")] = None,
    at: Annotated[
        str | None, typer.Option(help="When: 2026-03-29T02:30+01:00. Now if left out.")
    ] = None,
    justification: Annotated[str, typer.Option(help="What they say.")] = "OPS-1",
    everyone: Annotated[
        bool, typer.Option("--everyone", help="Who can get the group.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what would come of asking, and why; it changes nothing."""
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app import explaining

    duration, instant = _length(length), _instant(at)
    with opened_store() as database:
        if everyone and group:
            found = asyncio.run(explaining.everyone_who_can(database, group))
            _tell_everyone(found, as_json)
        elif who and not group:
            _tell_groups(asyncio.run(explaining.all_they_can(database, who)), as_json)
        elif who and group:
            explaining_it = explaining.explain_one(
                database,
                who=who,
                group=group,
                grantee=grantee,
                duration=duration,
                at=instant,
                justification=justification,
            )
            _tell(asyncio.run(explaining_it), as_json)
        else:
            raise SettingError(
                "explain needs to know what about.",
                "Write --as USER, --as USER --group GROUP, or --everyone --group G.",
            )


def as_lines(came: Explanation) -> list[str]:
    """Return an explanation for people, a line each."""
    asked = came.asked
    length = f" for {say_duration(came.duration)}" if came.duration else ""
    whom = "" if asked.grantee == asked.requester else f", for {_named(asked.grantee)}"
    lines = [f"{_named(asked.requester)} asks for {asked.group.name}{length}{whom}."]
    lines += [line for verdict in came.verdicts for line in _of_flow(verdict)]
    if came.automatic:
        lines.append("  It is given at once: a rule of the flow approves it.")
    for number, step in enumerate(came.steps, 1):
        lines += _of_step(number, step)
    if came.refused is not None:
        lines.append(f"Refused: {came.refused.reason}")
    return lines


def as_data(came: Explanation) -> dict[str, Any]:
    """Return an explanation for programs."""
    return {
        "requester": came.asked.requester.login,
        "grantee": came.asked.grantee.login,
        "group": {"id": came.asked.group.id, "name": came.asked.group.name},
        "at": came.at.isoformat(),
        "duration": write_duration(came.duration) if came.duration else None,
        "flow": came.flow,
        "flows": [
            {
                "name": each.flow,
                "matches": each.covers,
                "because": [
                    {"condition": sentence, "holds": truth}
                    for sentence, truth in each.fails
                ],
            }
            for each in came.verdicts
        ],
        "automatic": came.automatic,
        "steps": [
            {
                "rule": as_written(step.rule),
                "people": [person.login for person in step.people],
                "passed": list(step.passed),
                "refused": step.refused or None,
            }
            for step in came.steps
        ],
        "refused": came.refused.reason if came.refused else None,
    }


def _tell(came: Explanation | Refused, as_json: bool) -> None:
    if isinstance(came, Refused):
        said = json.dumps({"refused": came.reason}) if as_json else came.reason
        typer.echo(said)
        raise typer.Exit(WRONG)
    if as_json:
        typer.echo(json.dumps(as_data(came), indent=2))
    else:
        for line in as_lines(came):
            typer.echo(harmless(line))
    if came.refused is not None:
        raise typer.Exit(WRONG)


def _of_flow(verdict: Verdict) -> list[str]:
    return [f"  flow “{verdict.flow}” {COVERS[verdict.covers]}"] + [
        f"    {'not so' if truth is False else 'cannot be told'}: {sentence}"
        for sentence, truth in verdict.fails
    ]


def _of_step(number: int, step: AskedStep) -> list[str]:
    rule = f"  step {number}: {say_step(step.rule)}"
    if step.refused:
        return [rule, f"    {step.refused}"]
    passed = [f"    passed: {each}" for each in step.passed]
    asks = f"    asks {', '.join(map(_named, step.people))}"
    return [rule, *passed, asks, *map(_later, step.rule.escalate)]


def _later(tier: Tier) -> str:
    whom = " and ".join(map(say_answering, tier.to))
    return f"    after {say_duration(tier.after)} without an answer also {whom}"


def _tell_everyone(found: list[Any], as_json: bool) -> None:
    if as_json:
        rows = [
            {"integration": name, "group": group.name, "login": p.login, "flow": flow}
            for name, group, people in found
            for p, flow in people
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    if not found:
        typer.echo("No group known is called so. If it is new: access-bot sync.")
        raise typer.Exit(WRONG)
    for name, group, people in found:
        typer.echo(f"{harmless(group.name)} in {name}: {len(people)} of those known")
        for person, flow in people:
            typer.echo(f"  {harmless(_named(person))} by “{harmless(flow)}”")


def _tell_groups(found: list[Any], as_json: bool) -> None:
    if as_json:
        rows = [
            {"integration": name, "group": group.name, "flow": flow}
            for name, groups in found
            for group, flow in groups
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    if not found:
        typer.echo("Okta knows nobody by this login.")
        raise typer.Exit(WRONG)
    for name, groups in found:
        typer.echo(f"{name}: {len(groups)} of the groups known")
        for group, flow in groups:
            typer.echo(f"  {harmless(group.name)} by “{harmless(flow)}”")


def _named(person: Person) -> str:
    return f"{person.name} ({person.login})"


def _length(text: str | None) -> timedelta | None:
    try:
        return parse_duration(text) if text else None
    except ValueError as error:
        raise SettingError(str(error), "Write --for 4h or --for 1h30m.") from None


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        remedy = "Write --at 2026-03-29T02:30+01:00."
        raise SettingError("This is not a time.", remedy) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
