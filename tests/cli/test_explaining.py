"""explain, config diff, show, --online and --strict: what a policy means."""

import json
from datetime import UTC, datetime

import pytest

from bot.core.catalogue import load
from bot.core.words import Person
from bot.sandbox import Sandbox
from bot.store import directory
from bot.store.files import keep_file
from tests.cli.conftest import POLICY, Shell

MORE = """\
    duration: {default: 1h, max: 8h}
    approval:
      - any_of: [owner]
      - any_of: [{group: Security}]
        escalate: [{after: 4h, to: [manager]}]
"""


@pytest.fixture
def connected(ready: Shell, sandbox: Sandbox) -> Shell:
    """A shell beside a bot that has read the sandbox's org."""
    okta = sandbox.okta
    for name in ("ann", "ada", "ivan", "sam"):
        okta.add_user(f"{name}@example.com")
        sandbox.slack.add_person(name, email=f"{name}@example.com")
    okta.add_group("Security", members=["sam@example.com"])
    engineering = okta.add_group("Engineering", members=["ann@example.com"])
    okta.add_group("prod-db")
    text = POLICY.replace("https://corp.okta.com", okta.url) + MORE
    ready.write_policy(text)
    ready.settings |= {
        "OKTA_CREDENTIALS": json.dumps(okta.new_app()),
        "SLACK_API_URL": f"{sandbox.slack.url}/api/",
        "SLACK_BOT_TOKEN": sandbox.slack.bot_token,
    }
    database = ready.rows()
    now = datetime.now(UTC)
    database.transact(keep_file, text, load(text).hash, by="bot", now=now)
    ann = Person(
        id="00uann",
        login="ann@example.com",
        email="ann@example.com",
        name="Ann",
        status="ACTIVE",
        groups=frozenset({engineering}),
    )
    database.transact(directory.remember_person, "corp", ann, now)
    database.close()
    assert ready.type("sync").exit_code == 0
    return ready


def test_it_says_which_flow_decides_and_who_would_be_asked(connected: Shell) -> None:
    result = connected.type("explain", "--as", "ann@example.com", "--group", "prod-db")
    assert result.exit_code == 0, result.output
    said = result.stdout
    assert "asks for prod-db for 1 h." in said
    assert " decides\n" in said
    assert "step 1: whoever owns the group\n" in said
    second = said.partition("step 2: ")[2]
    assert second.startswith("somebody of Security\n")
    assert "sam@example.com" in second
    assert "after 4 h without an answer also the manager" in second


def test_it_says_what_would_be_refused_and_exits_one(connected: Shell) -> None:
    wish = ("explain", "--as", "ann@example.com", "--group", "prod-db", "--for", "9h")
    result = connected.type(*wish)
    assert result.exit_code == 1
    assert "Refused: At most 8 h can be asked for here." in result.stdout


def test_programs_get_all_of_it(connected: Shell) -> None:
    wish = ("explain", "--as", "ann@example.com", "--group", "prod-db", "--json")
    told = json.loads(connected.type(*wish).stdout)
    assert told["refused"] is None
    assert [step["people"] for step in told["steps"]][1] == ["sam@example.com"]
    assert told["flows"][0]["matches"] is True


def test_it_changes_nothing(connected: Shell) -> None:
    before = connected.type("audit", "verify").stdout
    connected.type("explain", "--as", "ann@example.com", "--group", "prod-db")
    assert connected.type("audit", "verify").stdout == before


def test_who_can_get_a_group_and_what_somebody_can_get(connected: Shell) -> None:
    everyone = connected.type("explain", "--everyone", "--group", "prod-db")
    assert everyone.stdout.splitlines() == [
        "prod-db in corp: 1 of those known",
        "  Ann (ann@example.com) by “engineers”",
    ]
    theirs = connected.type("explain", "--as", "ann@example.com")
    assert "prod-db by “" in theirs.stdout
    nobody = connected.type("explain", "--as", "nobody@example.com")
    assert nobody.exit_code == 1


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (("--as", "ann@example.com", "--group", "nope"), "no group called so"),
        (("--as", "eve@example.com", "--group", "prod-db"), "Okta knows nobody"),
    ],
)
def test_what_is_not_there_is_said(
    connected: Shell, wish: tuple[str, ...], says: str
) -> None:
    result = connected.type("explain", *wish)
    assert result.exit_code == 1
    assert says in result.stdout


