"""The store is tested on both databases."""

from typing import cast

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return cast("str", request.param)
