"""What the doctor says of rotation, of clean-up, and of who else uses the key."""

import pytest

from bot.ops.doctor import Level
from tests.ops.conftest import Patient


def test_that_nobody_watches_the_key_is_said(patient: Patient) -> None:
    found = patient.found("key use")
    assert found.level is Level.OK
    assert "is not watched" in found.says


def test_of_an_org_that_does_not_answer_it_is_not_said(patient: Patient) -> None:
    patient.sandbox.okta.down()
    assert patient.found("key use").says == "Not checked: Okta could not be asked."
    patient.sandbox.okta.up()


def test_a_key_in_a_file_of_each_of_several_machines_is_warned_of(
    patient: Patient,
) -> None:
    patient.policy["    owner:"] = (
        "    credential_rotation: {every: 90d, mode: remind}\n    owner:"
    )
    url = "postgresql://bot@127.0.0.1:1/access"
    patient.settings = {"database_url": url}
    found = patient.found("key rotation")
    assert (found.level, "several machines" in found.says) == (Level.WARNING, True)


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
