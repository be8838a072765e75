"""revoke, freeze, unfreeze, people relink and erase: what an operator may change.

Each only records what is to be done, beside a bot that may be running; the bot
does it within seconds, or minutes for what `recover` gave an end. No command
approves anything.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from sqlmodel import Session, select

from bot.cli.failures import WRONG
from bot.cli.setting import is_running, me, now_of, opened_store
from bot.core.catalogue.problems import harmless
from bot.core.words import SettingError
from bot.store import audit, directory
from bot.store.database import Database
from bot.store.tables import OktaPerson, PersonLink
from bot.workflow.freezing import Frozen
from bot.workflow.freezing import freeze as set_freeze
from bot.workflow.revoking import being_removed, being_taken_back
from bot.workflow.revoking import revoke as end_all
from bot.workflow.upkeep import erase as erase_person

ALL = "all"

people_app = typer.Typer(
    name="people", help="Slack accounts as Okta people.", no_args_is_help=True
)


@people_app.callback()
def people() -> None:
    """Slack accounts as Okta people."""


PersonArgument = Annotated[str, typer.Argument(help="Who: login, e-mail or Okta id.")]
WhatArgument = Annotated[
    str, typer.Argument(help="A group, by name or id; @LOGIN, a person; or all.")
]


def revoke(
    person: PersonArgument,
    group: Annotated[str, typer.Argument(help="The group, by name or id; or all.")],
) -> None:
    """End what somebody holds of a group, or of all, and deny what they wait for."""
    with opened_store() as database:
        pairs = list(_pairs(database, person, group))
        count = sum(
            database.transact(end_all, *pair, by=me(), now=now_of(database))
            for pair in pairs
        )
        leaving = sum(database.look(being_removed, *pair) for pair in pairs)
        slow = sum(database.look(being_taken_back, *pair) for pair in pairs)
        runs = is_running(database)
    if not count and not leaving:
        typer.echo("They hold and await nothing of that.")
        raise typer.Exit(WRONG)
    said = f"{count} ended or denied" if count else f"{leaving} being removed already"
    if not runs:
        typer.echo(f"{said}, but no bot is running: start it, or remove them in Okta.")
        raise typer.Exit(WRONG)
    typer.echo(f"{said}; the bot removes it within seconds, while Okta answers.")
    if slow:
        typer.echo(f"Within minutes for {slow} of them, which recover gave an end.")
    typer.echo("What is left to remove: access-bot grants --status revoking")


def freeze(what: WhatArgument) -> None:
    """Stop asking, approving and extending; ends go on, holders keep what they have."""
    _freeze(what, on=True)


def unfreeze(what: WhatArgument) -> None:
    """Let people ask again."""
    _freeze(what, on=False)


@people_app.command()
def relink(person: PersonArgument) -> None:
    """Forget which Slack account somebody is; it is looked for anew when they come."""
    with opened_store() as database:
        count = sum(
            database.transact(_unlink, name, person_id, now_of(database))
            for name, person_id in _people(database, person)
        )
    if not count:
        typer.echo("They are linked to no Slack account.")
        raise typer.Exit(WRONG)
    typer.echo(f"{harmless(person)} is linked anew the next time they come.")


@people_app.command()
def erase(person: PersonArgument) -> None:
    """Erase names and free text of somebody; the audit keeps ids and verifies."""
    with opened_store() as database:
        erased = [
            database.transact(
                erase_person, name, person_id, by=me(), now=now_of(database)
            )
            for name, person_id in _people(database, person)
        ]
    if not all(erased):
        typer.echo("They hold or await something: revoke that first.")
        raise typer.Exit(WRONG)
    typer.echo("Erased: only their Okta id is left, in the audit.")
    typer.echo("If they approve, access-bot sync lets the bot know them again.")


def _freeze(what: str, *, on: bool) -> None:
    with opened_store() as database:
        changed = [
            database.transact(
                set_freeze, name, kind, id_, by=me(), now=now_of(database), on=on
            )
            for name, kind, id_ in _frozen(database, what)
        ]
    word = "frozen" if on else "unfrozen"
    typer.echo(f"{harmless(what)} is {word}{'' if any(changed) else ' already'}.")


def _frozen(database: Database, what: str) -> Iterator[tuple[str, Frozen, str]]:
    if what == ALL:
        for name in _integrations(database):
            yield name, Frozen.EVERYTHING, ""
    elif what.startswith("@"):
        for name, person_id in _people(database, what[1:]):
            yield name, Frozen.PERSON, person_id
    else:
        for name, ids in _groups(database, what).items():
            for group_id in ids:
                yield name, Frozen.GROUP, group_id


def _integrations(database: Database) -> list[str]:
    # Not at the top: the parts of the whole bot take seconds to import.
    from bot.app.parts import policy_in_force

    catalogue = database.look(policy_in_force)
    return [integration.name for integration in catalogue.integrations]


def _people(database: Database, named: str) -> list[tuple[str, str]]:
    """Return the person in each integration that knows them; SettingError if none."""
    named = named.removeprefix("@")
    found = [
        (row.integration, row.id)
        for row in database.look(lambda session: session.exec(select(OktaPerson)).all())
        if named == row.id
        or named.casefold() in (row.login.casefold(), row.email.casefold())
    ]
    if not found:
        raise SettingError(
            f"Nobody called {harmless(named)} is known here: they hold nothing of us.",
            "Check the login, e-mail or Okta id. Who was never met is stopped by "
            "`access-bot freeze all`, or in Okta.",
        )
    return found


def _pairs(
    database: Database, person: str, group: str
) -> Iterator[tuple[str, str, str | None]]:
    """Give each integration with a person and a group, None for all of them."""
    named = {} if group == ALL else _groups(database, group)
    for name, person_id in _people(database, person):
        for group_id in [None] if group == ALL else named.get(name, []):
            yield name, person_id, group_id


def _groups(database: Database, named: str) -> dict[str, list[str]]:
    """Return the groups so called of each integration; SettingError if none."""
    names = _integrations(database)
    found = {name: _called(database, name, named) for name in names}
    if not any(found.values()):
        raise SettingError(
            f"No group known is called {harmless(named)}.",
            "If it is new: access-bot sync. A person is written as @LOGIN.",
        )
    return found


def _called(database: Database, integration: str, named: str) -> list[str]:
    called = database.look(directory.groups_called, integration, named)
    return [group.id for group in called]


def _unlink(session: Session, integration: str, person_id: str, now: datetime) -> int:
    links = session.exec(
        select(PersonLink).where(
            PersonLink.integration == integration, PersonLink.person_id == person_id
        )
    ).all()
    for link in links:
        session.delete(link)
        audit.record(
            session,
            "person unlinked",
            by=me(),
            now=now,
            data={"team": link.team_id, "slack": link.slack_id},
            integration=integration,
            person_id=person_id,
        )
    return len(links)
