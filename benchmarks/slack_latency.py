"""From a request to its last card, and from a click to the membership.

The whole bot in HTTP mode, with Slack at 100 ms a call and 20 approvers, who are
all told. Beside it, in the same run, what a design pays that does one call after
the other: it posts to each approver in turn, and on a click draws all cards before
it asks Okta. Then options are answered while 50 people type, and the calls to
Slack of a whole request, asked, approved and ended, are counted.
"""

import asyncio
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from slack_sdk import WebClient

from benchmarks.figures import Figure, milliseconds, percentile, report
from benchmarks.rig.load import Target
from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot
from bot.sandbox.demo.stage import GROUP, Stage, set_stage
from bot.sandbox.slack import Message
from bot.slack.http import PATH

APPROVERS = 20
ROUNDS = 5
TYPING = 50
OPTIONS = 500
SLACK_TAKES = 0.1
A_KEY_EACH = 0.4
SERIAL = "one call after the other"


class Office:
    """The bot with its people: Rita asks, and twenty may answer."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.slack, self.okta = sandbox.slack, sandbox.okta
        stage = set_stage(sandbox, folder)
        self.rita = stage.rita
        self.approvers = [self._approver(number) for number in range(APPROVERS)]
        self.okta.remove_member("db-owners", "olga@example.com")
        _tell_all(folder)
        self.bot = Bot(folder, _environment(stage))
        self.bot.command("migrate")
        self.slack.request_url = f"http://127.0.0.1:{self.bot.port}{PATH}"
        self.target = Target(
            f"http://127.0.0.1:{self.bot.port}", self.slack.signing_secret
        )

    def _approver(self, number: int) -> str:
        login = f"owner{number}@example.com"
        self.okta.add_user(login, first=f"Owner{number}", last="Example")
        self.okta.add_member("db-owners", login)
        return str(self.slack.add_person(f"owner{number}", email=login))

    def cards(self) -> list[Message]:
        """Return the open cards of the approvers."""
        found = [m for user in self.approvers for m in self.slack.messages(user)]
        return [m for m in found if "approve" in m.buttons]

    def ask(self, length: str) -> float:
        """Let Rita ask; return seconds until the last approver has the card."""
        began = time.perf_counter()
        self.slack.command(self.rita, f"okta-group {GROUP} {length} OPS-12 queries")
        self.slack.wait_for(lambda: len(self.cards()) == APPROVERS)
        return time.perf_counter() - began

    def approve(self) -> float:
        """Let the first approver press; return seconds until Rita is a member."""
        card = self.cards()[0]
        began = time.perf_counter()
        self.slack.press(self.approvers[0], "approve", card)
        while not self.okta.is_member(GROUP, "rita@example.com"):
            time.sleep(0.001)
        return time.perf_counter() - began

    def end(self) -> None:
        """Let Rita give it back, and wait until all is drawn."""
        ended, told = f"Your access to {GROUP} has ended", self._count(self.rita)
        given = self.slack.wait_for_message(self.rita, f"You have {GROUP} until")
        before = told(ended)
        self.slack.press(self.rita, "end", given)
        self.slack.wait_for(lambda: told(ended) > before and not self.cards())

    def _count(self, user: str) -> Callable[[str], int]:
        return lambda text: sum(m.shows(text) for m in self.slack.messages(user))


def main() -> None:
    """Measure both designs in turn, and print the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(Sandbox())
        office = Office(sandbox, folder)
        stack.enter_context(office.bot.running())
        office.ask("30m")
        office.approve()
        office.end()
        _count(office)
        sandbox.slack.fail("", "slow", times=None, delay=SLACK_TAKES)
        _compare(office)
        sandbox.slack.mend()
        asyncio.run(_options(office))


def _compare(office: Office) -> None:
    ours: dict[str, list[float]] = {"card": [], "click": []}
    theirs: dict[str, list[float]] = {"card": [], "click": []}
    for _ in range(ROUNDS):
        ours["card"].append(office.ask("30m"))
        ours["click"].append(office.approve())
        office.end()
        card, click = _serial(office)
        theirs["card"].append(card)
        theirs["click"].append(click)
    told = {
        "card": f"request to the last of {APPROVERS} cards, Slack at 100 ms a call",
        "click": "click to member added, Slack at 100 ms a call",
    }
    for name, figure in told.items():
        report(
            Figure(
                figure=figure,
                unit="ms",
                ours=milliseconds(median(ours[name])),
                peer=SERIAL,
                theirs=milliseconds(median(theirs[name])),
            )
        )


