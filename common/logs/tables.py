"""Turns columns of raw values into canonical sessions, many rows at a time, with the same results as `records`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Floats, Integers
from common.contracts.session import PARSED_SCHEMA
from common.logs import values
from common.logs.batches import KEPT, UNCOUNTED
from common.logs.options import ReadOptions
from common.logs.records import COUNTERS, SMALL_NUMBERS, TEXT_RULES, TRAFFIC, foreign_columns, precise_time
from common.logs.vectors import addresses, by_distinct, instants, integers, real_numbers, texts

_TIMESTAMP = PARSED_SCHEMA.field("end_ts").type


def sessions_of(
    raw: pa.RecordBatch,
    kind: str,
    lines: Integers,
    source_file: str,
    options: ReadOptions,
    doubtful: Flags | None = None,
) -> tuple[pa.RecordBatch, Flags]:
    """The sessions of the rows that are certain, and the mask of these rows.

    A row is certain if the rules for whole columns accept each of its values; any other row is left to `session_of`.

    Args:
        raw: columns by canonical name, as text or in a fitting type, and `log_time`, `precise_time` as in `session_of`.
        kind: TRAFFIC or THREAT.
        lines: source line of each row.
        source_file: name of the file.
        options: how the file is to be read; the zones of times that do not name one.
        doubtful: rows that the caller does not consider certain.
    """
    columns, zone = _Columns(raw), options.time_zone
    if doubtful is not None:
        columns.certain &= ~doubtful
    foreign = foreign_columns(kind)
    session = {"event_type": pa.repeat(pa.scalar(kind), raw.num_rows)}
    session |= {name: columns.nulls(pa.string()) for name in TEXT_RULES}
    session |= {name: columns.nulls(pa.int64()) for name in COUNTERS}
    present = set(raw.schema.names) - foreign
    session |= {name: columns.text(name) for name in TEXT_RULES if name in present}
    session |= {name: columns.integers(name) for name in COUNTERS if name in present}
    session |= {
        name: columns.distinct(name, rule, pa.int32()) if name in present else columns.nulls(pa.int32())
        for name, rule in SMALL_NUMBERS.items()
    }
    session["repeat_count"] = _repeat_count(columns) if "repeat_count" in present else columns.filled(1, pa.int64())
    session |= _endpoints(columns) | (
        _traffic_times(columns, zone) if kind == TRAFFIC else _threat_times(columns, zone)
    )
    session["source_file"] = columns.filled(source_file, pa.string())
    session["source_line"] = pa.array(lines, pa.int64())
    session["status"] = _status(kind, session["subtype"])
    rows = pa.RecordBatch.from_arrays([session[name] for name in PARSED_SCHEMA.names], schema=PARSED_SCHEMA)
    if not columns.certain.all():
        rows = rows.filter(pa.array(columns.certain))
    return rows, columns.certain


class _Columns:
    """The raw columns of a batch, and the mask of the rows that are certain so far."""

    def __init__(self, raw: pa.RecordBatch) -> None:
        self.raw = raw
        self.certain = np.ones(raw.num_rows, dtype=bool)

    def has(self, name: str) -> bool:
        return name in self.raw.schema.names

    def column(self, name: str) -> pa.Array:
        return self.raw.column(self.raw.schema.get_field_index(name))

    def nulls(self, arrow_type: pa.DataType) -> pa.Array:
        return pa.nulls(self.raw.num_rows, arrow_type)

    def filled(self, value: Any, arrow_type: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, arrow_type), self.raw.num_rows)

    def distinct(
        self, name: str, rule: Callable[[str], Any], arrow_type: pa.DataType, required: bool = False
    ) -> pa.Array:
        """A column with the rule applied to each distinct value."""
        return self._checked(*by_distinct(self.column(name), rule, arrow_type), required)

    def addresses(self, name: str) -> pa.Array:
        """A column of IP addresses that must not be empty."""
        return self._checked(*addresses(self.column(name), name), True)

    def text(self, name: str) -> pa.Array:
        """An optional text column, normalised."""
        return self._checked(*texts(self.column(name), TEXT_RULES[name]), False)

    def integers(self, name: str, required: bool = False) -> pa.Array:
        """A column of whole numbers from 0."""
        return self._checked(*integers(self.column(name)), required)

    def instants(self, name: str, zone: str) -> Integers:
        """A column of times that must not be empty, in microseconds since the epoch."""
        return _numbers(self._checked(*instants(self.column(name), name, zone), True))

    def durations(self, name: str) -> Floats:
        """A column of seconds that must not be empty."""
        numbers = (
            self._checked(*real_numbers(self.column(name), name), True).fill_null(0).to_numpy(zero_copy_only=False)
        )
        self.certain &= (numbers >= 0) & (numbers <= values.MAX_DURATION_S)
        return np.where(self.certain, numbers, 0)

    def _checked(self, column: pa.Array, certain: Flags, required: bool) -> pa.Array:
        self.certain &= certain
        if required and column.null_count:
            self.certain &= np.asarray(column.is_valid())
        return column


def _numbers(column: pa.Array) -> Integers:
    numbers: Integers = column.fill_null(0).to_numpy(zero_copy_only=False)
    return numbers


def _repeat_count(columns: _Columns) -> pa.Array:
    return columns.distinct("repeat_count", values.repeat_count, pa.int64()).fill_null(1)


def _status(kind: str, subtype: pa.Array) -> pa.Array:
    if kind == TRAFFIC and pc.any(pc.equal(subtype, "start")).as_py():
        return pc.if_else(pc.equal(subtype, "start").fill_null(False), UNCOUNTED, KEPT)
    return pa.repeat(pa.scalar(KEPT), len(subtype))


def _endpoints(columns: _Columns) -> dict[str, pa.Array]:
    protocol = columns.distinct("protocol", values.protocol, pa.string(), required=True)
    ported = ~np.asarray(pc.equal(protocol, "icmp").fill_null(False))
    ports = {}
    for name in ("src_port", "dst_port"):
        numbers = _numbers(columns.integers(name, required=True))
        columns.certain &= numbers < len(values.PORTS)
        ports[name] = pa.array(np.where(ported & columns.certain, numbers, 0).astype(np.int32))
    return ports | {
        "src_ip": columns.addresses("src_ip"),
        "dst_ip": columns.addresses("dst_ip"),
        "protocol": protocol,
    }


def _traffic_times(columns: _Columns, zone: str) -> dict[str, pa.Array]:
    start_ts = columns.instants("start_ts", zone)
    end_ts = columns.instants("end_ts", zone) if columns.has("end_ts") else None
    if columns.has("duration_s"):
        duration = columns.durations("duration_s")
    else:
        duration = ((start_ts if end_ts is None else end_ts) - start_ts) / values.MICROSECOND
        columns.certain &= duration >= 0
    if end_ts is None:
        end_ts = start_ts + np.rint(duration * values.MICROSECOND).astype(np.int64)
    if columns.has("log_time"):
        columns.certain &= start_ts <= columns.instants("log_time", zone) + values.DAY
    return {"start_ts": _timestamps(start_ts), "duration_s": pa.array(duration), "end_ts": _timestamps(end_ts)}


def _threat_times(columns: _Columns, zone: str) -> dict[str, pa.Array]:
    end_ts = columns.instants("log_time" if columns.has("log_time") else "end_ts", zone)
    if columns.has("precise_time"):
        stamps = zip(columns.column("precise_time").to_pylist(), end_ts.tolist(), strict=True)
        precise = (precise_time(stamp, log_ts, zone) for stamp, log_ts in stamps)
        end_ts = np.fromiter(precise, dtype=np.int64, count=len(end_ts))
    return {
        "start_ts": columns.nulls(_TIMESTAMP),
        "duration_s": columns.nulls(pa.float64()),
        "end_ts": _timestamps(end_ts),
    }


def _timestamps(micros: Integers) -> pa.Array:
    return pa.array(micros).view(_TIMESTAMP)
