"""The columns of Parquet files as the readers need them: nested ones by dotted names, times since the epoch, NaN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.logs import values
from common.logs.epochs import iso
from common.logs.records import COUNTERS
from common.logs.values import FieldError

_LAST_INSTANT = 7_258_118_400 * values.MICROSECOND
_TIMES = ("start_ts", "end_ts", "log_ts")
_WHOLE = frozenset({*COUNTERS, "src_port", "dst_port", "nat_src_port", "nat_dst_port", "repeat_count", "protocol"})
_UNITS = ((0, 10**10, 1_000_000.0), (10**11, 10**13, 1_000.0), (10**14, 10**16, 1.0), (10**17, 10**19, 0.001))
"""Range of numbers of each unit (s, ms, us, ns), and its length in microseconds."""


def leaves(schema: pa.Schema) -> Iterator[str]:
    """The dotted names of the columns, nested ones too."""
    for field in schema:
        yield field.name
        if pa.types.is_struct(field.type):
            yield from (f"{field.name}.{name}" for name in leaves(pa.schema(list(field.type))))


def root(name: str, schema: pa.Schema) -> str:
    """The column of the file that holds a dotted name."""
    return name if name in schema.names else name.partition(".")[0]


def column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """The column of a dotted name, in full where its name is dotted itself."""
    if name in batch.schema.names:
        return batch.column(name)
    first, *path = name.split(".")
    return pc.struct_field(batch.column(first), path)


def prepared(name: str, given: pa.Array) -> pa.Array:
    """The column for the common rules: numbers of seconds or their fractions as times, whole numbers as such."""
    if pa.types.is_floating(given.type):
        given = pc.if_else(pc.is_nan(given), None, given)
        if name in _WHOLE or name in _TIMES:
            given = _whole(given)
    if name in _TIMES and pa.types.is_integer(given.type):
        return epoch_instants(given)
    return given


def _whole(numbers: pa.Array) -> pa.Array:
    """The numbers as integers, if they are; data frames hold integers with gaps as floating-point numbers."""
    try:
        return numbers.cast(pa.int64())
    except pa.ArrowInvalid:
        return numbers


def epoch_instants(numbers: pa.Array) -> pa.Array:
    """Times since the epoch, each in the unit that its size shows; as text where one is out of all ranges."""
    given = numbers.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    micros, known = np.zeros(len(given), dtype=np.int64), np.zeros(len(given), dtype=bool)
    for first, end, length in _UNITS:
        inside = (given >= first) & (given < end)
        scaled = given * int(length) if length >= 1 else given // 1_000
        micros, known = np.where(inside, scaled, micros), known | inside
    if not known.all() or (micros >= _LAST_INSTANT).any():
        return pa.array([_text(number) for number in numbers.to_pylist()], pa.string())
    return pc.if_else(numbers.is_valid(), pa.array(micros).view(pa.timestamp("us", "UTC")), None)


def _text(number: int | None) -> str | None:
    try:
        return iso("time", None if number is None else str(number))
    except FieldError:
        return str(number)


def texts_of(record: Mapping[str, object]) -> dict[str, object]:
    """The record with its numbers and times as text, as the readers of JSON have them."""
    return {name: _as_text(value) for name, value in record.items()}


def _as_text(value: object) -> object:
    if isinstance(value, Mapping):
        return texts_of(value)
    if isinstance(value, list):
        return [_as_text(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is None or isinstance(value, str | bool):
        return value
    return str(value)
