"""views.*: triggers, stacks, updates and the Home tab."""

from typing import Any

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_blocks import ASK, HOME, WHY, field, modal
from tests.sandbox.slack_bot import Bot, trigger_of

Json = dict[str, Any]


def test_a_trigger_opens_one_modal_and_no_more(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    opened = bot.call("views_open", trigger_id=trigger, view=ASK)
    shown = workspace.view(ada)
    assert shown is not None
    assert shown["id"] == opened["view"]["id"]
    answer = bot.call("views_open", trigger_id=trigger, view=ASK)
    assert answer["error"] == "exchanged_trigger_id"
    answer = bot.call("views_open", trigger_id="1.2.x", view=ASK)
    assert answer["error"] == "invalid_trigger_id"


def test_a_trigger_does_not_wait(workspace: SlackWorkspace, bot: Bot, ada: str) -> None:
    workspace.set_patience(trigger_seconds=0)
    answer = bot.call("views_open", trigger_id=trigger_of(workspace, ada), view=ASK)
    assert answer["error"] == "expired_trigger_id"
    assert workspace.view(ada) is None


def test_a_wrong_modal_is_refused_with_its_place(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    wrong = modal(field("why", {**WHY, "max_length": 0}))
    answer = bot.call("views_open", trigger_id=trigger, view=wrong)
    assert answer["error"] == "invalid_arguments"
    assert "/view/blocks/0/element" in answer["response_metadata"]["messages"][0]


def test_an_update_keeps_what_was_entered_where_ids_stay(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    view = bot.call("views_open", trigger_id=trigger, view=ASK)["view"]
    workspace.choose(ada, "why", "OPS-12")
    workspace.choose(ada, "hours", "4h")
    renamed = [
        {**block, "block_id": "hours-2"} if block["block_id"] == "hours" else block
        for block in ASK["blocks"]
    ]
    updated = bot.call(
        "views_update", view_id=view["id"], hash=view["hash"], view=modal(*renamed)
    )
    values = updated["view"]["state"]["values"]
    assert values["why"]["why"]["value"] == "OPS-12"
    assert values["hours-2"]["hours"]["selected_option"]["value"] == "1h"


def test_an_update_of_a_stale_or_closed_view_is_refused(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    trigger = trigger_of(workspace, ada)
    view = bot.call("views_open", trigger_id=trigger, view=ASK)["view"]
    args = {"view_id": view["id"], "view": ASK}
    assert bot.call("views_update", **args)["ok"]
    answer = bot.call("views_update", hash=view["hash"], **args)
    assert answer["error"] == "hash_conflict"
    workspace.close_view(ada)
    assert bot.call("views_update", **args)["error"] == "not_found"


def test_three_modals_are_stacked_at_most(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    def add(method: str, **more: Any) -> Json:
        trigger = trigger_of(workspace, ada)
        return bot.call(method, trigger_id=trigger, view=modal(**more))

    assert add("views_push")["error"] == "not_found"
    first = add("views_open", external_id="one")["view"]
    assert add("views_push", external_id="one")["error"] == "duplicate_external_id"
    second = add("views_push")["view"]
    assert second["root_view_id"] == second["previous_view_id"] == first["id"]
    assert add("views_push")["ok"]
    assert add("views_push")["error"] == "push_limit_reached"
    assert len(workspace.views(ada)) == 3


def test_the_home_tab_is_published_per_person(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    first = bot.call("views_publish", user_id=ada, view=HOME)["view"]
    home = workspace.home(ada)
    assert home is not None
    assert home["id"] == first["id"]
    assert bot.call("views_publish", user_id=ada, view=HOME, hash=first["hash"])["ok"]
    answer = bot.call("views_publish", user_id=ada, view=HOME, hash=first["hash"])
    assert answer["error"] == "hash_conflict"
    assert not bot.call("views_publish", user_id=ada, view=ASK)["ok"]
    workspace.set_tabs(home=False)
    answer = bot.call("views_publish", user_id=ada, view=HOME)
    assert answer["error"] == "not_enabled"
