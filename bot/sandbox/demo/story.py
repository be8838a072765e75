"""The beats of the story, each awaited, printed with what Slack and Okta show."""

import re
import tempfile
import time
from html import unescape
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot, Missed
from bot.sandbox.demo.stage import CLEANED_UP_AFTER, GROUP, HELD_FOR, Stage, set_stage

DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
WITHIN = 20.0
WHY = "OPS-12 look at slow queries"


class Story:
    """The story as it is told: one beat after the other, on one stage."""

    def __init__(self, console: Console, stage: Stage, bot: Bot) -> None:
        self._console = console
        self._stage = stage
        self._bot = bot
        self._slack = stage.sandbox.slack
        self._okta = stage.sandbox.okta
        self._began = time.monotonic()

    def tell(self) -> None:
        """Play every beat; Missed, or AssertionError, when one does not come."""
        created, checked = self._bot.command("migrate"), self._check_policy()
        self._beat("The operator creates the database and checks the policy")
        self._show("shell", f"{created}\n{checked}")
        with self._bot.running():
            self._beat("The bot runs: connected to Slack, Okta's groups discovered")
            self._guest_is_refused()
            self._ask()
            card = self._card()
            self._requester_cannot_approve(card)
            self._approve(card)
            self._warned()
            self._ended()
            self._cleaned_up()
        verified = self._bot.command("audit", "verify")
        self._beat("The audit tells it all, and its chain verifies")
        self._show("shell", verified)

    def _check_policy(self) -> str:
        return self._bot.command("config", "check")

    def _guest_is_refused(self) -> None:
        answered = self._slack.command(self._stage.gus, f"okta-group {GROUP}")
        said = answered.text or self._refusal(self._stage.gus)
        self._beat("Gus, a guest of the workspace, tries /access okta-group")
        self._show("Slack, to Gus", said)
        _need("guest" in said.lower(), "the guest was not told why not")

    def _ask(self) -> None:
        rita = self._stage.rita
        self._slack.command(rita, "okta-group")
        self._slack.wait_for(lambda: self._slack.view(rita), WITHIN)
        options = self._slack.suggest(rita, "group", "db")
        wish = {
            "group": options[0],
            "duration": self._choice(f"{HELD_FOR} s"),
            "justification": WHY,
        }
        answered = self._slack.submit(rita, wish)
        _need(not answered.errors, f"the modal said: {answered.errors}")
        sent = self._message(rita, "I asked")
        self._beat("Rita types /access okta-group, searches for db, and asks")
        self._show("Slack, typeahead", "\n".join(o["text"]["text"] for o in options))
        self._show("Slack, to Rita", sent)
        self._members()

    def _card(self) -> Any:
        text = self._message(self._stage.olga, GROUP)
        card = self._slack.messages(self._stage.olga)[-1]
        self._beat("Olga, who owns the group, gets a card")
        self._show("Slack, to Olga", text)
        self._show("", "  ".join(f"[{name.title()}]" for name in card.buttons))
        return card

    def _requester_cannot_approve(self, card: Any) -> None:
        rita = self._stage.rita
        mine = self._slack.messages(rita)[-1]
        value = card.buttons["approve"]["value"]
        self._slack.press(rita, "approve", message=mine, value=value, force=True)
        said = self._refusal(rita)
        self._beat("Rita forges a click on Approve, for her own request")
        self._show("Slack, to Rita", said)
        self._members()

    def _approve(self, card: Any) -> None:
        self._slack.press(self._stage.olga, "approve", message=card)
        granted = self._message(self._stage.rita, f"You have {GROUP}")
        self._beat("Olga approves; the bot adds Rita in Okta and reads it back")
        self._show("Slack, to Rita", granted)
        self._members("rita@example.com")

    def _warned(self) -> None:
        warned = self._message(self._stage.rita, "ends")
        self._beat("The end is near, and Rita is warned")
        self._show("Slack, to Rita", warned)
        self._members("rita@example.com")

    def _ended(self) -> None:
        ended = self._message(self._stage.rita, "Your access to prod-db-read has ended")
        self._beat("On time the bot removes her, and reads back that she is gone")
        self._show("Slack, to Rita", ended)
        self._members()

    def _cleaned_up(self) -> None:
        self._slack.wait_for(lambda: "people forgotten" in self._bot.log(), WITHIN)
        self._beat(f"{CLEANED_UP_AFTER} s later the clean-up forgets Rita's profile")
        self._show("Kept of Rita", "her Okta id, in the audit, and nothing else")

    def _choice(self, text: str) -> Any:
        """Return the option of the open modal's durations that reads `text`."""
        modal = self._slack.view(self._stage.rita) or {}
        for block in modal.get("blocks", ()):
            for option in block.get("element", {}).get("options", ()):
                if option["text"]["text"] == text:
                    return option
        raise Missed(f"the modal does not offer {text}")

    def _message(self, person: str, fragment: str) -> str:
        """Wait until the bot has written something with `fragment`; return it."""
        return self._as_read(
            self._slack.wait_for_message(person, fragment, WITHIN).all_text
        )

    def _refusal(self, person: str) -> str:
        """Wait for the newest message that only this person sees; return it."""
        shown = self._slack.wait_for(lambda: self._slack.ephemerals(person), WITHIN)
        return self._as_read(shown[-1].all_text)

    def _as_read(self, text: str) -> str:
        """Return what a person's client shows: without the text for notifications."""
        text = "\n".join(text.splitlines()[1:]) or text
        for slack_id, name in self._stage.names.items():
            text = text.replace(f"<@{slack_id}>", f"@{name}")
        return unescape(DATE.sub(r"\1", text))

    def _members(self, *expected: str) -> None:
        members = self._okta.members(GROUP)
        self._show("Okta holds", ", ".join(members) or "nobody")
        _need(members == list(expected), f"Okta holds {members} in {GROUP}")

    def _beat(self, title: str) -> None:
        elapsed = time.monotonic() - self._began
        self._console.print()
        self._console.print(f"[bold]{elapsed:5.1f} s  {escape(title)}[/bold]")

    def _show(self, where: str, text: str) -> None:
        for number, line in enumerate(text.strip().splitlines()):
            label = where if number == 0 else ""
            self._console.print(
                f"         [cyan]{escape(label):<18}[/cyan] {escape(line)}",
                highlight=False,
                soft_wrap=True,
            )


def play(console: Console) -> int:
    """Play the story; return 0, or 1 when a beat did not come."""
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        stage = set_stage(sandbox, Path(folder))
        bot = Bot(stage.folder, stage.environment)
        try:
            Story(console, stage, bot).tell()
        except (Missed, AssertionError, ValueError, KeyError) as missed:
            console.print(
                f"\n[bold red]This did not come:[/bold red] {escape(str(missed))}"
            )
            return 1
    console.print("\n[bold]Asked, approved, given, warned, ended, proven.[/bold]")
    return 0


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Missed(otherwise)
