"""Requests and grants to list, written as the bot writes them."""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from bot.core.words import Cause, GrantStatus, RequestStatus
from bot.store.moves import move
from bot.store.tables import OktaGroup, OktaPerson
from tests.cli.conftest import Shell
from tests.store import rows

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def seed(shell: Shell) -> None:
    """Ann holds prod-db-read, held prod-logs, and asks for prod-root."""
    database = shell.rows()
    database.transact(_people_and_groups)
    database.transact(_held)
    database.transact(_was_held)
    database.transact(_asked)
    database.close()


def _people_and_groups(session: Session) -> None:
    for id_, login in (("00u-ann", "ann@example.com"), ("00u-bob", "bob@example.com")):
        person = OktaPerson(
            integration="corp",
            id=id_,
            login=login,
            email=f"{id_}@mail.example",
            name=login.partition("@")[0].title(),
            status="ACTIVE",
            read_at=NOW,
        )
        session.add(person)
    for id_, name in (("00g-r-held", "prod-db-read"), ("00g-r-was", "prod-[red]logs")):
        session.add(
            OktaGroup(
                integration="corp", id=id_, name=name, type="OKTA_GROUP", read_at=NOW
            )
        )


def _held(session: Session) -> None:
    grant = rows.grant(session, "held", expires_at=NOW + 3 * HOUR)
    move(session, grant, GrantStatus.ACTIVE, by="bot", now=NOW, active_at=NOW)


def _was_held(session: Session) -> None:
    grant = rows.grant(session, "was", expires_at=NOW - HOUR)
    now, cause = NOW, Cause.GIVEN_BACK
    move(session, grant, GrantStatus.REVOKING, by="bot", now=now, cause=cause)
    move(
        session,
        grant,
        GrantStatus.REVOKED,
        by="bot",
        now=now,
        cause=cause,
        ended_at=datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
        ended_by="okta:00u-ann",
    )


def _asked(session: Session) -> None:
    rows.ask(
        session,
        "asked",
        group_id="00g-root",
        asked_at=NOW,
        lapse_at=NOW + 24 * HOUR,
        justification="OPS-12 \x1b[31mred\x1b[0m [bold]",
    )
    denied = rows.ask(session, "denied", group_id="00g-r-held", asked_at=NOW - HOUR)
    move(
        session,
        denied,
        RequestStatus.DENIED,
        by="okta:00u-bob",
        now=NOW,
        decided_at=datetime(2026, 1, 5, 10, 0, tzinfo=UTC),
        decided_by="00u-bob",
        reason="Ask for the replica",
    )
