"""Marks records that were logged or forwarded more than once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.session import DUPLICATE_KEY
from common.logs.batches import DUPLICATE, KEPT
from common.logs.records import TRAFFIC
from common.logs.values import MICROSECOND
from common.logs.vectors import as_text
from common.windows import GRID_OFFSET_SECONDS, WINDOW_SECONDS

_DIGEST_BYTES = 16
_SEPARATOR, _NULL = "\x1f", "\x00"


def mark_duplicates(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The parsed batches; of the kept records that share a `DUPLICATE_KEY`, all but one are marked as duplicates.

    Those that end in different windows are two sessions, as `ndr-delta` counts them over a range.
    Of those in one batch, the one of the longest session counts, since a record that was written while the session
    lasted is a part of the last one; of equally long ones the first, by file and line. Of those in several batches,
    the one in the first batch counts. The batches must come in the order of `read_files`.
    Records that cannot be told from others are never duplicates.
    Memory grows by about 100 bytes per distinct record.
    """
    seen: set[bytes] = set()
    for batch in batches:
        rows = np.flatnonzero(pc.and_(identifiable(batch), pc.equal(batch.column("status"), KEPT)))
        named = batch.take(pa.array(rows))
        lengths = named.column("duration_s").fill_null(0).to_pylist()
        again = []
        here: dict[bytes, tuple[float, int]] = {}
        for row, key, length in zip(rows.tolist(), _keys(named), lengths, strict=True):
            digest = blake2b(key.encode(), digest_size=_DIGEST_BYTES).digest()
            before = here.get(digest)
            if digest in seen or (before and before[0] >= length):
                again.append(row)
                continue
            if before:
                again.append(before[1])
            here[digest] = length, row
        seen.update(here)
        yield _with_duplicates(batch, again) if again else batch


def identifiable(rows: pa.RecordBatch | pa.Table) -> pa.Array | pa.ChunkedArray:
    """Mask of the records that can be told from others: by a sequence number, those of TRAFFIC by a session id."""
    has_session = pc.not_equal(rows.column("session_id"), "0").fill_null(False)
    named = pc.and_(has_session, pc.equal(rows.column("event_type"), TRAFFIC))
    return pc.or_(named, rows.column("sequence_number").is_valid())


def _keys(batch: pa.RecordBatch) -> list[str]:
    ends = batch.column("end_ts").cast(pa.int64()).to_numpy()
    windows = pa.array((ends // MICROSECOND - GRID_OFFSET_SECONDS) // WINDOW_SECONDS)
    columns = [windows, *(batch.column(name) for name in DUPLICATE_KEY)]
    texts = [
        (column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column).cast(pa.string())
        for column in columns
    ]
    keys: list[str] = pc.binary_join_element_wise(
        *texts, _SEPARATOR, null_handling="replace", null_replacement=_NULL
    ).to_pylist()
    return keys


def _with_duplicates(batch: pa.RecordBatch, rows: list[int]) -> pa.RecordBatch:
    again = np.zeros(batch.num_rows, dtype=bool)
    again[rows] = True
    field = batch.schema.field("status")
    status = pc.if_else(pa.array(again), DUPLICATE, as_text(batch.column("status"))).cast(field.type)
    return batch.set_column(batch.schema.get_field_index("status"), field, status)
