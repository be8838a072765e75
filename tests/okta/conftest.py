"""Tests of the Okta client run on virtual time, against a scripted Okta."""

from typing import Any

import pytest

from tests.okta.scripted import ScriptedOkta
from tests.okta.virtual import VirtualLoop


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualLoop}


@pytest.fixture
def okta() -> ScriptedOkta:
    """An Okta that answers by script."""
    return ScriptedOkta()
