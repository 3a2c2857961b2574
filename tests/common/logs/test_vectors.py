"""Columns of text are what the rule for single values makes of each value."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from common.logs import values
from common.logs.vectors import texts

COLUMNS = {
    "plain": ["allow", "deny", None],
    "digits": ["0", "12"],
    "addresses": ["0.0.0.0", "10.1.2.3"],
    "blanks inside": ["reset both", "deny"],
    "blanks around": [" deny", "deny\t"],
    "only blanks": [" ", "deny"],
    "capitals": ["Allow", "deny"],
    "capitals outside ASCII": ["Äpfel", "deny"],
    "small letters outside ASCII": ["größe", "deny"],
    "byte order mark": ["\ufeffdeny", "deny\ufeff"],
    "client behind a proxy": ["x-fwd-for: 10.1.2.3", "X-Fwd-For:10.1.2.3", "xaver"],
    "empty": ["", "deny"],
    "nulls": [None, None],
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize(
    "rule",
    [values.text, values.user, values.lower, values.hyphenated, values.translated_ip],
    ids=lambda rule: rule.__name__,
)
def test_texts(column: list[str | None], rule: Callable[[str | None], str | None]) -> None:
    before = pa.array(["before", *column, "behind"], pa.string()).slice(1, len(column))
    found, certain = texts(before, rule)
    assert found.to_pylist() == [rule(value) for value in column]
    assert certain.all()
