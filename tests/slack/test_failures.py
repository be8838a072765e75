"""What people and the log are told when something breaks."""

import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.store.tables import AccessRequest
from tests.slack.conftest import Cast
from tests.slack.stage import Stage

REFERENCE = re.compile(
    r"Something went wrong \(reference ([0-9a-f]{8})\)\. Please try again; "
    r"if it happens again, tell an admin the reference\."
)


class Broken:
    """Offices that break whoever looks for one, with a secret in the error."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("OPS-12 hunter2")


@pytest.fixture
def broken(stage: Stage, cast: Cast) -> Stage:
    """A desk that breaks at every deed, with a request that waits."""
    stage.ask(cast.alice)
    stage.slack.command(cast.bob, "okta-group prod-db OPS-12")
    stage.desk.offices = Broken()  # type: ignore[assignment]
    return stage


def test_a_command_that_breaks_says_so_with_a_reference(
    broken: Stage, cast: Cast
) -> None:
    with capture_logs() as logs:
        ack = broken.slack.command(cast.alice, "okta-group prod-db 1h OPS-12")
    found = REFERENCE.fullmatch(ack.text)
    assert found
    (entry,) = logs
    assert entry["reference"] == found[1]
    assert entry["error"] == "RuntimeError"
    assert "hunter2" not in str(logs)
    assert "OPS-12" not in str(logs)


def test_a_click_that_breaks_says_so_where_it_was_clicked(
    broken: Stage, cast: Cast
) -> None:
    for action in ("approve", "deny"):
        assert broken.slack.press(cast.olga, action, broken.card(cast.olga)).ok
        broken.settle()
        assert REFERENCE.fullmatch(broken.slack.ephemerals(cast.olga)[-1].text)


def test_a_form_that_breaks_says_so_in_its_place(broken: Stage, cast: Cast) -> None:
    assert broken.slack.submit(cast.bob).ok
    view = broken.slack.view(cast.bob)
    assert view is not None
    assert REFERENCE.fullmatch(view["blocks"][0]["text"]["text"])


def test_a_typeahead_that_breaks_offers_nothing(broken: Stage, cast: Cast) -> None:
    assert broken.slack.suggest(cast.bob, "group", "prod") == []


def test_a_button_of_another_time_is_told_kindly(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    card = stage.card(cast.olga)
    card.blocks = []
    assert stage.slack.press(cast.olga, "praise", card, value="x", force=True).ok
    stage.settle()
    (told,) = stage.slack.ephemerals(cast.olga)
    assert told.text == "I do not know this button any more. Start anew with /access."


def test_who_cannot_be_told_breaks_nothing(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    shown = stage.card(cast.otto)
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.slack.fail("chat.postEphemeral", "500")
    assert stage.slack.press(cast.otto, "approve", shown).ok
    stage.settle()
    assert not stage.slack.ephemerals(cast.otto)
    assert len(stage.rows(AccessRequest)) == 1
