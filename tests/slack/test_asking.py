"""Asking in Slack: typed, in the modal, and refused on the field."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.words import RequestStatus
from bot.slack.views import blocks, modal
from bot.store.tables import AccessRequest, SlackAccount
from tests.slack.conftest import Cast
from tests.slack.stage import Stage


def _open_form(stage: Stage, user: str, text: str = "okta-group") -> None:
    assert stage.slack.command(user, text).ok
    assert stage.slack.view(user) is not None


def test_the_command_alone_answers_with_help(stage: Stage, cast: Cast) -> None:
    for text in ("", "help", " HELP "):
        ack = stage.slack.command(cast.alice, text)
        assert ack.ok
        assert "opens a form" in ack.text


def test_an_unknown_word_is_told_back_harmless(stage: Stage, cast: Cast) -> None:
    ack = stage.slack.command(cast.alice, "<!channel>")
    assert "I do not know “&lt;!channel&gt;”" in ack.text
    assert "<!channel>" not in ack.text


def test_a_full_typed_wish_asks_at_once(stage: Stage, cast: Cast) -> None:
    ack = stage.slack.command(cast.alice, "okta-group prod-db 4h OPS-12 slow queries")
    assert "You asked for prod-db for 4 h." in ack.text
    (request,) = stage.rows(AccessRequest)
    assert request.group_id == cast.prod_db
    assert request.duration_seconds == timedelta(hours=4).total_seconds()
    assert request.justification == "OPS-12 slow queries"
    assert stage.woken


def test_a_name_with_spaces_stands_in_quotes(stage: Stage, cast: Cast) -> None:
    stage.slack.command(cast.alice, "okta-group “on call” 1h OPS-12")
    (request,) = stage.rows(AccessRequest)
    assert request.group_id == cast.on_call


def test_an_incomplete_wish_opens_the_form_half_filled(
    stage: Stage, cast: Cast
) -> None:
    _open_form(stage, cast.alice, "okta-group prod-db OPS-12 slow")
    assert stage.slack.submit(cast.alice).ok
    (request,) = stage.rows(AccessRequest)
    assert request.group_id == cast.prod_db
    assert request.duration_seconds == timedelta(hours=1).total_seconds()
    assert request.justification == "OPS-12 slow"


def test_a_wish_refused_on_a_field_opens_the_form_with_the_reason(
    stage: Stage, cast: Cast
) -> None:
    _open_form(stage, cast.alice, "okta-group prod-db 4h because")
    view = stage.slack.view(cast.alice)
    assert view is not None
    assert view["blocks"][0]["text"]["text"] == "Name the ticket."
    assert not stage.rows(AccessRequest)


def test_too_long_is_told_and_the_usual_length_offered(
    stage: Stage, cast: Cast
) -> None:
    _open_form(stage, cast.alice, "okta-group prod-db 9h OPS-12")
    stage.slack.submit(cast.alice)
    (request,) = stage.rows(AccessRequest)
    assert request.duration_seconds == timedelta(hours=1).total_seconds()


@pytest.mark.parametrize("rest", ["1h OPS-12", "OPS-12", ""])
def test_a_group_one_may_not_ask_for_is_as_unknown_as_none(
    stage: Stage, cast: Cast, rest: str
) -> None:
    for name in ("hr-secrets", "HR-Secrets", "hr-nothing"):
        ack = stage.slack.command(cast.alice, f"okta-group {name} {rest}")
        assert ack.text == f"There is no group “{name}” that you can ask for."
        assert stage.slack.view(cast.alice) is None


def test_the_form_asks_for_what_was_chosen_in_it(stage: Stage, cast: Cast) -> None:
    _open_form(stage, cast.alice)
    (offered,) = stage.slack.suggest(cast.alice, modal.GROUP, "prod")
    assert offered["text"]["text"] == "prod-db"
    ack = stage.slack.submit(
        cast.alice,
        {
            modal.GROUP: offered["value"],
            modal.DURATION: "30m",
            modal.JUSTIFICATION: "OPS-12",
        },
    )
    assert ack.ok
    assert not ack.errors
    assert stage.slack.view(cast.alice) is None
    (request,) = stage.rows(AccessRequest)
    assert request.duration_seconds == timedelta(minutes=30).total_seconds()


def test_the_typeahead_offers_only_what_may_be_asked_for(
    stage: Stage, cast: Cast
) -> None:
    _open_form(stage, cast.alice)
    names = [o["text"]["text"] for o in stage.slack.suggest(cast.alice, "group", "")]
    assert names == ["On Call", "prod-db"]
    assert stage.slack.suggest(cast.alice, "group", "hr") == []


def test_a_refusal_stands_on_its_field(stage: Stage, cast: Cast) -> None:
    _open_form(stage, cast.alice)
    (offered,) = stage.slack.suggest(cast.alice, modal.GROUP, "prod")
    wish = {modal.GROUP: offered, modal.JUSTIFICATION: "because"}
    assert stage.slack.submit(cast.alice, wish).errors == {
        modal.JUSTIFICATION: "Name the ticket."
    }
    forged = {"text": blocks.plain("x"), "value": "9h"}
    wish |= {modal.JUSTIFICATION: "OPS-12", modal.DURATION: forged}
    assert stage.slack.submit(cast.alice, wish).errors == {
        modal.DURATION: "At most 8 h can be asked for here."
    }


def test_a_forged_choice_is_refused_on_its_field(stage: Stage, cast: Cast) -> None:
    hidden = next(g.id for g in stage.org.groups.values() if g.name == "hr-secrets")
    for value in (f"corp-okta:{hidden}", "corp-okta:nothing", "nowhere:x", "x", ":"):
        _open_form(stage, cast.alice)
        forged = {"text": blocks.plain("prod-db"), "value": value}
        wish = {modal.GROUP: forged, modal.JUSTIFICATION: "OPS-12"}
        ack = stage.slack.submit(cast.alice, wish)
        assert set(ack.errors) == {modal.GROUP}, value
        stage.slack.close_view(cast.alice)
    assert not stage.rows(AccessRequest)


def test_a_repeated_delivery_asks_once(stage: Stage, cast: Cast) -> None:
    stage.slack.command(cast.alice, "okta-group prod-db 1h OPS-12")
    (again,) = stage.slack.redeliver()
    assert "You asked for prod-db" in again.text
    assert len(stage.rows(AccessRequest)) == 1


def test_a_repeated_submit_asks_once(stage: Stage, cast: Cast) -> None:
    _open_form(stage, cast.alice, "okta-group prod-db OPS-12")
    stage.slack.submit(cast.alice)
    (again,) = stage.slack.redeliver()
    assert again.ok
    assert not again.errors
    assert len(stage.rows(AccessRequest)) == 1


def test_a_repeated_command_opens_one_form(stage: Stage, cast: Cast) -> None:
    _open_form(stage, cast.alice)
    (again,) = stage.slack.redeliver()
    assert again.ok
    assert not again.text
    assert len(stage.slack.views(cast.alice)) == 1


def test_asking_twice_is_refused_with_the_reason(stage: Stage, cast: Cast) -> None:
    stage.slack.command(cast.alice, "okta-group prod-db 1h OPS-12")
    ack = stage.slack.command(cast.alice, "okta-group prod-db 1h OPS-13")
    assert "You already asked for “prod-db”" in ack.text


def test_nothing_is_asked_while_the_desk_is_closed(stage: Stage, cast: Cast) -> None:
    _open_form(stage, cast.alice, "okta-group prod-db OPS-12")
    stage.desk.closed = "Nothing can be asked for right now."
    for text in ("okta-group prod-db 1h OPS-12", "okta-group"):
        assert stage.slack.command(cast.alice, text).text == stage.desk.closed
    stage.slack.submit(cast.alice)
    assert not stage.rows(AccessRequest)


def test_someone_never_met_is_looked_up_once(stage: Stage) -> None:
    stage.org.add_person("nina@example.com")
    nina = stage.slack.add_person("nina", email="nina@example.com")
    assert stage.slack.command(nina, "okta-group prod-db 1h OPS-12").ok
    assert stage.slack.command(nina, "okta-group prod-db 1h OPS-12").ok
    looked_up = [call for call in stage.slack.calls if call.method == "users.info"]
    assert len(looked_up) == 1
    assert len(stage.rows(AccessRequest)) == 1


def test_a_slack_that_does_not_answer_is_no_way_in(stage: Stage) -> None:
    nina = stage.slack.add_person("nina", email="nina@example.com")
    stage.slack.fail("users.info", "500")
    ack = stage.slack.command(nina, "okta-group")
    assert ack.text == "I could not look you up in Slack. Please try again in a moment."
    assert nina not in {account.slack_id for account in stage.rows(SlackAccount)}


def test_a_request_is_routed_and_its_requester_told(stage: Stage, cast: Cast) -> None:
    stage.ask(cast.alice)
    sent = stage.slack.wait_for_message(cast.alice, "You asked for prod-db for 1 h")
    assert sent.shows(f"Olga Example (olga@example.com, <@{cast.olga}>)")
    assert list(sent.buttons) == ["nudge", "cancel"]
    (request,) = stage.rows(AccessRequest)
    assert request.status is RequestStatus.PENDING


def test_an_end_by_the_clock_is_that_of_who_asks(stage: Stage, cast: Cast) -> None:
    stage.slack.change_person(cast.alice, tz="Asia/Tokyo")
    local = stage.now.astimezone(ZoneInfo("Asia/Tokyo")) + timedelta(hours=2)
    until = f"{local:%H:%M}"
    ack = stage.slack.command(cast.alice, f"okta-group prod-db until {until} OPS-12")
    assert "You asked for prod-db for 1 h" in ack.text
    (request,) = stage.rows(AccessRequest)
    assert 7140 <= request.duration_seconds <= 7200
