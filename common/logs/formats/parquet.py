"""Parquet files whose columns have canonical names, others given by a mapping, or those of OCSF or VPC flow logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.arrays import Flags, Integers
from common.contracts.session import SESSION_COLUMNS
from common.errors import FormatError, InputError, first_line
from common.logs.batches import ParsedBatch, RecordCollector, hole_batch
from common.logs.files import open_file
from common.logs.holes import Hole
from common.logs.ocsf_records import parse_ocsf
from common.logs.options import ReadOptions
from common.logs.parquet_columns import column, leaves, prepared, root, texts_of
from common.logs.records import THREAT, TRAFFIC, Raw, session_of, status_of
from common.logs.source import Source
from common.logs.tables import sessions_of
from common.logs.values import FieldError, shown, text
from common.logs.vectors import as_text, by_distinct
from common.logs.vpc_records import REQUIRED as VPC_REQUIRED
from common.logs.vpc_records import vpc_parser

NAME = "parquet"
SPLITTABLE = False  # rows, not lines

BATCH_ROWS = 65_536

REQUIRED = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
"""Columns that every file needs, besides two of start_ts, end_ts and duration_s (for THREAT only end_ts)."""

_TIMES = ("start_ts", "end_ts", "duration_s")


def sniff(line: bytes) -> bool:
    """Whether the line, which need not be text, begins like a Parquet file."""
    return line.startswith(b"PAR1")


def check(path: str) -> None:
    """Checks the footer, without which nothing of the file can be read.

    Raises:
        InputError: the file is damaged, or is no Parquet file.
    """
    with open_file(path) as stream:
        _open(stream, path)


def _open(stream: BinaryIO, path: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        _ = file.schema_arrow.names  # decodes them
        return file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {first_line(error)}", "Export the file again") from None


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file, a batch for every `BATCH_ROWS` rows; `source_line` is the number of the row.

    The rest of a row group that is damaged is a hole.

    Raises:
        InputError: the footer is damaged, the file is no Parquet file, or a column has a type that holds no values.
        FormatError: it lacks required columns.
    """
    first_row = 1
    with open_file(source.path) as stream:
        file = _open(stream, source.path)
        if parser := _other_layout(file.schema_arrow, source.options):
            yield from _by_rows(file, source, parser)
            return
        names = _columns(file.schema_arrow, source.path, source.options.column_mapping)
        roots = list(dict.fromkeys(root(name, file.schema_arrow) for name in names.values()))
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            next_group = first_row + group.num_rows
            for batch in _batches(file, number, roots):
                if isinstance(batch, str):
                    yield _hole(source.path, batch, first_row, next_group, group.total_byte_size)
                    continue
                try:
                    arrays = [prepared(name, column(batch, given)) for name, given in names.items()]
                    raw = pa.RecordBatch.from_arrays(arrays, names=list(names))
                    yield _parse(raw, first_row, source.path, source.options)
                except pa.ArrowException as error:
                    raise InputError(
                        f"{source.path} has columns that cannot be read: {first_line(error)}",
                        "Export them as numbers, times or text",
                    ) from None
                first_row += batch.num_rows
            first_row = next_group


RowParser = Callable[[Mapping[str, Any], int, RecordCollector], None]


def _other_layout(schema: pa.Schema, options: ReadOptions) -> RowParser | None:
    """The parser of the rows of a file whose columns are those of another format; None where no format knows them."""
    names = set(schema.names)
    if options.column_mapping or set(REQUIRED) <= names:
        return None
    if "class_uid" in names:
        return lambda row, number, into: parse_ocsf(row, number, options, into)
    if {name.replace("-", "_") for name in VPC_REQUIRED} <= {name.replace("-", "_") for name in names}:
        return vpc_parser(options)
    return None


def _by_rows(file: pq.ParquetFile, source: Source, parse: RowParser) -> Iterator[ParsedBatch]:
    """As `read`, with the parser of another format."""
    first_row = 1
    for number in range(file.num_row_groups):
        next_group = first_row + file.metadata.row_group(number).num_rows
        for batch in _batches(file, number, file.schema_arrow.names):
            if isinstance(batch, str):
                yield _hole(source.path, batch, first_row, next_group, file.metadata.row_group(number).total_byte_size)
                continue
            collector = RecordCollector(source.path)
            for at, row in enumerate(batch.to_pylist(), first_row):
                record = texts_of(row)
                try:
                    parse(record, at, collector)
                except FieldError as error:
                    collector.reject(at, str(error), json.dumps(record, ensure_ascii=False))
            first_row += batch.num_rows
            yield collector.batch()
        first_row = next_group


