"""grants and requests: what is held, what was asked for, filtered."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table
from sqlalchemy import func
from sqlmodel import Session, or_, select

from bot.cli import pictures
from bot.cli.pictures import Names
from bot.cli.setting import console, opened_store
from bot.core.catalogue.problems import harmless
from bot.core.words import LIVE, GrantStatus, RequestStatus, SettingError
from bot.settings import Clock
from bot.store import evidence, queries
from bot.store.database import Database
from bot.store.tables import AccessGrant, AccessRequest, OktaPerson
from bot.workflow.upkeep.strays import endings

MOST = 1_000_000

Row = TypeVar("Row", AccessGrant, AccessRequest)
Filters = dict[str, Any]

PersonOption = Annotated[
    str | None, typer.Option(help="Only of this person: login, e-mail or Okta id.")
]
IntegrationOption = Annotated[str | None, typer.Option(help="Only of this one.")]
AllOption = Annotated[bool, typer.Option("--all", help="Also what is over.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def grants(
    status: Annotated[
        list[GrantStatus] | None, typer.Option(help="Only with this status.")
    ] = None,
    person: PersonOption = None,
    integration: IntegrationOption = None,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List what is held: what lives, unless told otherwise."""
    statuses = status or ([] if everything else sorted(LIVE))
    filters = {"statuses": statuses, "integration": integration}
    with opened_store() as database:
        _check(database, integration)
        rows, names = database.look(_found, queries.grants, person, filters)
        strays = database.look(_strays)
        altered = database.look(_altered, rows)
    if as_json:
        told = [pictures.grant_data(row, names) for row in rows]
        _print_json([each | {"altered": each["id"] in altered} for each in told])
        return
    _print_table(pictures.grants_table(rows, names, Clock()()), "grants")
    if altered:
        said = f"Not as the audit tells it: {', '.join(altered)}."
        typer.echo(f"{said} Run: access-bot audit verify", err=True)
    if strays:
        said = (
            f"Without a grant, and with an end that recover gave: {', '.join(strays)}"
        )
        typer.echo(harmless(said), err=True)


def requests(
    status: Annotated[
        list[RequestStatus] | None, typer.Option(help="Only with this status.")
    ] = None,
    person: PersonOption = None,
    integration: IntegrationOption = None,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List what was asked for: what waits for an answer, unless told otherwise."""
    statuses = status or ([] if everything else [RequestStatus.PENDING])
    filters = {"statuses": statuses, "integration": integration}
    with opened_store() as database:
        _check(database, integration)
        rows, names = database.look(_found, queries.requests, person, filters)
    if as_json:
        _print_json([pictures.request_data(row, names) for row in rows])
    else:
        _print_table(pictures.requests_table(rows, names, Clock()()), "requests")


def _check(database: Database, integration: str | None) -> None:
    """Raise SettingError for an integration that nothing here is or was of."""
    if integration is None:
        return
    known = database.look(queries.integrations)
    if integration not in known:
        raise SettingError(
            f"No integration is called {harmless(integration)}.",
            f"Known here: {', '.join(known) or 'none yet, as nothing has run'}.",
        )


def _altered(session: Session, rows: Sequence[AccessGrant]) -> list[str]:
    """Return what lives and is not as the chain left it: a hand wrote it.

    Of what is over the events may be pruned.
    """
    live = [row for row in rows if row.status in LIVE]
    return [row.id for row in live if not evidence.is_as_told(session, row)]


def _strays(session: Session) -> list[str]:
    """Return in words which memberships end without a grant that stands for them."""
    found = []
    for integration in session.exec(select(OktaPerson.integration).distinct()):
        for each in endings(session, integration):
            pair = each.stray.person_id, each.stray.group_id
            who, what = queries.names(session, integration, *pair)
            found.append(f"{who} in {what} until {each.until:%F %R} UTC")
    return found


def _found(
    session: Session,
    query: Callable[..., list[Row]],
    person: str | None,
    filters: Filters,
) -> tuple[list[Row], Names]:
    """Return the rows that fit, with the names of whom and what they are about."""
    if person is None:
        rows = query(session, **filters, most=MOST)
    else:
        rows = [
            row
            for person_id in _ids_of(session, person)
            for row in query(session, **filters, person_id=person_id, most=MOST)
        ]
    return rows, Names.of(session, rows)


def _ids_of(session: Session, person: str) -> Sequence[str]:
    """Return the Okta ids that `person` names; a forgotten one has only the id."""
    person = person.removeprefix("@")
    folded = person.casefold()
    fits = or_(
        func.lower(OktaPerson.login) == folded,
        func.lower(OktaPerson.email) == folded,
        OktaPerson.id == person,
    )
    known = session.exec(select(OktaPerson.id).where(fits).distinct()).all()
    asked = select(AccessRequest.id).where(
        or_(AccessRequest.requester_id == person, AccessRequest.grantee_id == person)
    )
    if not known and session.exec(asked.limit(1)).first() is None:
        raise SettingError(
            f"Nobody called {harmless(person)} is known here.",
            "Give a login, an e-mail or an Okta id; of the forgotten only the id is.",
        )
    return known or [person]


def _print_json(rows: list[dict[str, Any]]) -> None:
    typer.echo(json.dumps(rows, indent=2))


def _print_table(table: Table, noun: str) -> None:
    if table.row_count:
        console().print(table)
    else:
        typer.echo(f"No {noun} fit; --all lists those that are over too.")
