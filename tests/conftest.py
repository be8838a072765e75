"""What every test may ask for."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate
from tests import postgres, warm
from tests.postgres import Cluster

sqlite_alone = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For a test of what only SQLite has, in a room whose tests run on both."""

postgres_alone = pytest.mark.parametrize("engine", ["postgres"], indirect=True)
"""The same of PostgreSQL, or for the few tests of another room that run on it."""


warm.share()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the bot does."""
    return "asyncio"


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox: Sandbox) -> Sandbox:
    """An empty Okta org and an empty Slack workspace, really served."""
    _sandbox.reset()
    return _sandbox


@pytest.fixture(scope="session")
def chain() -> Chain:
    """The key of every test's audit."""
    return Chain(b"the audit key of the tests")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory, chain: Chain) -> Path:
    """An empty database of this version, to copy and never to write."""
    path = tmp_path_factory.mktemp("migrated") / "access-bot.db"
    migrate(f"sqlite:///{path}", chain)
    return path


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of the tests' own, where its programs are."""
    with postgres.cluster() as cluster:
        yield cluster


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on. A room whose tests run on both says so."""
    chosen: str = getattr(request, "param", "sqlite")
    return chosen


@pytest.fixture(params=["sqlite", "postgres"])
def both_engines(request: pytest.FixtureRequest) -> str:
    """Each database in turn: a room takes this as its `engine`."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a database of this version is, with no rows: the test's own."""
    if engine == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        migrated: Path = request.getfixturevalue("migrated_file")
        yield f"sqlite:///{shutil.copy(migrated, folder / 'access-bot.db')}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.migrated(request.getfixturevalue("chain")) as url:
        yield url


@pytest.fixture(scope="session")
def _lasting() -> Iterator[dict[str, Database]]:
    opened: dict[str, Database] = {}
    yield opened
    for each in opened.values():
        each.close()


@pytest.fixture(scope="session")
def _lasting_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lasting") / "access-bot.db"
    path.touch(mode=0o600)
    return path


@pytest.fixture(scope="session")
def _lasting_url(cluster: Cluster, chain: Chain) -> Iterator[str]:
    with cluster.migrated(chain) as url:
        yield url


@pytest.fixture
def lasting_database(
    engine: str,
    request: pytest.FixtureRequest,
    chain: Chain,
    _lasting: dict[str, Database],
) -> Iterator[Database]:
    """A database without rows that was opened once for all tests of a room.

    What SQLAlchemy worked out for it stays: a third of the time of a short test.
    """
    if engine == "sqlite":
        path: Path = request.getfixturevalue("_lasting_file")
        _copy_into(request.getfixturevalue("migrated_file"), path)
        url = f"sqlite:///{path}"
    else:
        url = request.getfixturevalue("_lasting_url")
    if engine not in _lasting:
        _lasting[engine] = open_database(url, chain=chain)
    yield _lasting[engine]
    if engine == "postgres":
        postgres.empty(url)


def _copy_into(source: Path, path: Path) -> None:
    """Make the open file `path` what `source` is; its connections go on."""
    with (
        closing(sqlite3.connect(source)) as whole,
        closing(sqlite3.connect(path)) as file,
    ):
        whole.backup(file)


@pytest.fixture
def database(database_url: str, chain: Chain) -> Iterator[Database]:
    """The test's own database, open, and closed after it."""
    opened = open_database(database_url, chain=chain)
    yield opened
    opened.close()
