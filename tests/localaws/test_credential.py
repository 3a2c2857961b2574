"""The credential of a home folder: random, made once, read by the user alone, and never in a message."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.credential import FILE_NAME, Credential, CredentialError


def test_each_home_has_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, other = Credential.make(tmp_path), Credential.make(tmp_path / "other")
    assert Credential.make(tmp_path) == Credential.of(tmp_path) == first
    assert other.key_id != first.key_id and other.secret != first.secret
    assert len(first.secret) == 40


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    Credential.make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_starts_at_the_same_time_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: Credential.make(tmp_path), range(64)))
    assert len(made) == 1


def test_a_home_without_one_says_how_to_make_it(tmp_path: Path) -> None:
    assert Credential.find(tmp_path) is None
    with pytest.raises(CredentialError, match=f"{tmp_path} has no credential .* ndr-local up --home {tmp_path}"):
        Credential.of(tmp_path)


@pytest.mark.parametrize("content", ["", '{"key_id": "k"', '{"key_id": "k"}', '["s3cret"]', '"s3cret"', "s3cret"])
def test_a_damaged_one_is_named_and_not_shown(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(CredentialError, match="cannot be read") as caught:
        Credential.make(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_secret_is_not_in_the_representation(tmp_path: Path) -> None:
    made = Credential.make(tmp_path)
    assert made.secret not in repr(made)
