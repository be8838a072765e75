"""A bundle is one wish and one request for each of its groups; the form follows."""

import re

import pytest

from bot.core.catalogue import load
from bot.slack.views import modal
from bot.store.tables import AccessRequest
from tests.slack.conftest import Cast
from tests.slack.stage import ACCESS, Stage

BUNDLE = """
bundles:
  - {name: On-call kit, integration: corp-okta, groups: [prod-db, On Call, hr-secrets]}
  - {name: HR kit, integration: corp-okta, groups: [hr-secrets]}
"""


@pytest.fixture
def kits(stage: Stage) -> Stage:
    """The stage under a file with two bundles."""
    catalogue = load(ACCESS + BUNDLE)
    stage.put_in_force(catalogue)
    return stage


def test_a_bundle_is_found_by_whoever_may_ask_for_some_of_it(
    kits: Stage, cast: Cast
) -> None:
    kits.slack.command(cast.alice, "okta-group")
    (offered,) = kits.slack.suggest(cast.alice, modal.GROUP, "kit")
    assert offered["text"]["text"] == "On-call kit"
    assert offered["description"]["text"] == "2 groups: prod-db, On Call"


def test_a_bundle_makes_one_request_for_each_group(kits: Stage, cast: Cast) -> None:
    kits.slack.command(cast.alice, "okta-group")
    (offered,) = kits.slack.suggest(cast.alice, modal.GROUP, "kit")
    written = {modal.GROUP: offered["value"], modal.JUSTIFICATION: "OPS-12 on call"}
    assert kits.slack.submit(cast.alice, written).ok
    groups = {request.group_id for request in kits.rows(AccessRequest)}
    assert groups == {cast.prod_db, cast.on_call}


def test_what_of_a_bundle_is_refused_is_said(kits: Stage, cast: Cast) -> None:
    kits.ask(cast.alice)
    ack = kits.slack.command(cast.alice, "okta-group “on-call kit” 1h OPS-12 x")
    assert "You asked for On Call. Not for prod-db: You already asked" in ack.text
    assert "hr-secrets" not in ack.text
    assert len(kits.rows(AccessRequest)) == 2


def test_a_bundle_that_gives_nothing_is_refused_on_the_field(
    kits: Stage, cast: Cast
) -> None:
    ack = kits.slack.command(cast.alice, "okta-group “HR kit” 1h OPS-12 x")
    assert "There is no group" in ack.text
    assert kits.rows(AccessRequest) == []


def test_the_form_says_who_is_asked_once_a_group_is_chosen(
    stage: Stage, cast: Cast
) -> None:
    stage.slack.command(cast.alice, "okta-group")
    (offered,) = stage.slack.suggest(cast.alice, modal.GROUP, "prod")
    stage.slack.choose(cast.alice, modal.GROUP, offered["value"])
    stage.settle()
    shown = str(stage.slack.view(cast.alice))
    assert "Asks whoever owns the group. At most 8 h." in shown
    assert "Reads the production database" in shown


def test_several_groups_of_one_form_are_a_request_each(
    stage: Stage, cast: Cast
) -> None:
    stage.slack.command(cast.alice, "okta-group")
    offered = stage.slack.suggest(cast.alice, modal.GROUP, "")
    values = [each["value"] for each in offered]
    stage.slack.choose(cast.alice, modal.GROUP, values)
    stage.settle()
    shown = str(stage.slack.view(cast.alice))
    assert "On Call: Asks whoever owns the group." in shown
    assert "prod-db: Asks whoever owns the group." in shown
    stage.slack.submit(cast.alice, {modal.JUSTIFICATION: "OPS-12 on call"})
    told = str(stage.slack.view(cast.alice))
    assert "You asked for On Call and prod-db." in told
    groups = {request.group_id for request in stage.rows(AccessRequest)}
    assert groups == {cast.prod_db, cast.on_call}


def test_what_is_pending_or_held_is_marked_where_it_is_offered(
    stage: Stage, cast: Cast
) -> None:
    stage.ask(cast.alice)
    stage.slack.command(cast.alice, "okta-group")
    offered = stage.slack.suggest(cast.alice, modal.GROUP, "prod")
    assert offered[0]["description"]["text"].startswith("pending: Reads the")
    stage.slack.press(cast.olga, "approve", stage.card(cast.olga))
    stage.work()
    (held,) = stage.slack.suggest(cast.alice, modal.GROUP, "prod")
    assert re.match(
        r"you have this until (\w+ \d+ \w+ )?\d\d:\d\d: Reads",
        held["description"]["text"],
    )
    stage.slack.command(cast.bob, "okta-group")
    (others,) = stage.slack.suggest(cast.bob, modal.GROUP, "prod")
    assert others["description"]["text"].startswith("Reads the")
