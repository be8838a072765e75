"""The reference documents beside the repository. They are never copied into it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

FOLDER = Path(__file__).parents[3] / "shared" / "reference"


def is_here() -> bool:
    """Whether there is anything to validate against."""
    return FOLDER.is_dir()


def reference(name: str) -> Any:
    """Return the JSON document `name`. The test is skipped where it is absent."""
    if not is_here():
        pytest.skip("../shared/reference is absent: nothing to validate against")
    return _read(FOLDER / name)


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def problems(validator: Draft7Validator, value: object) -> list[str]:
    """Say what `validator` finds wrong with `value`, each with where it is."""
    return [_sentence(error) for error in validator.iter_errors(value)]


def _sentence(error: ValidationError) -> str:
    where = "/".join(str(step) for step in error.absolute_path)
    return f"at /{where}: {error.message[:300]}"


def require_none(found: list[str], subject: str) -> None:
    """Fail with all of `found`, if there is any."""
    assert not found, "\n  ".join([f"{subject} is not valid:", *found])
