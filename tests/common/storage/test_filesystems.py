"""URIs of lakes and folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import InputError
from common.storage.filesystems import aws_region, bucket_and_key, normal_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [("file:///a/b/", "/a/b"), ("/a/b/", "/a/b"), ("s3://bucket/lake/", "s3://bucket/lake"), ("/a%20b", "/a%20b"),
     ("file:///a%20b", "/a b")],
)  # fmt: skip
def test_a_uri_has_no_trailing_slash_and_paths_are_absolute(text: str, uri: str) -> None:
    assert normal_uri(text) == uri


def test_other_schemes_are_refused() -> None:
    with pytest.raises(InputError, match="gs"):
        normal_uri("gs://bucket/lake")


@pytest.mark.parametrize(
    ("uri", "found"), [("s3://b/a/k%20.x", ("b", "a/k%20.x")), ("s3://b", ("b", "")), ("s3://b/", ("b", ""))]
)
def test_bucket_and_key_of_a_uri(uri: str, found: tuple[str, str]) -> None:
    assert bucket_and_key(uri) == found


def test_a_region_is_that_of_the_environment_or_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\n[profile lab]\nregion = eu-north-1\n[profile none]\n")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "absent"))
    assert aws_region() == "us-east-1"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert aws_region() == "eu-west-1"
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert aws_region() == "eu-north-1"
    monkeypatch.setenv("AWS_PROFILE", "none")
    assert aws_region() == "us-east-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert aws_region() == "eu-west-2"
    config.write_text("no section")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert aws_region() == "us-east-1"
