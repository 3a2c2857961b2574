"""URIs of lakes and folders."""

from __future__ import annotations

import pytest

from common.errors import InputError
from common.storage.filesystems import bucket_and_key, normal_uri


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
