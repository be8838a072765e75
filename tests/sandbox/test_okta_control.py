"""What can be done to the org: limits, faults, the journal, the control verbs."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bot.sandbox import Sandbox
from bot.sandbox.okta import OktaOrg
from bot.sandbox.okta.limits import bucket_of
from tests.sandbox.okta_calls import Calls, refused

GROUPS = "/api/v1/groups"


def test_headers_count_a_limit_down_until_it_is_used_up(
    org: OktaOrg, app: Calls
) -> None:
    org.require_limit("groups", 2)
    answers = [app("GET", GROUPS) for _ in range(3)]
    left = [answer.headers["x-rate-limit-remaining"] for answer in answers]
    assert left == ["1", "0", "0"]
    assert refused(answers[2]) == (429, "E0000047")
    reset = int(answers[2].headers["x-rate-limit-reset"])
    assert time.time() < reset < time.time() + 62
    assert app("GET", "/api/v1/users").status_code == 200


def test_a_window_begins_anew(org: OktaOrg, app: Calls) -> None:
    org.require_limit("groups", 1, window=0.05)
    statuses = [app("GET", GROUPS).status_code]
    while statuses[-2:] != [429, 200]:
        statuses.append(app("GET", GROUPS).status_code)
    assert statuses[0] == 200


@pytest.mark.parametrize(
    ("label", "bucket"),
    [
        ("GET /api/v1/groups", "groups"),
        ("GET /api/v1/groups/rules", "groups"),
        ("GET /api/v1/groups/00g1", "group"),
        ("PUT /api/v1/groups/00g1/users/00u1", "groups"),
        ("GET /api/v1/users", "users"),
        ("GET /api/v1/users/ada", "user"),
        ("DELETE /api/v1/users/ada", "user changes"),
        ("GET /api/v1/logs", "logs"),
        ("GET /api/v1/org", "other"),
        ("POST /oauth2/v1/token", "token"),
    ],
)
def test_each_call_counts_in_its_bucket(label: str, bucket: str) -> None:
    assert bucket_of(label) == bucket


def test_too_many_at_once_are_refused_with_a_limit_of_zero(
    org: OktaOrg, app: Calls
) -> None:
    org.set_concurrency(1)
    org.set_latency(0.1)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: app("GET", GROUPS), range(3)))
    busy = [answer for answer in answers if answer.status_code == 429]
    assert busy
    assert {answer.headers["x-rate-limit-limit"] for answer in busy} == {"0"}
    assert org.most_in_flight > 1


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 401, "E0000011"),
        ("403", 403, "E0000006"),
        ("404", 404, "E0000007"),
        ("429", 429, "E0000047"),
        ("500", 500, "E0000009"),
        ("503", 503, "E0000181"),
    ],
)
def test_a_clean_fault_is_worded_as_okta_would(
    org: OktaOrg, app: Calls, kind: Any, status: int, code: str
) -> None:
    org.fail("GET /api/v1/groups$", kind)
    assert refused(app("GET", GROUPS)) == (status, code)
    assert app("GET", GROUPS).status_code == 200


def test_a_gateways_error_is_not_json(org: OktaOrg, app: Calls) -> None:
    org.fail("GET", "502")
    assert app("GET", GROUPS).headers["content-type"].startswith("text/html")


def test_a_fault_of_the_token_endpoint_is_worded_as_oauth(
    org: OktaOrg, app: Calls
) -> None:
    org.fail("/token", "500")
    assert app.ask_token().json()["error"] == "server_error"


def test_the_journal_tells_what_a_lost_answer_did(
    org: OktaOrg, app: Calls, http: httpx.Client
) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    org.fail("PUT", "cut_before")
    org.fail("PUT", "cut_after")
    for _ in range(2):
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            app("PUT", f"{GROUPS}/{group}/users/{ada}")
    before, after = org.journal[-2:]
    assert (before.status, before.effect, before.fault) == (0, None, "cut_before")
    assert (after.status, after.effect) == (204, f"add {group} {ada}")
    assert (after.actual_change, after.client_id) == (True, app.client_id)
    assert org.is_member(group, ada)


def test_the_journal_tells_changes_made_outside(org: OktaOrg) -> None:
    ada, group = org.add_user("ada@example.com"), org.add_group("prod")
    assert org.add_member("prod", "ada@example.com")
    assert not org.add_member("prod", "ada@example.com")
    [call] = org.journal
    assert (call.method, call.client_id) == ("OUTSIDE", "admin")
    assert (call.effect, call.actual_change) == (f"add {group} {ada}", True)


def test_every_membership_that_ends_is_in_the_journal(org: OktaOrg) -> None:
    for login in ("ada@example.com", "bob@example.com"):
        org.add_user(login)
    org.add_group("one", members=["ada@example.com", "bob@example.com"])
    org.add_group("two", members=["bob@example.com"])
    org.set_user("ada@example.com", status="DEPROVISIONED")
    org.delete_user("bob@example.com")
    org.delete_group("one")
    verbs = [call.effect.split()[0] for call in org.journal if call.effect]
    assert verbs == ["add"] * 3 + ["remove"] * 3


def test_down_cuts_every_call_until_up(org: OktaOrg, app: Calls) -> None:
    org.down()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        app("GET", GROUPS)
    org.up()
    assert app("GET", GROUPS).status_code == 200


def test_reset_empties_the_org_and_keeps_its_address(
    sandbox: Sandbox, org: OktaOrg, app: Calls
) -> None:
    org.add_group("prod")
    org.fail("GET", "500", times=None)
    url = org.url
    sandbox.reset()
    assert org.url == url
    assert refused(app("GET", GROUPS)) == (401, "E0000011")
    assert len(org.journal) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda org: org.add_user("ada@example.com"),
        lambda org: org.add_user("bob@example.com", status="ASLEEP"),
        lambda org: org.add_group("prod", type="SOME_GROUP"),
        lambda org: org.add_member("nothing", "ada@example.com"),
        lambda org: org.members("nothing"),
        lambda org: org.set_role("0oa", "SUPER_ADMIN"),
        lambda org: org.new_app(role="KING"),
        lambda org: org.new_app(scopes=["okta.everything"]),
        lambda org: org.fail("GET", "418"),
        lambda org: org.require_limit("everything", 1),
    ],
)
def test_a_verb_refuses_what_okta_does_not_know(
    org: OktaOrg, wrong: Callable[[OktaOrg], Any]
) -> None:
    org.add_user("ada@example.com")
    with pytest.raises((KeyError, ValueError)):
        wrong(org)


def test_verbs_are_spoken_over_http_too(org: OktaOrg, http: httpx.Client) -> None:
    def speak(verb: str, **args: Any) -> Any:
        body = {"verb": verb, "args": args}
        return http.post(org.url + "/_control", json=body).json()

    assert speak("add_user", login="ada@example.com")["result"].startswith("00u")
    speak("add_group", name="prod", members=["ada@example.com"])
    assert speak("members", group="prod") == {"result": ["ada@example.com"]}
    assert speak("calls")["result"][0]["method"] == "OUTSIDE"
    assert "nothing" in speak("members", group="nothing")["error"]
    assert "no verb" in speak("app")["error"]


def test_a_hundred_thousand_groups_are_listed_without_trouble(
    org: OktaOrg, app: Calls
) -> None:
    org.fill(groups=100_000)
    headers, names = {"Authorization": f"Bearer {app.bearer}"}, []
    url: str | None = f"{org.url}{GROUPS}?limit=1000"
    while url:
        answer = app.client.get(url, headers=headers)
        names += [group["profile"]["name"] for group in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert names == [f"group-{number:05}" for number in range(1, 100_001)]


def test_the_org_runs_as_a_program_that_says_where_it_is() -> None:
    command = [sys.executable, "-m", "bot.sandbox.okta", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603
        assert program.stdout is not None
        url = json.loads(program.stdout.readline())["url"]
        answer = httpx.get(f"{url}/api/v1/groups", trust_env=False, timeout=10)
        assert refused(answer) == (401, "E0000011")
        program.send_signal(signal.SIGTERM)
        assert program.wait(10) == 0
