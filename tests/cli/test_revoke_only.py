"""With grants alive, a start that cannot give still takes away."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.core.words import Cause
from bot.sandbox import Sandbox
from bot.store.audit import Chain
from bot.store.migrations import migrate
from tests.flows.world import AUDIT_KEY, DATABASE, GROUP, WHY, World, login

DEAD_TOKEN = "xoxb-0-a-token-that-was-revoked"
WRONG_POLICY = "version: 1\nintegrations: []\n"


@pytest.fixture
def holding(sandbox: Sandbox, tmp_path: Path) -> World:
    """Rita holds the group for some seconds more; the bot is stopped."""
    return held(sandbox, tmp_path, "5s")


def held(sandbox: Sandbox, tmp_path: Path, length: str) -> World:
    migrate(f"sqlite:///{tmp_path / DATABASE}", Chain(AUDIT_KEY.encode()))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world = World(
        sandbox=sandbox, folder=tmp_path, port=port, policy={"duration": length}
    )
    with world.bot():
        world.press("olga", "approve", world.asked(f"{GROUP} {length} {WHY}"))
        world.told("rita", "You have")
    assert world.okta.is_member(GROUP, login("rita"))
    return world


@contextmanager
def running(world: World, **changes: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python -m bot run` until the block ends; it must stop by itself then."""
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {**world.environment(), "PORT": str(world.port), **changes}
    with log_of(world).open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            env=own | {"PYTHONPATH": ":".join(sys.path)} | settings,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def log_of(world: World) -> Path:
    return world.folder / "run.log"


def readiness(world: World) -> httpx.Response | None:
    try:
        return httpx.get(world.address("/readyz"), trust_env=False)
    except httpx.TransportError:
        return None


def is_told_why(world: World) -> None:
    """Slack is there, so who asks is told that nothing can be asked now."""
    world.slack.wait_for_connection()
    assert "set up wrongly" in world.ask("rita")


def nobody_is_listened_to(world: World) -> None:
    assert not world.slack.connected


def ends_and_gives_nothing(
    world: World, problem: str, meanwhile: Callable[[World], None], **changes: str
) -> str:
    """See Rita's access end under a bot that may only end; return its log."""
    with running(world, **changes) as process:
        answer: Any = world.slack.wait_for(lambda: readiness(world), 60)
        world.slack.wait_for(lambda: world.grants() == ["revoked"], 30)
        assert not world.okta.is_member(GROUP, login("rita"))
        assert answer.status_code == 503
        said = answer.json()["problems"]["start"]
        assert problem in said
        assert "I run revoke-only" in said
        meanwhile(world)
    assert process.returncode == 0
    return log_of(world).read_text()


def test_a_wrong_policy_ends_what_lives_and_gives_nothing(holding: World) -> None:
    path = holding.folder / "wrong.yaml"
    path.write_text(WRONG_POLICY)
    log = ends_and_gives_nothing(
        holding,
        "wrong.yaml:2:15 integrations",
        is_told_why,
        ACCESS_CONFIG=str(path),
    )
    assert "revoke-only" in log
    assert "Traceback" not in log


def test_who_left_the_company_loses_it_at_once(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    world = held(sandbox, tmp_path, "1h")
    world.okta.set_user(login("rita"), status="SUSPENDED")
    path = world.folder / "wrong.yaml"
    path.write_text(WRONG_POLICY)
    with running(world, ACCESS_CONFIG=str(path)):
        world.slack.wait_for(lambda: world.grants() == ["revoked"], 30)
    assert world.all_of_grants()[0].cause is Cause.PERSON_LEFT
    assert not world.okta.is_member(GROUP, login("rita"))


def test_a_dead_token_ends_what_lives_and_then_does_not_start(
    holding: World,
) -> None:
    log = ends_and_gives_nothing(
        holding,
        "Slack does not take SLACK_BOT_TOKEN",
        nobody_is_listened_to,
        SLACK_BOT_TOKEN=DEAD_TOKEN,
    )
    assert DEAD_TOKEN not in log
    assert "Traceback" not in log

    with running(holding, SLACK_BOT_TOKEN=DEAD_TOKEN) as process:
        process.wait(20)
    assert process.returncode == 2, "with nothing alive it does not start"


@pytest.mark.parametrize(
    ("problem", "changes"),
    [
        ("cannot be read", {"SLACK_BOT_TOKEN": "file:/nowhere/token"}),
        ("SLACK_BOT_TOKEN is not set", {"SLACK_BOT_TOKEN": ""}),
        ("SLACK_SIGNING_SECRET is not set", {"SLACK_APP_TOKEN": ""}),
    ],
)
def test_a_slack_secret_that_is_not_there_ends_what_lives(
    holding: World, problem: str, changes: dict[str, str]
) -> None:
    log = ends_and_gives_nothing(holding, problem, nobody_is_listened_to, **changes)
    assert "Traceback" not in log
