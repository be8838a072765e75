"""Wrong bots, each of which must be caught."""


def turn_into(name: str) -> None:
    """Make this process the wrong bot of that name; the right one for none."""
    assert not name
