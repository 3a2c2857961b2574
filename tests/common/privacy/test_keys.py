"""Keys are read from files and secrets that others cannot read, and no message shows one."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from common.config.loader import build
from common.config.project import ProjectParameters
from common.config.pseudonyms import PseudonymParameters
from common.errors import NdrError, PseudonymKeyError
from common.privacy.keys import add_key, fingerprint, pseudonyms_of, read_keys
from common.privacy.places import USER

KEY = bytes(range(64))
TEXT = f"1 {base64.b64encode(KEY).decode()}\n"


def written(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def test_a_new_key_is_for_its_owner_and_former_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "acme.keys"
    first = add_key(path)
    keys = read_keys(str(path))
    second = add_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(keys[1]) == 64
    found = read_keys(str(path))
    assert (sorted(found), found[1]) == ([1, 2], keys[1]) and found[2] != found[1]
    assert [fingerprint(version, key) for version, key in found.items()] == [first, second]
    assert [file.name for file in path.parent.iterdir()] == ["acme.keys"]


def test_the_settings_say_which_key_is_used(tmp_path: Path) -> None:
    path = tmp_path / "acme.keys"
    first, second = add_key(path), add_key(path)
    one, two = (pseudonyms_of(PseudonymParameters(keys=str(path), fingerprint=each)) for each in (first, second))
    assert (one.current, two.current) == (1, 2)
    assert two.name_of(one.of(USER, "alice")) == "alice"


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o666])
def test_a_file_that_all_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "acme.keys", TEXT, mode)
    with pytest.raises(PseudonymKeyError, match="all users of this machine can use it"):
        read_keys(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing\n", TEXT[2:], TEXT + TEXT, "x" + TEXT, TEXT.replace("=", ""), "1 QUJD\n", "1", b"\xff\xfe\0",
        "1 " + "!" * 88,
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(PseudonymKeyError, match="something else than keys") as refused:
        read_keys(str(written(tmp_path / "acme.keys", text)))
    assert "AAECAw" not in str(refused.value) and refused.value.__cause__ is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PseudonymKeyError, match=r"none\.keys .*cannot be read: No such file"):
        read_keys(str(tmp_path / "none.keys"))


def test_another_key_than_the_settings_name_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "acme.keys", TEXT)
    refusals = {"1-00000000": "is another one than the settings use", "2-00000000": "but the settings use key 2"}
    for wrong, words in refusals.items():
        with pytest.raises(PseudonymKeyError, match=words) as refused:
            pseudonyms_of(PseudonymParameters(keys=str(path), fingerprint=wrong))
        assert "AAECAw" not in str(refused.value)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Secrets Manager with the secret ndr/acme."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        boto3.client("secretsmanager", "us-east-1").create_secret(Name="ndr/acme", SecretString=TEXT)
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("secrets")
def test_a_secret_has_what_a_file_has() -> None:
    assert read_keys("secretsmanager://ndr/acme") == {1: KEY}
    with pytest.raises(PseudonymKeyError, match="the secret ndr/other with the keys of pseudonyms cannot be read"):
        read_keys("secretsmanager://ndr/other")


@pytest.mark.parametrize("keys", ["keys.txt", "ssm://acme", "", "secretsmanager://", base64.b64encode(KEY).decode()])
def test_settings_name_a_place(keys: str) -> None:
    with pytest.raises(NdrError, match="Give an absolute path, or secretsmanager://NAME"):
        build(ProjectParameters, {"pseudonyms": {"keys": keys, "fingerprint": "1-0a1b2c3d"}}, "here")


@pytest.mark.parametrize("wrong", ["1", "0-0a1b2c3d", "1-0A1B2C3D", "1-0a1b2c3d4"])
def test_settings_name_a_fingerprint(wrong: str) -> None:
    with pytest.raises(NdrError, match="Give what ndr-privacy new-key printed"):
        build(ProjectParameters, {"pseudonyms": {"keys": "/k", "fingerprint": wrong}}, "here")
