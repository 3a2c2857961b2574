"""Checks whether every record of canonical Parquet files counts as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import reduce
from operator import and_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.contracts.session import OPEN_SUBTYPES
from common.contracts.window_columns import micros
from common.logs.duplicates import identifiable
from common.logs.records import TRAFFIC
from common.windows import Windows
from jobs.delta.kept import SCHEMA, Part, ScannedPiece

CHECKED = pa.schema([(name, pa.int64()) for name in ("read", "good", "inside")])
IPV4 = r"^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$"
PROTOCOLS = pa.array(["tcp", "udp", "other"])
MEASURES = ("bytes_sent", "bytes_received", "packets_sent", "packets_received")
"""Columns that may be null."""


def checked(part: Part[ScannedPiece], lateness: timedelta) -> pa.Table:
    """How many records are read, are valid, and of these lie in the windows: one row of `CHECKED` for each piece.

    A piece that cannot be read has no valid records: the reader of Parquet files says what is damaged.
    """
    return pa.table([*zip(*(_counts(piece, lateness) for _, piece in part), strict=True)], schema=CHECKED)


def _counts(piece: ScannedPiece, lateness: timedelta) -> tuple[int, int, int]:
    good = inside = 0
    try:
        for batch in piece.batches(SCHEMA.names):
            batch.validate(full=True)  # text that is not UTF-8, too
            is_good = _is_good(batch)
            good += int(np.count_nonzero(is_good))
            inside += int(np.count_nonzero(is_good & _is_inside(batch, piece.windows, lateness)))
    except (pa.ArrowException, OSError):
        return piece.most, 0, 0
    return piece.most, good, inside


def _is_good(batch: pa.RecordBatch) -> Flags:
    column = batch.column
    return reduce(
        and_,
        (
            _of_texts(column("event_type"), lambda texts: pc.equal(texts, TRAFFIC)),
            ~_of_texts(column("subtype"), lambda texts: pc.is_in(texts, pa.array(OPEN_SUBTYPES))),
            *(np.asarray(column(name).is_valid()) for name in ("start_ts", "end_ts")),
            *(
                _of_texts(column(name), lambda texts: pc.match_substring_regex(texts, IPV4))
                for name in ("src_ip", "dst_ip")
            ),
            *(_between(column(name), 0, 65535) for name in ("src_port", "dst_port")),
            _of_texts(column("protocol"), lambda texts: pc.is_in(texts, PROTOCOLS)),
            _between(column("repeat_count"), 1),
            _between(column("duration_s"), 0),
            *(_between(column(name).fill_null(0), 0) for name in MEASURES),
            np.asarray(identifiable(batch)),
        ),
    )


def _of_texts(column: pa.DictionaryArray, check: Callable[[pa.Array], pa.Array]) -> Flags:
    """The check of each text, made of each distinct one; false for null."""
    found = np.append(np.asarray(check(column.dictionary)), False)
    flags: Flags = found[np.asarray(column.indices.fill_null(len(column.dictionary)))]
    return flags


def _between(column: pa.Array, least: int, most: float = np.inf) -> Flags:
    """Whether each number is one of these; false for null."""
    inside = pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most))
    return np.asarray(inside.fill_null(False))


def _is_inside(batch: pa.RecordBatch, windows: Windows, lateness: timedelta) -> Flags:
    """Whether each record ends in the windows; in a single one, whether it was logged within the lateness of it."""
    first, last = micros(windows)
    moments = batch.column("end_ts")
    if len(windows) == 1:
        late = lateness // timedelta(microseconds=1)
        first, last = first - late, last + late + 1
        if "log_ts" in batch.schema.names:
            moments = pc.coalesce(batch.column("log_ts"), moments)
    number = moments.cast(pa.int64())
    return _between(number, first, last - 1)
