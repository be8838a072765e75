"""PostgreSQL: one writer at a time among many processes, all of them told."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import anyio
import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, text

from bot.core.words import SettingError
from bot.settings import Clock
from bot.store import claims, directory, postgres
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import Migrated, migrate
from bot.store.tables import Notice, Upkeep
from tests.conftest import postgres_alone
from tests.postgres import Cluster
from tests.store.rows import HOUR, NOW, notice
from tests.store.test_group_index import beginning, group, holding
from tests.store.test_migrations import NEWEST

INDEXES = """
select indexname, indexdef from pg_indexes where schemaname = 'public'
and indexname not like 'group_name' and indexname not like 'group_description'
and indexname not in ('groups_by_folded_beginning', 'alembic_version_pkc')
"""


@contextmanager
def listener(url: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """Listen as the bot does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("listen access_bot_due")
        yield connection


def told(connection: psycopg.Connection[tuple[str, ...]]) -> int:
    """Return how often it was told that something is due, up to now."""
    connection.execute("notify access_bot_due, 'that is all'")
    count = 0
    for notification in connection.notifies():
        if notification.payload:
            break
        count += 1
    return count


def claim(session: Session) -> list[Notice]:
    return claims.claim(session, Notice, owner="one", now=NOW, lease=HOUR, most=9)


@postgres_alone
def test_a_machine_goes_by_the_clock_of_the_database(database: Database) -> None:
    ahead = Clock(wall=lambda: NOW.timestamp() + 10**9)
    behind = Clock(wall=lambda: 0.0)
    begun = database.look(claims.lease_clock, NOW)
    database.look(claims.set_clock, behind)
    assert begun <= behind() <= database.look(claims.lease_clock, NOW)
    database.look(claims.set_clock, ahead)
    assert ahead() > begun + timedelta(days=9), "no clock ever goes back"


@postgres_alone
def test_who_makes_a_row_due_tells_it_as_it_commits(
    database: Database, database_url: str
) -> None:
    def fail(session: Session) -> None:
        notice(session, "never")
        raise LookupError

    with listener(database_url) as connection:
        database.transact(notice)
        assert told(connection) == 1
        with pytest.raises(LookupError):
            database.transact(fail)
        assert told(connection) == 0


@postgres_alone
def test_who_claims_or_finds_nothing_tells_nobody(
    database: Database, database_url: str
) -> None:
    database.transact(notice)
    with listener(database_url) as connection:
        [row] = database.transact(claim)
        assert database.transact(claim) == []
        database.transact(claims.renew, row, now=NOW, lease=HOUR)
        assert told(connection) == 0
        database.transact(claims.let_go, row)
        assert told(connection) == 1


@postgres_alone
@pytest.mark.anyio
async def test_a_lost_connection_is_made_again_and_rings(database: Database) -> None:
    rings = anyio.Event()

    def ring() -> None:
        rings.set()

    async with anyio.create_task_group() as group:
        group.start_soon(database.hear, ring, 0 * HOUR)
        await rings.wait()
        rings = anyio.Event()
        await database.run(_end_listeners)
        await rings.wait()
        rings = anyio.Event()
        await database.run(notice)
        await rings.wait()
        group.cancel_scope.cancel()


def _end_listeners(session: Session) -> None:
    session.execute(
        text(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where query like 'listen%' and datname = current_database()"
        )
    )


@postgres_alone
def test_write_transactions_follow_one_another(database: Database) -> None:
    begun, resumed = threading.Event(), threading.Event()
    order: list[str] = []

    def first(session: Session) -> None:
        notice(session, "first")
        begun.set()
        resumed.wait()
        order.append("first")

    def second(session: Session) -> None:
        notice(session, "second")
        order.append("second")

    def is_waiting(session: Session) -> bool:
        queue = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        return bool(session.execute(text(queue)).all())

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(database.transact, first)
        begun.wait()
        two = threads.submit(database.transact, second)
        while not (database.look(is_waiting) or two.done()):
            pass
        resumed.set()
        one.result()
        two.result()
    assert order == ["first", "second"]


