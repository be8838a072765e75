"""What the doctor says of rotation, of clean-up, and of who else uses the key."""

import pytest

from bot.ops.doctor import Level
from tests.ops.conftest import Patient


def test_that_nobody_watches_the_key_is_said(patient: Patient) -> None:
    found = patient.found("key use")
    assert found.level is Level.OK
    assert "is not watched" in found.says


@pytest.mark.parametrize(
    ("mode", "level"),
    [
        ("remind", Level.OK),
        ("automatic, accept_super_admin: true", Level.WARNING),
    ],
)
def test_rotation_by_itself_is_warned_of(
    patient: Patient, mode: str, level: Level
) -> None:
    patient.policy["    owner:"] = (
        f"    credential_rotation: {{every: 90d, mode: {mode}}}\n    owner:"
    )
    assert patient.found("key rotation").level is level


def test_a_clean_up_without_its_second_key_fails(patient: Patient) -> None:
    patient.policy["    owner:"] = (
        "    user_cleanup: {after: 30d, action: suspend, credentials: file:none.json, "
        "only_members_of: [{group: IAM Team}]}\n    owner:"
    )
    found = patient.found("cleanup")
    assert found.level is Level.FAILED
    assert "none.json" in found.says