def test_a_call_that_says_too_little_is_refused(ready: Shell) -> None:
    assert "needs to know what about" in ready.refuses("explain")
    assert "Write --at" in ready.refuses("explain", "--at", "noon")


def test_a_strict_check_takes_a_warning_for_a_problem(shell: Shell) -> None:
    shell.write_policy(POLICY + "    requester_may_approve: true\n")
    assert shell.type("config", "check").exit_code == 0
    result = shell.type("config", "check", "--strict")
    assert result.exit_code == 1
    assert "cannot be used: 1 problem." in result.stdout


def test_an_online_check_asks_okta_for_every_name(connected: Shell) -> None:
    assert connected.type("config", "check", "--online").exit_code == 0
    path = connected.folder / "access.yaml"
    path.write_text(path.read_text().replace("group: Security", "group: Securty"))
    result = connected.type("config", "check", "--online")
    assert result.exit_code == 1
    assert "corp: “Securty” leads to nobody in Okta." in result.stdout


def test_an_online_check_names_each_path_to_authority(connected: Shell) -> None:
    path = connected.folder / "access.yaml"
    text = path.read_text().replace("[{group: Security}]", "[{group: prod-db}]")
    path.write_text(f"{text}    authority: allow\n")
    result = connected.type("config", "check", "--online")
    assert "lets people ask for prod-db, which makes an approver" in result.stdout


def test_a_diff_says_who_gains_and_loses_what(connected: Shell) -> None:
    new = connected.folder / "new.yaml"
    old = connected.folder / "access.yaml"
    new.write_text(old.read_text().replace('"prod-*"', '"dev-*"'))
    result = connected.type("config", "diff", str(old), str(new))
    assert "ann@example.com loses prod-db" in result.stdout
    back = json.loads(
        connected.type("config", "diff", str(new), str(old), "--json").stdout
    )
    assert all(change["gains"] for change in back["people"])
    same = connected.type("config", "diff", str(old), str(old))
    assert same.stdout == (
        "0 rules changed.\n0 changes among the people and groups known.\n"
    )


def test_a_diff_says_that_nobody_is_asked_any_more(shell: Shell) -> None:
    """Nobody gains or loses a group by it, and no database is needed to see it."""
    old = shell.write_policy()
    new = shell.folder / "new.yaml"
    new.write_text(old.read_text().rstrip() + "\n    approval: automatic\n")
    result = shell.type("config", "diff", str(old), str(new))
    assert result.exit_code == 0
    assert (
        ': approval: [{"any_of": ["owner"], "approvals": 1}] -> automatic'
        in result.stdout
    )
    assert "1 rule changed." in result.stdout
    assert "is told beside the bot's database." in result.stderr


def test_what_is_in_force_is_shown_with_its_pins(connected: Shell) -> None:
    result = connected.type("config", "show")
    assert "# in force since" in result.stdout
    assert "# corp: group Security is pinned to 00g" in result.stdout
    told = json.loads(connected.type("config", "show", "--json").stdout)
    assert {pin["name"] for pin in told["pins"]} >= {"Security", "ada@example.com"}


def test_cases_run_from_a_file_of_their_own(shell: Shell) -> None:
    path = shell.write_policy()
    cases = shell.folder / "cases.yaml"
    cases.write_text(
        "tests:\n  people: [{login: ann@example.com}]\n"
        "  cases: [{who: ann@example.com, group: nope, expect: {refused: no group}}]\n"
    )
    result = shell.type("config", "test", str(path), "--cases", str(cases))
    assert (result.exit_code, result.stdout) == (0, "1 case, 0 failed.\n")
    assert "has no cases" in shell.refuses("config", "test", str(path))
