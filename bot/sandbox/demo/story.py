"""The beats of the story, each awaited, printed with what Slack and Okta show."""

import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from bot.sandbox import Sandbox
from bot.sandbox.demo.bot import Bot, Missed
from bot.sandbox.demo.stage import CLEANED_UP_AFTER, GROUP, HELD_FOR, Stage, set_stage

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
        self._beat("The operator creates the database and checks the policy")
        self._show("shell", self._bot.command("migrate"))
        self._show("shell", self._bot.command("config", "check"))
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
        self._beat("The audit tells it all, and its chain verifies")
        self._show("shell", self._bot.command("audit", "verify"))

    def _guest_is_refused(self) -> None:
        self._beat("Gus, a guest of the workspace, tries /access okta-group")
        acknowledged = self._slack.command(self._stage.gus, f"okta-group {GROUP}")
        said = acknowledged.text or self._newest_ephemeral(self._stage.gus)
        _need("guest" in said.lower(), f"the guest was told: {said!r}")
        self._show("Slack, to Gus", said)

    def _ask(self) -> None:
        self._beat("Rita types /access okta-group, searches, says why, and submits")
        rita = self._stage.rita
        self._slack.command(rita, "okta-group")
        self._slack.wait_for(lambda: self._slack.view(rita), WITHIN)
        options = self._slack.suggest(rita, "group", "db")
        self._show("Slack, typeahead", "\n".join(o["text"]["text"] for o in options))
        duration = f"{HELD_FOR} s"
        answered = self._slack.submit(
            rita,
            {
                "group": options[0],
                "duration": self._choice(duration),
                "justification": WHY,
            },
        )
        _need(not answered.errors, f"the modal said: {answered.errors}")
        self._message(rita, "asked")
        self._members()

    def _card(self) -> Any:
        self._beat("Olga, who owns the group, gets a card")
        card = self._message(self._stage.olga, GROUP)
        self._show("Buttons", "  ".join(f"[{name}]" for name in card.buttons))
        return card

    def _requester_cannot_approve(self, card: Any) -> None:
        self._beat("Rita cannot approve her own request, not even with a forged click")
        rita = self._stage.rita
        mine = self._slack.messages(rita)[-1]
        value = card.buttons["approve"]["value"]
        self._slack.press(rita, "approve", message=mine, value=value, force=True)
        self._show("Slack, to Rita", self._refusal(rita))
        self._members()

    def _approve(self, card: Any) -> None:
        self._beat("Olga approves; the bot adds Rita in Okta and reads it back")
        self._slack.press(self._stage.olga, "approve", message=card)
        self._message(self._stage.rita, "You have")
        self._members("rita@example.com")

    def _warned(self) -> None:
        self._beat("The end is near, and Rita is warned")
        self._message(self._stage.rita, "ends")
        self._members("rita@example.com")

    def _ended(self) -> None:
        self._beat("On time the bot removes her, and reads back that she is gone")
        self._message(self._stage.rita, "ended")
        self._members()

    def _cleaned_up(self) -> None:
        self._beat(f"{CLEANED_UP_AFTER} s later the clean-up forgets Rita's profile")
        self._slack.wait_for(self._is_forgotten, WITHIN)
        self._show("Kept of Rita", "her Okta id, in the audit, and nothing else")

    def _is_forgotten(self) -> bool:
        return "person forgotten" in self._bot.log()

    def _choice(self, text: str) -> Any:
        """Return the option of the open modal's durations that reads `text`."""
        blocks = self._slack.view(self._stage.rita)["blocks"]
        for block in blocks:
            for option in block.get("element", {}).get("options", ()):
                if option["text"]["text"] == text:
                    return option
        raise Missed(f"the modal does not offer {text}")

    def _message(self, person: str, fragment: str) -> Any:
        """Wait until the bot has written something with `fragment`, and show it."""
        message = self._slack.wait_for_message(person, fragment, WITHIN)
        name = self._slack.person(person).real_name
        self._show(f"Slack, to {name}", message.all_text)
        return message

    def _refusal(self, person: str) -> str:
        newest = lambda: self._newest_ephemeral(person)  # noqa: E731
        return str(self._slack.wait_for(newest, WITHIN))

    def _newest_ephemeral(self, person: str) -> str:
        shown = self._slack.ephemerals(person)
        return str(shown[-1].all_text) if shown else ""

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
