"""The rules of `clock` applied to whole columns, with the same results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.logs import values
from common.logs.clock import (
    MAX_LEAD,
    MAX_RECEIVED_LEAD,
    MAX_RESIDUAL,
    OFFSETS_IN_USE,
    QUARTER,
    ZONE_SOURCES,
)
from common.logs.options import ReadOptions
from common.logs.raw_columns import RawColumns
from common.logs.values import DAY, HOUR, MINUTE, FieldError
from common.logs.vectors import as_text, by_distinct

TIMESTAMP = pa.timestamp("us", "UTC")
NONE = np.int64(np.iinfo(np.int64).min)
"""Stands for the offset of a time that does not name one."""

_IN_RECORD, _HIGH_RESOLUTION, _SYSLOG_HEADER, _DEVICE, _PROJECT = range(len(ZONE_SOURCES))
_IN_USE = np.array(sorted(OFFSETS_IN_USE), dtype=np.int64)
_PRECISE = (
    r"^(19[7-9][0-9]|2[01][0-9]{2})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,6}"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


@dataclass(frozen=True)
class Stamps:
    """Times as on the wall clock, in microseconds, and the offset that each names or `NONE`."""

    wall: Integers
    own: Integers

    @property
    def named(self) -> Flags:
        """Which of them name their offset."""
        named: Flags = self.own != NONE
        return named

    @property
    def instants(self) -> Integers:
        """The instants of those that name their offset."""
        return self.wall - np.where(self.named, self.own, 0)


@dataclass(frozen=True)
class Zones:
    """The zone of each row where the record does not settle it: an index into the names; whether it is the device's."""

    names: tuple[str, ...]
    index: Integers
    of_device: Flags

    def offsets(self, wall: Integers) -> tuple[Integers, Integers]:
        """The offsets when the wall clock shows the times; they differ where it does so twice."""
        first, second = np.zeros(len(wall), dtype=np.int64), np.zeros(len(wall), dtype=np.int64)
        for number, name in enumerate(self.names):
            rows = np.flatnonzero(self.index == number)
            if isinstance(values.zone(name), timezone):
                first[rows] = second[rows] = values.offsets(name, 0)[0]
            elif len(rows):
                minutes, at = np.unique(wall[rows] // MINUTE, return_inverse=True)
                found = [values.offsets(name, minute * MINUTE) for minute in minutes.tolist()]
                both = np.array(found, dtype=np.int64)
                first[rows], second[rows] = both[at, 0], both[at, 1]
        return first, second


class Clock:
    """The times of the rows of a batch.

    `source` says where the offset of each came from, as an index into `ZONE_SOURCES`.
    """

    def __init__(self, columns: RawColumns, options: ReadOptions) -> None:
        self._columns = columns
        self._zones = _zones_of(columns, options)
        self._precise = _precise_stamps(columns) if columns.has("precise_time") else None
        self.source = np.where(self._zones.of_device, _DEVICE, _PROJECT)
        self._offset = np.full(columns.raw.num_rows, NONE)
        self._first = self._second = self._offset
        self._log: Stamps | None = None

    def written(self) -> None:
        """Reads the log time, which settles the offset of the record."""
        log = self._read(self._columns, "log_time")
        self._log = log
        self._settle(log.named, log.own, _IN_RECORD)
        if self._precise is not None:
            self._settle_by(self._precise[0], self._precise[1] & self._precise[0].named, _HIGH_RESOLUTION)
        if self._columns.has("header") and (self._offset == NONE).any():
            self._settle_by(*_header_stamps(self._columns), _SYSLOG_HEADER)
        self._first, self._second = self._zones.offsets(log.wall)
        self._check_received(log)

    def read(self, name: str, settles: bool = True) -> Stamps:
        """A column of times that must not be empty; without a log time, it may settle the offset of the record."""
        stamps = self._read(self._columns, name)
        if self._log is None and settles:
            self.source = np.where(stamps.named, _IN_RECORD, self.source)
            self._offset = stamps.own
        return stamps

    def instants(self, stamps: Stamps) -> Integers:
        """The instants: by their own offset, that of the record, or the zone."""
        first, _ = self._zones.offsets(stamps.wall)
        offset = np.where(self._offset == NONE, first, self._offset)
        return stamps.wall - np.where(stamps.named, stamps.own, offset)

    def logged(self) -> Integers:
        """When the records were written, by the first reading of the log time."""
        assert self._log is not None
        return self._log.wall - np.where(self._offset == NONE, self._first, self._offset)

    def precise(self, log_ts: Integers) -> Integers:
        """The high-resolution timestamps that are of the day of the log time; else the log time."""
        if self._precise is None:
            return log_ts
        stamps, valid = self._precise
        found = stamps.instants if stamps.named[valid].all() else self.instants(stamps)
        return np.where(valid & (np.abs(found - log_ts) <= DAY), found, log_ts)

    def settled(self, start: Stamps, micros: Integers) -> tuple[Integers, Integers]:
        """Start and log time, of all readings those that fit best."""
        assert self._log is not None
        readings = self._readings(start, self._log)
        start_ts, log_ts = next(readings)
        gap = log_ts - start_ts - micros
        least = np.where(gap >= -MAX_LEAD, gap, np.iinfo(np.int64).max)
        for other_start, other_log in readings:
            gap = other_log - other_start - micros
            better = (gap >= -MAX_LEAD) & (gap < least)
            start_ts, log_ts = np.where(better, other_start, start_ts), np.where(better, other_log, log_ts)
            least = np.where(better, gap, least)
        return start_ts, log_ts

    def _readings(self, start: Stamps, log: Stamps) -> Iterator[tuple[Integers, Integers]]:
        unsettled = self._offset == NONE
        first, second = self._zones.offsets(start.wall)
        by_zone = unsettled | (self._offset == self._first) | (self._offset == self._second)
        of_start = [
            np.where(start.named, start.own, np.where(by_zone, fold, self._offset + later))
            for fold, later in ((first, 0), (second, HOUR))
        ]
        of_log = [np.where(unsettled, fold, self._offset) for fold in (self._first, self._second)]
        for log_offset in _distinct(of_log):
            for start_offset in _distinct(of_start):
                yield start.wall - start_offset, log.wall - log_offset

    def _read(self, columns: RawColumns, name: str) -> Stamps:
        column = columns.column(name)
        if pa.types.is_timestamp(column.type) and column.type.tz:
            micros = column.cast(TIMESTAMP, safe=False).view(pa.int64())
            wall = micros.fill_null(-1).to_numpy(zero_copy_only=False)
            columns.certain &= (wall >= 0) & (wall < values.LAST_INSTANT)
            return Stamps(wall, np.zeros(len(wall), dtype=np.int64))
        label = "log time" if name == "log_time" else name
        stamps, certain = _stamps_by_distinct(column, label)
        columns.certain &= certain
        return stamps

    def _settle(self, known: Flags, offset: Integers, source: int) -> None:
        known = known & (self._offset == NONE)
        self._offset = np.where(known, offset, self._offset)
        self.source = np.where(known, source, self.source)

    def _settle_by(self, stamps: Stamps, valid: Flags, source: int) -> None:
        """Settles the offset by the instants at which the records were written."""
        assert self._log is not None
        apart = np.where(valid, self._log.wall - stamps.instants, NONE // 2)
        quarters = (apart + QUARTER // 2) // QUARTER
        near = np.abs(apart - quarters * QUARTER) <= MAX_RESIDUAL
        self._settle(valid & near & np.isin(quarters, _IN_USE), quarters * QUARTER, source)

    def _check_received(self, log: Stamps) -> None:
        if self._columns.has("received_time"):
            received, valid = _stamps_by_distinct(self._columns.column("received_time"), "receive time")
            both = valid & received.named & log.named
            self._columns.certain &= ~(both & (log.instants > received.instants + MAX_RECEIVED_LEAD))


def _distinct(offsets: list[Integers]) -> list[Integers]:
    return offsets[:1] if np.array_equal(offsets[0], offsets[1]) else offsets


def _zones_of(columns: RawColumns, options: ReadOptions) -> Zones:
    rows = columns.raw.num_rows
    if not options.device_time_zones or not columns.has("device_serial"):
        return Zones((options.time_zone,), np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=bool))
    names = tuple(dict.fromkeys((options.time_zone, *options.device_time_zones.values())))

    def of_device(serial: str) -> int | None:
        named = options.device_time_zones.get(values.text(serial) or "")
        return names.index(named) if named else None

    found, _ = by_distinct(columns.column("device_serial"), of_device, pa.int64())
    index: Integers = found.fill_null(0).to_numpy(zero_copy_only=False)
    return Zones(names, index, np.asarray(found.is_valid()))


def _stamps_by_distinct(column: pa.Array, name: str) -> tuple[Stamps, Flags]:
    """The times of a column, read once per distinct value, and which are valid."""
    if not pa.types.is_dictionary(column.type):
        column = as_text(column).dictionary_encode()
    distinct = as_text(column.dictionary).to_pylist()
    wall, own = np.zeros(len(distinct) + 1, dtype=np.int64), np.full(len(distinct) + 1, NONE)
    valid = np.zeros(len(distinct) + 1, dtype=bool)
    for at, value in enumerate(distinct):
        try:
            wall[at], offset = values.stamp(name, value)
        except FieldError:
            continue
        valid[at] = True
        if offset is not None:
            own[at] = offset
    at_row = column.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    return Stamps(wall[at_row], own[at_row]), valid[at_row]


def _precise_stamps(columns: RawColumns) -> tuple[Stamps, Flags]:
    """The high-resolution timestamps, and which rows have one."""
    column = as_text(columns.column("precise_time"))
    usual = pc.match_substring_regex(column, _PRECISE).fill_null(False)
    try:
        usable = column if usual.true_count == len(column) else pc.if_else(usual, column, pa.scalar(None, pa.string()))
        micros = usable.cast(TIMESTAMP).view(pa.int64())
    except pa.ArrowInvalid:
        return _stamps_by_distinct(column, "high-resolution timestamp")
    wall = micros.fill_null(0).to_numpy(zero_copy_only=False)
    valid = np.asarray(usual)
    own = np.where(valid, 0, NONE)
    rest = np.flatnonzero(~valid & np.asarray(column.is_valid()))
    if len(rest):
        others, right = _stamps_by_distinct(column.take(pa.array(rest)), "high-resolution timestamp")
        wall, valid = wall.copy(), valid.copy()
        wall[rest], own[rest], valid[rest] = others.wall, others.own, right
    return Stamps(wall, own), valid


def _header_stamps(columns: RawColumns) -> tuple[Stamps, Flags]:
    """The times of the syslog headers, and which rows have one."""

    def instant(header: str) -> int | None:
        found = values.header_stamp(header)
        return None if found is None else found[0] - (found[1] or 0)

    found, _ = by_distinct(columns.column("header"), instant, pa.int64())
    wall: Integers = found.fill_null(0).to_numpy(zero_copy_only=False)
    return Stamps(wall, np.zeros(len(wall), dtype=np.int64)), np.asarray(found.is_valid())
