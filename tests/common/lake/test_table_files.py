"""Files of a table that are written from Arrow."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from common.contracts.types import Column, Table
from common.lake.table_files import TableFiles, parquet_writer, with_own_texts


def test_a_dictionary_of_many_texts_is_not_written() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([2, 0], pa.int32()), pa.array(["a", "b", "c"]))
    plain = with_own_texts(pa.table({"few": column, "number": [1, 2]}), 1)
    assert plain.schema.types == [pa.string(), pa.int64()]
    assert plain.to_pydict() == {"few": ["c", "a"], "number": [1, 2]}


def test_a_dictionary_that_is_worth_it_remains() -> None:
    rows = pa.table({"few": pa.array(["a", "b", "a"]).dictionary_encode()})
    assert with_own_texts(rows, 2).equals(rows)


def test_a_file_has_no_text_of_a_row_that_it_lacks(tmp_path: Path) -> None:
    table = Table(
        "names", "a name", (Column("date", "string", "a day"), Column("name", "string", "a name")), ("date",), ()
    )
    rows = pa.table({"name": pa.array(["mine"] * 4 + ["yours"]).dictionary_encode()})
    TableFiles(str(tmp_path), table).write(rows.slice(0, 4), {"date": "2026-03-10"})
    (file,) = tmp_path.rglob("*.parquet")
    assert b"mine" in file.read_bytes()
    assert b"yours" not in file.read_bytes()


def test_numbers_are_written_by_how_many_different_ones_there_are(tmp_path: Path) -> None:
    times = pa.array(range(8), pa.timestamp("us", "UTC"))
    rows = pa.table(
        {
            "few": pa.array([1, 2] * 4),
            "too_many": pa.array([1, 2, 3, 1, 2, 3, 1, 2]),
            "time": times,
            "share": pa.array([number / 8 for number in range(8)]),
            "text": pa.array(["a"] * 8),
            "plain": pa.array(["a"] * 8),
        }
    )
    with parquet_writer(
        "rows.parquet", rows, fs.SubTreeFileSystem(f"{tmp_path}", fs.LocalFileSystem()), [], ["plain"]
    ) as writer:
        writer.write_table(rows)
    group = pq.read_metadata(tmp_path / "rows.parquet").row_group(0)
    written = {name: group.column(place).encodings for place, name in enumerate(rows.column_names)}
    assert {name for name in written if "RLE_DICTIONARY" in written[name]} == {"few", "text"}
    assert {name for name in written if "DELTA_BINARY_PACKED" in written[name]} == {"too_many", "time"}
    assert pq.read_table(tmp_path / "rows.parquet").cast(rows.schema).equals(rows)
