"""manifest.yml asks Slack for what the code uses, and for nothing more."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.conformance.reference import problems, reference, require_none
from tests.conformance.slack_usage import Usage, methods, read_usage

ROOT = Path(__file__).parents[2]
BOT = ROOT / "bot"
LISTENERS = [BOT / "slack" / "listeners.py", BOT / "slack" / "listeners"]
# What Slack asks for an event; one that is missing here has to be looked up first.
EVENT_SCOPES = {"app_home_opened": None, "user_change": "users:read"}
CONNECTION = {"apps.connections.open"}  # with the app-level token, which has no scopes


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    text = (ROOT / "manifest.yml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture(scope="module")
def usage() -> Usage:
    if not any(path.exists() for path in [*LISTENERS, BOT / "app.py"]):
        pytest.skip("neither bot/slack/listeners nor bot/app.py is written yet")
    slack = {*(BOT / "slack").rglob("*.py")}
    sandbox = {*(BOT / "sandbox").rglob("*.py")}
    found = read_usage(slack, {*BOT.rglob("*.py")} - slack - sandbox)
    assert found.commands, "bot/slack listens to no command"
    assert found.events, "bot/slack listens to no event"
    return found


def scopes_by_method() -> dict[str, set[str]]:
    """Any one of a method's scopes opens it; none needed is an empty set."""
    described = reference("slack-methods.json")["methods"]
    return {
        name: set((about["scope"] or {}).get("bot", []))
        for name, about in described.items()
        if name not in CONNECTION
    }


def test_slack_would_take_the_manifest(manifest: dict[str, Any]) -> None:
    schema = reference("slack-manifest.schema.json")
    require_none(problems(Draft7Validator(schema), manifest), "manifest.yml")


def test_it_is_for_socket_mode_and_names_no_address(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"] == {"is_enabled": True}
    assert "request_url" not in settings["event_subscriptions"]
    assert all("url" not in item for item in manifest["features"]["slash_commands"])


def test_people_read_its_messages_and_home_and_write_it_nothing(
    manifest: dict[str, Any],
) -> None:
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }


def test_its_commands_are_those_the_code_listens_to(
    manifest: dict[str, Any], usage: Usage
) -> None:
    commands = manifest["features"]["slash_commands"]
    assert {item["command"] for item in commands} == usage.commands


def test_its_events_are_those_the_code_listens_to(
    manifest: dict[str, Any], usage: Usage
) -> None:
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert set(events) == usage.events


def test_its_shortcuts_are_those_the_code_listens_to(
    manifest: dict[str, Any], usage: Usage
) -> None:
    shortcuts = manifest["features"].get("shortcuts", [])
    assert {item["callback_id"] for item in shortcuts} == usage.shortcuts


OPTIONAL = {"channels:read", "groups:read"}
"""For a flow with a `channel` alone, and asked of nobody else: without them its
cards go to each approver (tests/slack/test_channel.py)."""


def test_its_scopes_are_those_the_code_needs(
    manifest: dict[str, Any], usage: Usage
) -> None:
    asked = set(manifest["oauth_config"]["scopes"]["bot"])
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}
    needed = needed_scopes(usage)
    needed = [any_of for any_of in needed if not any_of >= OPTIONAL]
    unmet = [sorted(any_of) for any_of in needed if not any_of & asked]
    assert not unmet, f"the code needs one of each of {unmet}"
    unused = asked - set().union(*needed)
    assert not unused, f"no code needs {sorted(unused)}"


def needed_scopes(usage: Usage) -> list[set[str]]:
    """One of each of these sets has to be in the manifest."""
    opened_by = scopes_by_method()
    called = methods(usage, opened_by)
    needed = [opened_by[name] for name in called if opened_by[name]]
    needed += [{scope} for event in usage.events if (scope := EVENT_SCOPES[event])]
    if usage.commands or usage.shortcuts:
        needed.append({"commands"})
    if "email" in usage.words and called & {"users.info", "users.list"}:
        # Slack: a profile carries its e-mail only under this scope
        needed.append({"users:read.email"})
    return needed


def test_usage_is_read_from_literals_and_constants(tmp_path: Path) -> None:
    source = tmp_path / "listeners.py"
    source.write_text(
        'COMMAND = "/access"\n'
        "app.command(COMMAND)(typed)\n"
        '@app.event("user_change")\n'
        "async def changed(client):\n"
        '    await client.users_info(user="U1")\n'
        '    await client.api_call("chat.postMessage")\n'
    )
    usage = read_usage([source])
    assert usage.commands == {"/access"}
    assert usage.events == {"user_change"}
    known = ["users.info", "chat.postMessage", "chat.update"]
    assert methods(usage, known) == {"users.info", "chat.postMessage"}


def test_a_listener_whose_name_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "listeners.py"
    source.write_text("app.command(name())(typed)\n")
    with pytest.raises(AssertionError, match=r"cannot tell what name\(\) listens to"):
        read_usage([source])
