"""The quick look for duplicates in canonical Parquet files."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.delta.scanning import have_own_numbers
from tests.conftest import write_sessions
from tests.factories import session, sessions

A, B = {"device_serial": "a"}, {"device_serial": "b"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([A | {"sequence_number": 1}, A | {"sequence_number": 2}, B | {"sequence_number": 1}], True),
        ([A | {"sequence_number": 1}, B | {"sequence_number": 2}, A | {"sequence_number": 1}], False),
        ([A | {"sequence_number": 1}, A | {"sequence_number": None}], False),
        ([A | {"sequence_number": 1}, {"device_serial": None, "sequence_number": 2}], False),
        ([A | {"sequence_number": -(2**62)}, B | {"sequence_number": 2**62}], True),
    ],
    ids=["apart", "twice", "no number", "no device", "far apart"],
)
def test_numbers_of_a_device_tell_its_records_apart(
    tmp_path: Path, rows: list[dict[str, object]], expected: bool
) -> None:
    files = [write_sessions(sessions(session(**row)), tmp_path / f"{place}.parquet") for place, row in enumerate(rows)]
    assert have_own_numbers(files) == expected
