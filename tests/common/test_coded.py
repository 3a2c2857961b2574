import numpy as np
import pyarrow as pa

from common.coded import Names, compacted, encoded, positions


def coded(*parts: list[str]) -> pa.ChunkedArray:
    """A column with a dictionary of its own in each part, as Parquet files give it."""
    return pa.chunked_array([pa.array(part, pa.string()).dictionary_encode() for part in parts])


def test_parts_with_other_dictionaries_get_one() -> None:
    found = encoded(coded(["b", "a"], ["a", "c", "a"]))
    assert found.to_pylist() == ["b", "a", "a", "c", "a"]
    assert found.dictionary.to_pylist() == ["b", "a", "c"]
    assert encoded(pa.chunked_array([["x", "y", "x"]])).indices.to_pylist() == [0, 1, 0]


def test_a_compacted_dictionary_has_the_texts_of_the_rows() -> None:
    rows = pa.array(["c", "a", "b", "c"]).dictionary_encode()
    found = compacted(rows.take(pa.array([3, 2, 0])))
    assert (found.to_pylist(), found.dictionary.to_pylist()) == (["c", "b", "c"], ["c", "b"])
    assert compacted(rows.slice(0, 0)).dictionary.to_pylist() == []
    late = compacted(pa.array(["a", "b", None, "c", None, "b"]).dictionary_encode().slice(2))
    assert (late.to_pylist(), late.dictionary.to_pylist()) == ([None, "c", None, "b"], ["b", "c"])


def test_positions_among_texts() -> None:
    texts = pa.array(["a", "b"])
    np.testing.assert_array_equal(positions(coded(["b", "z"], ["a", "b"]), texts), [1, -1, 0, 1])
    assert len(positions(pa.chunked_array([], pa.string()), texts)) == 0


def test_names_keep_their_numbers_from_table_to_table() -> None:
    names = Names()
    np.testing.assert_array_equal(names.numbers(coded(["b", "a", "b"])), [0, 1, 0])
    np.testing.assert_array_equal(names.numbers(coded(["c", "a"], ["c", "d"])), [2, 1, 2, 3])
    assert names.column(np.array([3, 0])).to_pylist() == ["d", "b"]


def test_texts_of_rows_that_were_left_out_get_no_number() -> None:
    rows = pa.table({"host": coded(["a", "b", "c"])}).slice(1, 1)
    names = Names()
    np.testing.assert_array_equal(names.numbers(rows["host"]), [0])
    assert names.texts.to_pylist() == ["b"]
