"""A file is valid by its extension, and by its size where one is expected."""

from __future__ import annotations

import pytest

from jobs.manifest_builder.validation import problem

MB = 1 << 20


@pytest.mark.parametrize("key", ["a.ndjson", "x/a.NDJSON", "a.ndjson.gz", "a.Ndjson.GZ", ".ndjson", "a#b.ndjson"])
def test_both_extensions_are_valid_in_any_case(key: str) -> None:
    assert problem(key, 0, None, 10) is None


@pytest.mark.parametrize("key", ["a.json", "a.ndjson.bz2", "ndjson", "a.ndjson/", "a.ndjson ", "/", "a.ndjson\n"])
def test_others_are_not(key: str) -> None:
    assert problem(key, 0, None, 10) == "invalid extension: the name ends neither in .ndjson nor in .ndjson.gz"


@pytest.mark.parametrize(
    ("size", "is_valid"),
    [(10 * MB, True), (9 * MB, True), (11 * MB, True), (9 * MB - 1, False), (11 * MB + 1, False), (0, False)],
)
def test_a_size_is_valid_within_the_tolerance(size: int, is_valid: bool) -> None:
    assert (problem("a.ndjson", size, 10, 10) is None) == is_valid


def test_the_reason_names_both_sizes() -> None:
    assert problem("a.ndjson", MB // 2, 3.5, 10) == "size out of range: 0.5 MB are not 3.5 MB within 10 %"
