"""What goes wrong on demand: faults, limits, and Slack being away."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.slack_bot import Bot

Post = Callable[..., httpx.Response]


@pytest.fixture
def post(workspace: SlackWorkspace, ada: str) -> Post:
    """Post "Hello" to Ada with a plain client, which may give up early."""

    def post(channel: str = ada, timeout: float = 0.3) -> httpx.Response:
        return httpx.post(
            f"{workspace.url}/api/chat.postMessage",
            json={"channel": channel, "text": "Hello"},
            headers={"authorization": f"Bearer {workspace.bot_token}"},
            timeout=timeout,
            trust_env=False,
        )

    return post


def test_too_many_calls_are_told_how_long_to_wait(
    workspace: SlackWorkspace, bot: Bot, ada: str
) -> None:
    workspace.fail("chat.postMessage", "429", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        bot.run(bot.client.chat_postMessage(channel=ada, text="x"))
    assert caught.value.response["error"] == "ratelimited"
    assert caught.value.response.headers["Retry-After"] == "7"
    assert workspace.messages(ada) == []
    assert bot.call("chat_postMessage", channel=ada, text="x")["ok"]


@pytest.mark.parametrize(
    ("kind", "posted"),
    [
        ("timeout_before", 0),
        ("timeout_after", 1),
        ("cut_before", 0),
        ("cut_after", 1),
    ],
)
def test_an_unanswered_call_may_have_had_its_effect(
    workspace: SlackWorkspace, post: Post, ada: str, kind: Any, posted: int
) -> None:
    workspace.fail("chat.postMessage", kind)
    with pytest.raises(httpx.TransportError):
        post()
    workspace.wait_for(lambda: workspace.calls)
    assert len(workspace.messages(ada)) == posted
    assert workspace.calls[-1].ok == bool(posted)


def test_a_call_may_fail_with_a_status_or_a_page(
    workspace: SlackWorkspace, post: Post, ada: str
) -> None:
    workspace.fail("chat.postMessage", "503")
    workspace.fail("chat.postMessage", "html")
    assert post().status_code == 503
    assert post().headers["content-type"].startswith("text/html")
    assert workspace.messages(ada) == []
    assert [call.fault for call in workspace.calls] == ["503", "html"]


def test_faults_are_mended(workspace: SlackWorkspace, post: Post) -> None:
    workspace.fail(".", "500", times=None)
    assert post().status_code == 500
    workspace.mend()
    assert post().json()["ok"]


def test_a_channel_takes_a_short_burst_and_then_one_a_second(
    workspace: SlackWorkspace, post: Post, ada: str
) -> None:
    bob = workspace.add_person("bob")
    workspace.limit_rates()
    statuses = [post(timeout=5).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert post(channel=bob).status_code == 200


def test_a_method_has_its_own_limit(workspace: SlackWorkspace, bot: Bot) -> None:
    workspace.require_limit("users.list", calls=1)
    assert bot.call("users_list")["ok"]
    assert bot.call("users_list")["error"] == "ratelimited"
    assert bot.call("auth_test")["ok"]


def test_while_slack_is_down_no_call_is_answered(
    workspace: SlackWorkspace, post: Post
) -> None:
    workspace.down()
    with pytest.raises(httpx.TransportError):
        post()
    workspace.up()
    assert post().json()["ok"]


def test_reset_leaves_an_empty_workspace_with_the_same_tokens(
    workspace: SlackWorkspace, post: Post, ada: str
) -> None:
    token = workspace.bot_token
    post()
    workspace.revoke_token()
    workspace.down()
    workspace.request_url = "http://127.0.0.1:1/"
    workspace.reset()
    assert workspace.bot_token == token
    assert workspace.request_url is None
    assert (workspace.calls, workspace.deliveries) == ([], [])
    with pytest.raises(KeyError):
        workspace.messages(ada)
    assert post().json()["error"] == "channel_not_found"
