"""Records that were logged or forwarded more than once within the input of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.contracts.session import DUPLICATE_KEY
from common.logs.duplicates import identifiable
from common.runtime.engine import Engine
from common.runtime.parts import each_part
from jobs.delta.grouping import combined
from jobs.delta.kept import PLACES, WITH_SLICE, Kept, Part, Piece, parts_of
from jobs.delta.record_keys import hashes_of
from jobs.delta.sql import answer, reader
from jobs.delta.staging import SLICE

HASH = pa.schema([("hash", pa.int64())])
NUMBERED = pa.schema([WITH_SLICE.field(name) for name in ("device_serial", "sequence_number")])
OF_SUSPECTS = [*DUPLICATE_KEY, SLICE.name, "duration_s", "end_ts"]
SUSPECTS = pa.schema([*(WITH_SLICE.field(name) for name in OF_SUSPECTS), *PLACES])
KEY = ", ".join(DUPLICATE_KEY)
ORDER = ", ".join(PLACES.names)
LATER = f"""
    WITH numbered AS (
        SELECT *, row_number() OVER (
            PARTITION BY {KEY}, {SLICE.name} ORDER BY duration_s DESC NULLS LAST, {ORDER}
        ) AS copy
        FROM suspects
    ), placed AS (
        SELECT *, row_number() OVER (PARTITION BY {KEY}, end_ts, copy > 1 ORDER BY {SLICE.name}, {ORDER}) AS place
        FROM numbered
    )
    SELECT {ORDER} FROM placed WHERE copy > 1 OR place > 1
"""


def duplicates(kept: Kept, engine: Engine, folder: Path) -> pa.Table:
    """The `PLACES` of the records that do not count because another one does.

    Of the records of a session in one window the longest counts, the first of equals: a long session may be logged
    again and again. Of records in several windows that also end at the same time, that in the earliest window counts.
    The folder is for temporary files.
    """
    repeated = _repeated(kept, engine)
    if not len(repeated):
        return PLACES.empty_table()
    return answer(LATER, folder, suspects=reader(SUSPECTS, _suspects(kept, repeated))).cast(PLACES)


def has_duplicates(kept: Kept, engine: Engine) -> bool:
    """Whether a record is the duplicate of another one."""
    return len(_repeated(kept, engine)) > 0


def have_own_numbers(kept: Kept, engine: Engine) -> bool:
    """Whether each record has a sequence number that no other one of its device has, and so none is a duplicate."""
    parts = each_part(engine, _numbers, parts_of(kept.pieces()))
    device, number = pa.concat_tables([NUMBERED.empty_table(), *parts]).unify_dictionaries().combine_chunks().columns
    if device.null_count or number.null_count or not len(number):
        return False
    numbers = combined(np.asarray(device.chunk(0).indices), number.to_numpy() - pc.min(number).as_py())
    numbers = np.sort(numbers, kind="stable")  # records mostly come in this order
    return bool((numbers[1:] != numbers[:-1]).all())


def _repeated(kept: Kept, engine: Engine) -> pa.Array:
    """The hashes that several of the records have which can be told from others."""
    if have_own_numbers(kept, engine):
        return pa.array([], pa.int64())
    found = pa.concat_tables([HASH.empty_table(), *each_part(engine, _hashes, parts_of(kept.pieces()))])
    ordered = np.sort(found["hash"].to_numpy())
    return pa.array(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))


def _numbers(part: Part[Piece]) -> pa.Table:
    return pa.concat_tables(
        [NUMBERED.empty_table(), *(rows for _, piece in part for rows in piece.rows(NUMBERED.names))]
    )


def _hashes(part: Part[Piece]) -> pa.Table:
    found = [np.empty(0, np.int64)]
    for _, piece in part:
        for rows in piece.rows(DUPLICATE_KEY):
            known = rows.filter(identifiable(rows))
            found.append(hashes_of(known))
    return pa.table([np.concatenate(found)], schema=HASH)


def _suspects(kept: Kept, repeated: pa.Array) -> Iterator[pa.Table]:
    """The records with one of these hashes, and their places."""
    for number, piece in enumerate(kept.pieces()):
        first = 0
        for rows in piece.rows(OF_SUSPECTS):
            places = [np.full(len(rows), number), np.arange(first, first + len(rows))]
            first += len(rows)
            known = pc.and_(identifiable(rows), pc.is_in(pa.array(hashes_of(rows)), value_set=repeated))
            yield pa.table([*rows.columns, *places], schema=SUSPECTS).filter(known)
