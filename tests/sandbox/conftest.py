"""What the tests of the sandbox share."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from bot.sandbox import Sandbox
from bot.sandbox.okta import OktaOrg
from bot.sandbox.serving import Loopback
from bot.sandbox.slack import SlackWorkspace
from tests.sandbox.okta_calls import ALL, Calls
from tests.sandbox.slack_bot import Bot


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def org(sandbox: Sandbox) -> OktaOrg:
    """An empty Okta org."""
    return sandbox.okta


@pytest.fixture
def app(org: OktaOrg, http: httpx.Client) -> Calls:
    """An app with the two scopes and the role that the bot asks for, signed in."""
    return Calls(org, http).sign_in()


@pytest.fixture
def super_app(org: OktaOrg, http: httpx.Client) -> Calls:
    """An app that may do everything, signed in."""
    app = Calls(org, http, scopes=ALL.split(), role="SUPER_ADMIN")
    return app.sign_in(ALL)


@pytest.fixture
def app_with(org: OktaOrg, http: httpx.Client) -> Callable[..., Calls]:
    """An app with another role or other groups, signed in."""
    return lambda **kind: Calls(org, http, **kind).sign_in()


@pytest.fixture
def workspace(sandbox: Sandbox) -> SlackWorkspace:
    """An empty Slack workspace."""
    workspace: SlackWorkspace = sandbox.slack
    return workspace


@pytest.fixture(scope="session")
def bots() -> Iterator[Loopback]:
    """The thread that bots run on."""
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def bot(workspace: SlackWorkspace, bots: Loopback) -> Iterator[Bot]:
    """A bot with Slack's own libraries, not yet connected and with no listeners."""
    with Bot(workspace, bots) as bot:
        yield bot


@pytest.fixture(params=["socket", "http"])
def connected(request: pytest.FixtureRequest, bot: Bot) -> Bot:
    """The bot, reached over Socket Mode and then over signed HTTP."""
    if request.param == "socket":
        bot.connect()
    else:
        bot.listen()
    return bot


@pytest.fixture
def ada(workspace: SlackWorkspace) -> str:
    """A person who works here."""
    return workspace.add_person("ada", email="Ada@example.com", real_name="Ada L.")
