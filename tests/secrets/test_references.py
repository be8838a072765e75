"""What a secret reference gives, and what it never says."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.catalogue import load
from bot.core.catalogue.fields import SECRET_KINDS
from bot.core.words import SettingError
from bot.secrets import KINDS, READERS, read_secret, write_secret

SECRET = "hunter2-do-not-show"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "okta.json"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_an_environment_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKTA_KEY", f"{SECRET}\n")
    assert read_secret("env:OKTA_KEY") == SECRET


def test_a_file_behind_a_link_is_written_and_the_link_stays(secret_file: Path) -> None:
    link = secret_file.with_name("link.json")
    link.symlink_to(secret_file)
    write_secret(f"file:{link}", "another")
    assert link.is_symlink()
    assert read_secret(f"file:{secret_file}") == "another"


@pytest.mark.parametrize("value", [None, "", "\n"])
def test_an_unset_or_empty_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("OKTA_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("OKTA_KEY", value)
    with pytest.raises(SettingError, match="OKTA_KEY"):
        read_secret("env:OKTA_KEY")


def test_a_file_is_read_without_the_newline_that_ends_it(secret_file: Path) -> None:
    assert read_secret(f"file:{secret_file}") == SECRET


def test_newlines_inside_a_file_are_kept(secret_file: Path) -> None:
    secret_file.write_text("-----BEGIN\n\n body\n-----END\r\n")
    assert read_secret(f"file:{secret_file}") == "-----BEGIN\n\n body\n-----END"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o610, 0o620])
def test_a_file_open_to_others_is_refused_with_its_remedy(
    secret_file: Path, mode: int
) -> None:
    secret_file.chmod(mode)
    with pytest.raises(SettingError) as refused:
        read_secret(f"file:{secret_file}")
    assert refused.value.remedy == f"Run: chmod 600 {secret_file}"
    assert SECRET not in str(refused.value)


def test_a_link_to_a_file_open_to_others_is_refused(
    secret_file: Path, tmp_path: Path
) -> None:
    secret_file.chmod(0o644)
    link = tmp_path / "link"
    link.symlink_to(secret_file)
    with pytest.raises(SettingError, match="read by others"):
        read_secret(f"file:{link}")


def test_a_file_for_its_owner_alone_may_be_read_only(secret_file: Path) -> None:
    secret_file.chmod(0o400)
    assert read_secret(f"file:{secret_file}") == SECRET


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="No such file"):
        read_secret(f"file:{tmp_path}/absent.json")


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        read_secret(f"file:{tmp_path}")


def test_a_device_is_no_secret() -> None:
    with pytest.raises(SettingError, match="not a plain file"):
        read_secret("file:/dev/null")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"x" * 70_000])
def test_a_file_that_holds_no_secret_is_refused(
    secret_file: Path, content: bytes
) -> None:
    secret_file.write_bytes(content)
    with pytest.raises(SettingError, match="secret file"):
        read_secret(f"file:{secret_file}")


@pytest.mark.parametrize(
    "reference", ["consul:kv/okta", "", ":", "env:", "file:", "env", f"{SECRET}:x"]
)
def test_another_kind_is_refused_with_the_kinds_there_are(reference: str) -> None:
    with pytest.raises(SettingError, match=r"env:NAME, file:PATH") as refused:
        read_secret(reference)
    assert SECRET not in str(refused.value)


def test_a_secret_pasted_as_a_reference_is_not_repeated() -> None:
    for pasted in (SECRET, f"env:{SECRET}"):
        with pytest.raises(SettingError) as refused:
            read_secret(pasted)
        assert SECRET not in str(refused.value)


@given(st.text(max_size=80))
def test_any_text_gives_a_value_or_a_setting_error(text: str) -> None:
    kind = text.strip().partition(":")[0]
    if kind == "file" or text.strip()[4:] in os.environ:
        return
    with pytest.raises(SettingError):
        read_secret(text)


def test_each_kind_that_is_read_is_named() -> None:
    assert [kind.partition(":")[0] for kind in KINDS] == list(READERS)


PLACES = {
    "env": "OKTA",
    "file": "/run/secrets/okta.json",
    "aws-secretsmanager": "eu-west-1/okta",
    "gcp-secretmanager": "project/okta",
    "azure-keyvault": "https://corp.vault.azure.net/okta",
    "vault": "secret/data/okta",
    "kubernetes": "access/okta/credentials",
}
POLICY = """
version: 1
admins: [{{user: ada@example.com}}, {{user: ivan@example.com}}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: "{reference}"
    owner: [{{user: ada@example.com}}]
    user_cleanup: {{after: 30d, action: suspend, credentials: "{reference}", {only}}}
flows: []
"""


@pytest.mark.parametrize("kind", READERS)
def test_every_kind_that_is_read_can_be_written_in_the_policy(kind: str) -> None:
    reference = f"{kind}:{PLACES[kind]}"
    only = "only_members_of: [{group: Temporary}]"
    catalogue = load(POLICY.format(reference=reference, only=only))
    [integration] = catalogue.integrations
    assert integration.credentials == reference
    assert integration.user_cleanup
    assert integration.user_cleanup.credentials == reference


def test_the_policy_knows_no_kind_that_is_not_read() -> None:
    assert set(SECRET_KINDS) == set(READERS)
