"""The example policies: each is right, says when to use it, and holds its cases."""

from pathlib import Path

import pytest
import yaml

from bot.app.cases import outcomes
from bot.core.catalogue import load

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
ids = [path.stem for path in EXAMPLES]


def test_there_are_twenty() -> None:
    assert len(EXAMPLES) >= 20


@pytest.mark.parametrize("path", EXAMPLES, ids=ids)
def test_an_example_says_when_to_use_it_and_holds_its_cases(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# ")
    catalogue = load(text, name=path.name)
    assert catalogue.tests is not None
    for outcome in outcomes(catalogue, catalogue.tests):
        assert outcome.differs == (), outcome.case


def test_a_case_that_does_not_hold_is_told_with_what_came() -> None:
    text = next(path for path in EXAMPLES if path.stem == "on-call").read_text("utf-8")
    wrong = text.replace("approvers: []", "approvers: [[bob@example.com]]", 1)
    catalogue = load(wrong)
    assert catalogue.tests is not None
    first, *rest = outcomes(catalogue, catalogue.tests)
    [told] = first.differs
    assert told.startswith("It asks nobody, not ")
    assert "@example.com" in told
    assert all(not outcome.differs for outcome in rest)


@pytest.mark.parametrize("path", EXAMPLES, ids=ids)
def test_no_case_of_an_example_holds_once_nobody_may_ask(path: Path) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    for flow in data["flows"]:
        flow["requesters"] = {"any": [{"user": "nobody@example.com"}]}
    catalogue = load(yaml.safe_dump(data, sort_keys=False))
    assert catalogue.tests is not None
    for outcome in outcomes(catalogue, catalogue.tests):
        if outcome.case.expect.refused is None:
            assert outcome.differs