def _serial(office: Office) -> tuple[float, float]:
    """Do what must be done one call after the other; return seconds of both halves.

    To ask: who asks, and a card for each approver. On a click: who clicks, a word
    to them and the card that was clicked, and only then Okta.
    """
    client = WebClient(
        office.slack.bot_token, base_url=f"{office.slack.url}/api/", timeout=10
    )
    began = time.perf_counter()
    client.users_info(user=office.rita)
    posted = [
        client.chat_postMessage(channel=user, text="Rita asks")
        for user in office.approvers
    ]
    asked = time.perf_counter()
    client.users_info(user=office.approvers[0])
    card = posted[0]
    client.chat_update(channel=card["channel"], ts=card["ts"], text="Approved")
    client.chat_postMessage(channel=office.rita, text="Approved")
    office.okta.add_member("prod-logs", "rita@example.com")
    ended = time.perf_counter()
    office.okta.remove_member("prod-logs", "rita@example.com")
    return asked - began, ended - asked


def _count(office: Office) -> None:
    """Count the calls to Slack of one request, beside the messages it makes."""
    before = len(office.slack.calls)
    office.ask("30m")
    took = milliseconds(office.approve())
    told = "click to member added, Slack at once: Okta's own time and ours"
    report(Figure(figure=told, unit="ms", ours=took))
    office.end()
    calls = Counter(call.method for call in office.slack.calls[before:] if call.ok)
    told = ", ".join(f"{name} {count}" for name, count in sorted(calls.items()))
    report(
        Figure(
            figure=f"calls to Slack of one request with {APPROVERS} approvers ({told})",
            unit="calls",
            ours=float(sum(calls.values())),
            peer="messages posted",
            theirs=float(calls["chat.postMessage"]),
        )
    )


async def _options(office: Office) -> None:
    """Answer options while 50 people type at once."""
    form = {"payload": json.dumps(_suggestion(office))}
    await office.target.load([form] * TYPING, TYPING)
    came = await office.target.load([form] * OPTIONS, TYPING, A_KEY_EACH)
    told = f"options answered while {TYPING} people type, a key each 0.4 s, p99"
    worst = milliseconds(percentile(came.each, 99))
    report(Figure(figure=told, unit="ms", ours=worst))
    came = await office.target.load([form] * OPTIONS, TYPING)
    told = f"options answered a second, {TYPING} asking without a pause"
    report(Figure(figure=told, unit="/s", ours=came.per_second))


def _suggestion(office: Office) -> Mapping[str, object]:
    """Return what Slack sends as Rita types into the field for groups."""
    return {
        "type": "block_suggestion",
        "team": {"id": office.slack.team_id, "domain": "bench"},
        "user": {"id": office.rita, "team_id": office.slack.team_id},
        "api_app_id": "A00000001",
        "action_id": "group",
        "block_id": "group",
        "value": "prod",
        "view": {"id": "V1", "type": "modal", "callback_id": "ask", "state": {}},
    }


def _tell_all(folder: Path) -> None:
    policy = folder / "access.yaml"
    told = f"    notify: {{at_most: {APPROVERS}}}\n    warn_before"
    text = policy.read_text().replace("    warn_before", told)
    limits = "limits: {open: 1000, asks_per_hour: 1000, after_denial: 1s}\n"
    text = text.replace("integrations:\n", f"{limits}integrations:\n", 1)
    # The demo forgets who has had no access for four seconds: they are to be known.
    policy.write_text(re.sub(r"\n *user_cleanup:.*", "", text))


def _environment(stage: Stage) -> dict[str, str]:
    """Return the bot's environment for HTTP mode."""
    environment = dict(stage.environment)
    del environment["SLACK_APP_TOKEN"]
    return environment | {"SLACK_SIGNING_SECRET": stage.sandbox.slack.signing_secret}


if __name__ == "__main__":
    main()
