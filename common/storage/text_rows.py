"""Rows of a small file that a person or another system provides, as CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection

import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import InputError
from common.storage.files import Folder
from common.storage.filesystems import normal_uri

TextRow = dict[str, str | None]


def text_rows(uri: str, wanted: Collection[str], optional: Collection[str] = ()) -> list[TextRow]:
    """The wanted columns of all rows of a `.csv` or `.parquet` file, values as text; null for optional ones that it has
    not.

    Raises:
        InputError: it is no such file, or lacks a wanted column.
        StorageError: it cannot be read.
    """
    folder, _, name = normal_uri(uri).rpartition("/")
    content = Folder(folder).read(name)
    try:
        columns, rows = _parquet(content) if name.endswith(".parquet") else _csv(content)
    except (pa.ArrowInvalid, csv.Error) as error:
        raise InputError(f"{uri} cannot be read: {error}", "Provide a file as CSV with a header, or Parquet") from None
    if missing := [column for column in wanted if column not in columns]:
        raise InputError(f"{uri} lacks {', '.join(missing)}", f"It needs the columns {', '.join(wanted)}")
    return [{name: None if row.get(name) is None else str(row[name]) for name in (*wanted, *optional)} for row in rows]


def _parquet(content: bytes) -> tuple[list[str], list[dict[str, object]]]:
    table = pq.read_table(pa.BufferReader(content))
    return table.column_names, table.to_pylist()


def _csv(content: bytes) -> tuple[list[str], list[dict[str, object]]]:
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    return list(reader.fieldnames or ()), list(reader)
