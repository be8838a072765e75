"""What every test may ask for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.database import Database, open_database
from bot.store.migrations import migrate


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


@pytest.fixture
def database(tmp_path: Path, migrated_file: Path, chain: Chain) -> Iterator[Database]:
    """A database of this version with no rows, the test's own, closed after it."""
    path = shutil.copy(migrated_file, tmp_path / "access-bot.db")
    opened = open_database(f"sqlite:///{path}", chain=chain)
    yield opened
    opened.close()
