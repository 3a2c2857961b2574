"""Columns of text are what the rule for single values makes of each value."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pytest

from common.logs import values
from common.logs.values import FieldError
from common.logs.vectors import addresses, integers, texts

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


def test_a_value_that_is_no_number_leaves_the_others_certain() -> None:
    column = ["7200000000000005524", "0x10", None, "12", "9300000000000000000", "-4"]
    found, certain = integers(pa.array(column))
    assert certain.tolist() == [True, False, True, True, False, False]
    assert found.filter(pa.array(certain)).to_pylist() == [7_200_000_000_000_005_524, None, 12]


@pytest.mark.parametrize("dictionary", [False, True])
def test_unusual_addresses_among_usual_ones(dictionary: bool) -> None:
    column = ["10.1.2.3", "2001:DB8::1", None, "256.1.1.1", "0.0.0.0", "::ffff:10.1.2.4", "10.1.2.3", "010.1.2.3"]
    given = pa.array(["before", *column], pa.string()).slice(1)
    found, certain = addresses(given.dictionary_encode() if dictionary else given, partial(values.ip, "src_ip"))
    assert certain.tolist() == [True, True, True, False, True, True, True, False]
    expected = ["10.1.2.3", "2001:db8::1", None, "0.0.0.0", "10.1.2.4", "10.1.2.3"]
    assert found.filter(pa.array(certain)).to_pylist() == expected
    with pytest.raises(FieldError):
        values.ip("src_ip", "010.1.2.3")
