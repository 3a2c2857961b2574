"""Rejects of sessions that are late, with their raw text, which is read once more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from common.contracts.session import REJECT_SCHEMA
from common.logs.batches import MAX_RAW_CHARACTERS, decoded
from common.logs.file_parts import FilePart
from common.logs.files import open_file
from common.logs.reading import read_records

RAW_ROWS = 1_000


def late_rejects(parts: Sequence[FilePart], found: Sequence[tuple[int, str]]) -> Iterator[pa.RecordBatch]:
    """Reject rows of the late sessions (line, reason) of a file, with their raw text reread from these parts of it."""
    path, wanted = parts[0].path, {line for line, _ in found}
    raw: dict[int, str] = {}
    for part in parts:
        for line, text in raw_records(part, wanted):
            raw[line] = f"{raw[line]}\n{text}"[:MAX_RAW_CHARACTERS] if line in raw else text  # several on a line
    for begin in range(0, len(found), RAW_ROWS):
        rows = found[begin : begin + RAW_ROWS]
        yield pa.RecordBatch.from_pylist(
            [
                {"source_file": path, "source_line": line, "reason": reason, "raw": raw.get(line, "")}
                for line, reason in rows
            ],
            schema=REJECT_SCHEMA,
        )


def raw_records(part: FilePart, wanted: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Line number and text of the records on the wanted lines of a part; for a Parquet file, its rows as JSON."""
    numbers = set(wanted)
    with open_file(part.path) as stream:
        if stream.read(4) == b"PAR1":
            yield from _raw_rows(pq.ParquetFile(stream), numbers)
            return
    for number, line in read_records(part):
        if number in numbers:
            yield number, decoded(line.rstrip(b"\r"))


def _raw_rows(file: pq.ParquetFile, wanted: set[int]) -> Iterator[tuple[int, str]]:
    """Number and JSON of the wanted rows of a Parquet file; none of a damaged row group."""
    first = 1
    for group in range(file.num_row_groups):
        behind = first + file.metadata.row_group(group).num_rows
        numbers = sorted(number for number in wanted if first <= number < behind)
        if numbers:
            try:
                rows = file.read_row_group(group).take(pa.array([number - first for number in numbers]))
                texts = [json.dumps(row, default=str) for row in rows.to_pylist()]
            except (pa.ArrowException, OSError, ValueError):
                texts = []  # damaged, or times that Python cannot hold
            yield from zip(numbers, texts, strict=False)
        first = behind
