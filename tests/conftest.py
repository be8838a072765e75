"""What every test may ask for."""

from collections.abc import Iterator

import pytest

from bot.sandbox import Sandbox


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
