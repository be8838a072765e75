"""A world for each flow: its own org, workspace and database."""

import shutil
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.migrations import migrate
from tests.flows.world import AUDIT_KEY, World


@pytest.fixture(scope="session")
def flow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of this version, keyed for the flows."""
    path = tmp_path_factory.mktemp("flows") / "access-bot.db"
    migrate(f"sqlite:///{path}", Chain(AUDIT_KEY.encode()))
    return path


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path, flow_database: Path) -> World:
    """Rita asks, Olga and Otto own, Ivan and Ada stand behind them."""
    shutil.copy(flow_database, tmp_path / "access-bot.db")
    return World(sandbox=sandbox, folder=tmp_path)


@pytest.fixture(params=["socket", "http"])
def either_way(request: pytest.FixtureRequest, world: World) -> World:
    """The same world, reached over Socket Mode and over signed HTTP."""
    world.socket = request.param == "socket"
    return world