def _hole(path: str, what: str, first_row: int, next_row: int, size: int) -> ParsedBatch:
    reason = f"the Parquet data are damaged, {next_row - first_row:,} rows are missing here: {what}"
    return hole_batch(Hole(path, reason, first_row, size), "")


def _batches(file: pq.ParquetFile, group: int, columns: list[str]) -> Iterator[pa.RecordBatch | str]:
    """The rows of a row group, and what is wrong with those after them, if anything is."""
    try:
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
            batch.validate(full=True)  # text that is not UTF-8, too
            yield batch
    except (pa.ArrowException, OSError) as error:
        yield first_line(error)


def _columns(schema: pa.Schema, source_file: str, mapping: Mapping[str, str]) -> dict[str, str]:
    """The file's columns by canonical name."""
    canonical = [column.name for column in SESSION_COLUMNS]
    names = {name: mapping.get(name, name) for name in canonical}
    known = set(leaves(schema))
    present = {name: column for name, column in names.items() if column in known}
    missing = [name for name in dict.fromkeys((*REQUIRED, *mapping)) if name not in present]
    if sum(name in present for name in _TIMES) < 2 and not ("end_ts" in present and "event_type" in present):
        missing.append("two of " + ", ".join(_TIMES))
    if missing:
        raise FormatError(
            f"{source_file} has no columns for {', '.join(missing)}",
            f"Map them to its columns ({', '.join(schema.names)}) in the project parameter column_mapping",
        )
    return present


def _parse(raw: pa.RecordBatch, first_row: int, source_file: str, options: ReadOptions) -> ParsedBatch:
    kinds = _kinds(raw)
    rows = np.arange(raw.num_rows, dtype=np.int64)
    found: list[pa.RecordBatch] = []
    certain = np.zeros(raw.num_rows, dtype=bool)
    collector = RecordCollector(source_file)
    for kind, (is_in, columns) in product((TRAFFIC, THREAT), _by_log_time(raw)):
        chosen = rows[is_in & np.asarray(pc.equal(kinds, kind).fill_null(False))]
        if not len(chosen) or not _suits(kind, raw):
            continue
        batch, numbers = columns.take(pa.array(chosen)), chosen + first_row
        sessions, sure = sessions_of(batch, kind, numbers, source_file, options, zones=collector.zones)
        found.append(sessions)
        certain[chosen[sure]] = True
    _parse_rows(raw, kinds, rows[~certain], first_row, options, collector)
    return collector.batch(found)


def _by_log_time(raw: pa.RecordBatch) -> list[tuple[Flags, pa.RecordBatch]]:
    """The mask of the rows with a log time and the columns with it, and those of the rows without."""
    if "log_ts" not in raw.schema.names:
        return [(np.ones(raw.num_rows, dtype=bool), raw)]
    written = np.asarray(raw.column("log_ts").is_valid())
    renamed = raw.rename_columns(["log_time" if name == "log_ts" else name for name in raw.schema.names])
    return [(written, renamed), (~written, raw.drop_columns("log_ts"))]


def _suits(kind: str, raw: pa.RecordBatch) -> bool:
    """Whether the file has the columns that are needed to parse rows of this type together."""
    return ("start_ts" if kind == TRAFFIC else "end_ts") in raw.schema.names


def _kinds(raw: pa.RecordBatch) -> pa.Array:
    """The log type of each row; TRAFFIC in a file without the column."""
    if "event_type" not in raw.schema.names:
        return pa.repeat(pa.scalar(TRAFFIC), raw.num_rows)
    column = raw.column(raw.schema.get_field_index("event_type"))
    return by_distinct(column, lambda value: value.strip().upper(), pa.string())[0]


def _parse_rows(
    raw: pa.RecordBatch, kinds: pa.Array, rows: Integers, first_row: int, options: ReadOptions, into: RecordCollector
) -> None:
    chosen = raw.take(pa.array(rows))
    texts = pa.RecordBatch.from_arrays([_text(column) for column in chosen.columns], names=chosen.schema.names)
    for at, kind, record in zip(rows.tolist(), kinds.take(pa.array(rows)).to_pylist(), texts.to_pylist(), strict=True):
        try:
            if kind not in (TRAFFIC, THREAT):
                raise FieldError(f"event_type {shown(kind or '')} is neither TRAFFIC nor THREAT")
            session = session_of(kind, _known(record), options)
        except FieldError as error:
            into.reject(first_row + at, str(error), json.dumps(record, ensure_ascii=False))
        else:
            into.keep(first_row + at, session, status_of(kind, session["subtype"]))


def _known(record: Raw) -> Raw:
    """The texts as `session_of` has them."""
    known = {name: value for name, value in record.items() if name not in ("event_type", "log_ts")}
    return known | {"log_time": record["log_ts"]} if text(record.get("log_ts")) else known


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64()).cast(pa.string())
    return as_text(column)
