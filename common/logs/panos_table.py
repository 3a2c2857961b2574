"""Columns of PAN-OS logs to canonical sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.logs import values
from common.logs.batches import KEPT, UNCOUNTED
from common.logs.panos_columns import RECEIVE_TIME, THREAT, TRAFFIC
from common.logs.panos_lines import COUNTERS, TEXT_RULES, precise_time
from common.logs.values import FieldError
from common.logs.vectors import Mask, by_distinct, integers
from common.sessions import PARSED_SCHEMA

_RECEIVE_TIME = re.compile(RECEIVE_TIME)
_MICROS = pa.int64()
_TIMESTAMP = PARSED_SCHEMA.field("end_ts").type


def _receive_time(value: str) -> str:
    if not _RECEIVE_TIME.fullmatch(value):
        raise FieldError("receive time")
    return value


class _Columns:
    """The raw columns of a batch, and which of its rows are certain so far."""

    def __init__(self, raw: pa.RecordBatch) -> None:
        self.raw = raw
        self.certain = np.ones(raw.num_rows, dtype=bool)

    def distinct(
        self, name: str, rule: Callable[[str], Any], arrow_type: pa.DataType, required: bool = False
    ) -> pa.Array:
        """The rule applied to a dictionary column."""
        return self._checked(*by_distinct(self._column(name), rule, arrow_type), required)

    def integers(self, name: str, required: bool = False) -> pa.Array:
        """A column of whole numbers."""
        return self._checked(*integers(self._column(name)), required)

    def text(self, name: str) -> pa.Array:
        """A normalised text column; nulls when the release does not have it."""
        if name not in self.raw.schema.names:
            return pa.nulls(self.raw.num_rows, pa.string())
        column = self._column(name)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        return self.distinct_of(column, TEXT_RULES[name])

    def distinct_of(self, column: pa.DictionaryArray, rule: Callable[[str], Any]) -> pa.Array:
        """The rule applied to an optional text column."""
        return self._checked(*by_distinct(column, rule, pa.string()), False)

    def _column(self, name: str) -> Any:
        return self.raw.column(self.raw.schema.get_field_index(name))

    def _checked(self, column: pa.Array, certain: Mask, required: bool) -> pa.Array:
        self.certain &= certain
        if required and column.null_count:
            self.certain &= np.asarray(column.is_valid())
        return column


def _numbers(column: pa.Array) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = column.fill_null(0).to_numpy(zero_copy_only=False)
    return numbers


def sessions_of(
    raw: pa.RecordBatch, kind: str, lines: npt.NDArray[np.int64], source_file: str, zone: str
) -> tuple[pa.RecordBatch, Mask]:
    """Parsed sessions of the rows that are certain, and the mask of these rows.

    Args:
        raw: dictionary and string columns, named as in `POSITIONS[kind]`.
        kind: TRAFFIC or THREAT.
        lines: source line of each row.
        source_file: name of the file.
        zone: time zone of times without one.
    """
    columns = _Columns(raw)
    session = {"event_type": pa.repeat(pa.scalar(kind), raw.num_rows)}
    for name in TEXT_RULES:
        session[name] = columns.text(name)
    for name in COUNTERS:
        present = name in raw.schema.names
        session[name] = columns.integers(name) if present else pa.nulls(raw.num_rows, pa.int64())
    session["repeat_count"] = columns.distinct("repeat_count", values.repeat_count, pa.int64()).fill_null(1)
    session |= _endpoints(columns) | _times(columns, kind, zone)
    if "receive_time" in raw.schema.names:
        columns.distinct("receive_time", _receive_time, pa.string(), required=True)
    session["source_file"] = pa.repeat(pa.scalar(source_file), raw.num_rows)
    session["source_line"] = pa.array(lines, pa.int64())
    session["status"] = _status(kind, session["subtype"])
    rows = pa.RecordBatch.from_arrays([session[name] for name in PARSED_SCHEMA.names], schema=PARSED_SCHEMA)
    if not columns.certain.all():
        rows = rows.filter(pa.array(columns.certain))
    return rows, columns.certain


def _status(kind: str, subtype: pa.Array) -> pa.Array:
    if kind == TRAFFIC and pc.any(pc.equal(subtype, "start")).as_py():
        return pc.if_else(pc.equal(subtype, "start").fill_null(False), UNCOUNTED, KEPT)
    return pa.repeat(pa.scalar(KEPT), len(subtype))


def _endpoints(columns: _Columns) -> dict[str, pa.Array]:
    protocol = columns.distinct("protocol", values.protocol, pa.string(), required=True)
    icmp = np.asarray(pc.equal(protocol, "icmp").fill_null(False))
    source = _numbers(columns.integers("src_port", required=True))
    columns.certain &= source < len(values.PORTS)
    target = _numbers(
        columns.distinct("dst_port", partial(values.port, "dst_port", session_protocol="tcp"), _MICROS, True)
    )
    return {
        "src_ip": columns.distinct("src_ip", partial(values.ip, "src_ip"), pa.string(), required=True),
        "dst_ip": columns.distinct("dst_ip", partial(values.ip, "dst_ip"), pa.string(), required=True),
        "protocol": protocol,
        "src_port": pa.array(np.where(icmp | ~columns.certain, 0, source).astype(np.int32)),
        "dst_port": pa.array(np.where(icmp, 0, target).astype(np.int32)),
    }


def _times(columns: _Columns, kind: str, zone: str) -> dict[str, pa.Array]:
    size = columns.raw.num_rows
    log_rule = partial(values.instant, "generated time", zone_name=zone)
    log_ts = _numbers(columns.distinct("log_time", log_rule, _MICROS, required=True))
    if kind == THREAT:
        return {
            "start_ts": pa.nulls(size, _TIMESTAMP),
            "duration_s": pa.nulls(size, pa.float64()),
            "end_ts": _timestamps(_precise(columns, log_ts, zone)),
        }
    start_rule = partial(values.instant, "start_ts", zone_name=zone)
    start_ts = _numbers(columns.distinct("start_ts", start_rule, _MICROS, required=True))
    elapsed = _numbers(columns.integers("duration_s", required=True))
    columns.certain &= (elapsed <= values.MAX_DURATION_S) & (start_ts <= log_ts + values.DAY)
    elapsed = np.where(columns.certain, elapsed, 0)
    return {
        "start_ts": _timestamps(start_ts),
        "duration_s": pa.array(elapsed.astype(np.float64)),
        "end_ts": _timestamps(start_ts + elapsed * values.MICROSECOND),
    }


def _precise(columns: _Columns, log_ts: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    if "precise_time" not in columns.raw.schema.names:
        return log_ts
    stamps = columns.raw.column(columns.raw.schema.get_field_index("precise_time")).to_pylist()
    precise = (precise_time(stamp, int(log), zone) for stamp, log in zip(stamps, log_ts.tolist(), strict=True))
    return np.fromiter(precise, dtype=np.int64, count=len(stamps))


def _timestamps(micros: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(micros).view(_TIMESTAMP)
