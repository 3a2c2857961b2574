"""Turns columns of raw values into canonical sessions, many rows at a time, with the same results as `records`."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.contracts.session import BATCH_SCHEMA, DICTIONARY, OPEN_SUBTYPES
from common.logs import values
from common.logs.batches import KEPT, UNCOUNTED
from common.logs.clock import ZONE_SOURCES
from common.logs.clock_columns import Clock
from common.logs.options import ReadOptions
from common.logs.raw_columns import RawColumns, numbers_of
from common.logs.records import COUNTERS, SMALL_NUMBERS, TEXT_RULES, TRAFFIC, foreign_columns
from common.logs.stamp_columns import TIMESTAMP


def sessions_of(
    raw: pa.RecordBatch,
    kind: str,
    lines: Integers,
    source_file: str,
    options: ReadOptions,
    doubtful: Flags | None = None,
    zones: Counter[str] | None = None,
) -> tuple[pa.RecordBatch, Flags]:
    """The sessions of the rows that are certain, and the mask of these rows.

    A row is certain if the rules for whole columns accept each of its values; any other row is left to `session_of`.

    Args:
        raw: columns by canonical name, as text or in a fitting type, and `log_time`, `precise_time` and others as in
            `session_of`.
        kind: TRAFFIC or THREAT.
        lines: source line of each row.
        source_file: name of the file.
        options: how the file is to be read; the zones of times that do not name one.
        doubtful: rows that the caller does not consider certain.
        zones: counts where the zone of the certain rows came from.
    """
    columns = RawColumns(raw)
    clock = Clock(columns, options)
    if doubtful is not None:
        columns.certain &= ~doubtful
    foreign = foreign_columns(kind)
    present = set(raw.schema.names) - foreign
    session = {name: columns.text(name, rule) for name, rule in TEXT_RULES.items() if name in present}
    session |= {name: columns.integers(name) for name in COUNTERS if name in present}
    session |= {name: columns.small_numbers(name, most) for name, most in SMALL_NUMBERS.items() if name in present}
    session["repeat_count"] = _repeat_count(columns) if "repeat_count" in present else pa.repeat(1, raw.num_rows)
    times = _traffic_times if kind == TRAFFIC else _threat_times
    session |= _endpoints(columns) | times(columns, clock)
    session |= {"event_type": columns.repeated(kind), "source_file": columns.repeated(source_file)}
    session["source_line"] = pa.array(lines, pa.int64())
    session["status"] = _status(kind, columns, session.get("subtype"))
    rows = pa.RecordBatch.from_arrays(
        [session[field.name] if field.name in session else columns.nulls(field.type) for field in BATCH_SCHEMA],
        schema=BATCH_SCHEMA,
    )
    if zones is not None:
        used = np.bincount(clock.source[columns.certain], minlength=len(ZONE_SOURCES)).tolist()
        zones.update({name: count for name, count in zip(ZONE_SOURCES, used, strict=True) if count})
    if not columns.certain.all():
        rows = rows.filter(pa.array(columns.certain))
    return rows, columns.certain


def _repeat_count(columns: RawColumns) -> pa.Array:
    return columns.distinct("repeat_count", values.repeat_count, pa.int64()).fill_null(1)


def _status(kind: str, columns: RawColumns, subtype: pa.DictionaryArray | None) -> pa.DictionaryArray:
    if kind != TRAFFIC or subtype is None:
        return columns.repeated(KEPT)
    is_open = pc.is_in(subtype.dictionary, pa.array(OPEN_SUBTYPES)).cast(pa.int32())
    return pa.DictionaryArray.from_arrays(is_open.take(subtype.indices).fill_null(0), [KEPT, UNCOUNTED])


def _endpoints(columns: RawColumns) -> dict[str, pa.Array]:
    protocol = columns.distinct("protocol", values.protocol, DICTIONARY, required=True)
    ported = ~np.asarray(pc.equal(protocol, "icmp").fill_null(False))
    ports = {}
    for name in ("src_port", "dst_port"):
        numbers = numbers_of(columns.integers(name, required=True))
        columns.certain &= numbers < len(values.PORTS)
        ports[name] = pa.array(np.where(ported & columns.certain, numbers, 0).astype(np.int32))
    return ports | {
        "src_ip": columns.addresses("src_ip"),
        "dst_ip": columns.addresses("dst_ip"),
        "protocol": protocol,
    }


def _traffic_times(columns: RawColumns, clock: Clock) -> dict[str, pa.Array]:
    log_ts = None
    if columns.has("log_time"):
        clock.written()
        log_ts = clock.logged()
    start = clock.read("start_ts")
    end = clock.read("end_ts", settles=False) if columns.has("end_ts") else None
    duration = columns.durations("duration_s") if columns.has("duration_s") else None
    start_ts = clock.instants(start)
    if end is not None:
        end_ts = clock.instants(end)
        if duration is None:
            duration = (end_ts - start_ts) / values.MICROSECOND
            columns.certain &= duration >= 0
    else:
        duration = np.zeros(len(start_ts)) if duration is None else duration
        micros = np.rint(duration * values.MICROSECOND).astype(np.int64)
        if log_ts is not None:
            start_ts, log_ts = clock.settled(start, micros)
        end_ts = start_ts + micros
    session = {"start_ts": _timestamps(start_ts), "duration_s": pa.array(duration), "end_ts": _timestamps(end_ts)}
    if log_ts is None:
        return session | {"log_ts": columns.nulls(TIMESTAMP)}
    columns.certain &= start_ts <= log_ts + values.DAY
    return session | {"log_ts": _timestamps(clock.precise(log_ts))}


def _threat_times(columns: RawColumns, clock: Clock) -> dict[str, pa.Array]:
    nothing = {"start_ts": columns.nulls(TIMESTAMP), "duration_s": columns.nulls(pa.float64())}
    if not columns.has("log_time"):
        end_ts = _timestamps(clock.instants(clock.read("end_ts")))
        return nothing | {"end_ts": end_ts, "log_ts": columns.nulls(TIMESTAMP)}
    clock.written()
    log_ts = _timestamps(clock.precise(clock.logged()))
    return nothing | {"end_ts": log_ts, "log_ts": log_ts}


def _timestamps(micros: Integers) -> pa.Array:
    return pa.array(micros).view(TIMESTAMP)
