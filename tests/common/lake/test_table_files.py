"""Files of a table that are written from Arrow."""

from __future__ import annotations

import pyarrow as pa

from common.lake.table_files import without_large_dictionaries


def test_texts_that_no_row_has_are_not_written() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([2, 0], pa.int32()), pa.array(["a", "b", "c"]))
    plain = without_large_dictionaries(pa.table({"few": column, "number": [1, 2]}), 2)
    assert plain.schema.types == [pa.string(), pa.int64()]
    assert plain.to_pydict() == {"few": ["c", "a"], "number": [1, 2]}


def test_a_dictionary_that_is_worth_it_remains() -> None:
    rows = pa.table({"few": pa.array(["a", "b", "a"]).dictionary_encode()})
    assert without_large_dictionaries(rows, 2).equals(rows)
