"""access.yaml is checked without a bot, a database or a secret."""

import json
from pathlib import Path

from bot.core.catalogue import load, schema
from tests.cli.conftest import POLICY, Shell

EXAMPLE = Path(__file__).parents[2] / "examples" / "access.yaml"


def test_a_right_policy_is_said_to_be_right(shell: Shell) -> None:
    shell.write_policy()
    result = shell.type("config", "check")
    assert result.exit_code == 0
    assert result.stdout == "access.yaml is right: 1 integration, 1 flow.\n"


def test_everything_wrong_is_told_by_file_line_and_key(shell: Shell) -> None:
    wrong = POLICY.replace("version: 1", "version: 2").replace("flows:", "flws:")
    path = shell.write_policy(wrong)
    result = shell.type("config", "check", str(path))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{path}:1:10 version: ")
    assert lines[1].startswith(f"{path}:8:1 flws: ")
    assert lines[2] == f"{path} cannot be used: 2 problems."


def test_a_warning_is_told_and_wrong_is_something_else(shell: Shell) -> None:
    shell.write_policy(POLICY.partition("flows:")[0])
    result = shell.type("config", "check")
    assert result.exit_code == 0
    assert "No flow uses `corp`" in result.stdout
    assert "(a warning)" in result.stdout
    assert result.stdout.endswith("is right: 1 integration, 0 flows.\n")


def test_access_config_names_the_file_to_check(shell: Shell) -> None:
    shell.write_policy().rename(shell.folder / "other.yaml")
    result = shell.type("config", "check", ACCESS_CONFIG="other.yaml")
    assert result.stdout.startswith("other.yaml is right")


def test_a_file_that_cannot_be_read_is_a_wrong_call(shell: Shell) -> None:
    assert "The policy nowhere.yaml cannot be read." in shell.refuses(
        "config", "check", "nowhere.yaml"
    )


def test_a_named_file_is_checked_whatever_the_settings_say(shell: Shell) -> None:
    path = shell.write_policy()
    assert shell.type("config", "check", str(path), PORT="eighty").exit_code == 0


def test_the_schema_is_printed_as_json(shell: Shell) -> None:
    result = shell.type("config", "schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == schema()


def test_the_example_is_right_and_without_a_warning() -> None:
    assert load(EXAMPLE.read_text("utf-8")).warnings == ()
