"""A hand in the database: it goes by no rule of ours, and has no key."""

from sqlalchemy import NullPool, create_engine, text

from bot.store.database import Database

UNCHECKED = "set session_replication_role = replica"
"""Lets PostgreSQL mind neither keys nor triggers; SQLite never minds keys unasked."""


def by_hand(database: Database, *statements: str, **values: object) -> None:
    """Change the database as someone would who can write all of it."""
    engine = create_engine(database.engine.url, poolclass=NullPool)
    with engine.begin() as connection:
        if database.is_shared:
            connection.exec_driver_sql(UNCHECKED)
        for statement in statements:
            connection.execute(text(statement), values)


def let_leases_run_out(database: Database) -> None:
    """Let a day pass on the clock that leases are counted by, whichever it is."""
    for table in ("access_request", "access_grant", "notice"):
        by_hand(
            database,
            f"update {table} set lease_until = '2001-01-01 00:00:00.000000' "  # noqa: S608
            "where lease_until is not null",
        )