@postgres_alone
def test_a_writer_that_stops_loses_its_turn_and_writes_nothing(
    database: Database,
) -> None:
    begun, resumed = threading.Event(), threading.Event()

    def stop_half_way(session: Session) -> None:
        session.execute(text("set local idle_in_transaction_session_timeout = '50ms'"))
        session.add(Upkeep(name="half", at=NOW))
        session.flush()
        begun.set()
        resumed.wait()

    with ThreadPoolExecutor(1) as threads:
        stopped = threads.submit(database.transact, stop_half_way)
        begun.wait()
        database.transact(notice)
        resumed.set()
        with pytest.raises(DBAPIError):
            stopped.result()
    assert database.look(directory.remembered, "half") is None


@postgres_alone
def test_text_with_a_nul_is_kept_without_it(database: Database) -> None:
    database.transact(notice, "k", kind="a\0b")
    assert database.look(lambda s: s.get_one(Notice, 1).kind) == "a\ufffdb"


@postgres_alone
def test_the_migrations_make_exactly_the_indexes_on_postgresql(
    database: Database, cluster: Cluster
) -> None:
    plain = open_database(cluster.empty())
    SQLModel.metadata.create_all(plain.engine)

    def indexes(session: Session) -> set[tuple[str, ...]]:
        return {tuple(row) for row in session.execute(text(INDEXES))}

    assert database.look(indexes) == plain.look(indexes)
    plain.close()


def test_two_migrators_follow_one_another(cluster: Cluster, chain: Chain) -> None:
    url = cluster.empty()
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(migrate, [url, url], [chain, chain]))
    assert sorted(done, key=lambda each: each.before or "") == [
        Migrated(None, NEWEST, None),
        Migrated(NEWEST, NEWEST, None),
    ]


@pytest.fixture
def poor_url(cluster: Cluster) -> Iterator[str]:
    """A database whose user may make tables in it, and no extension."""
    url = make_url(cluster.empty())
    owner = open_database(url.render_as_string(hide_password=False))

    def let_in(session: Session) -> None:
        session.execute(text("create role poor login password 'poor'"))
        session.execute(text("grant all on schema public to poor"))

    owner.transact(let_in)
    yield url.set(username="poor", password="poor").render_as_string(False)
    owner.transact(lambda session: session.execute(text("drop owned by poor")))
    owner.transact(lambda session: session.execute(text("drop role poor")))
    owner.close()


def test_without_trigrams_text_is_found_all_the_same(
    poor_url: str, chain: Chain
) -> None:
    migrate(poor_url, chain)
    database = open_database(poor_url, chain=chain)
    database.transact(
        directory.remember_groups, "corp", [group("Prod-DB"), group("dev-prod")], NOW
    )
    assert holding(database, ["PROD"]) == {"Prod-DB", "dev-prod"}
    assert beginning(database, "prod") == ["Prod-DB"]
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:s3cret@127.0.0.1:1/access",
        "postgres://bot:s3cret@127.0.0.1:1/access",
        "postgresql://bot:s3cret@127.0.0.1:1/access?sslmode=s3cret",
        "postgresql://bot:s3cret@127.0.0.1:1/access?s3cret=1",
    ],
)
def test_a_server_that_is_not_there_is_told_without_the_secret(url: str) -> None:
    with pytest.raises(SettingError) as refused:
        open_database(url)
    assert "The database access on 127.0.0.1 cannot be opened." in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_settings_of_the_url_are_kept_beside_ours(cluster: Cluster) -> None:
    url = make_url(cluster.empty()).update_query_dict({"options": "-c work_mem=5MB"})
    database = open_database(url.render_as_string(hide_password=False))

    def settings(session: Session) -> list[str]:
        names = ("work_mem", "idle_in_transaction_session_timeout")
        return [session.execute(text(f"show {name}")).scalar_one() for name in names]

    assert database.transact(settings) == ["5MB", f"{postgres.IDLE_MS // 1000}s"]
    assert database.look(settings) == ["5MB", "1min"], "who only reads may think"
    database.close()


@postgres_alone
@pytest.mark.parametrize("engine_of", ["engine", "reading_engine"])
def test_a_statement_to_a_server_that_is_gone_is_given_up_in_seconds(
    database: Database, engine_of: str
) -> None:
    with getattr(database, engine_of).connect() as connection:
        settings = connection.connection.driver_connection.info.get_parameters()
    assert settings["tcp_user_timeout"] == "10000"
