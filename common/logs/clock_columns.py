"""The rules of `clock` applied to whole columns, with the same results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timezone

import numpy as np
import pyarrow as pa

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
from common.logs.stamp_columns import NONE, TIMESTAMP, Stamps, header_stamps, precise_stamps, read_stamps
from common.logs.values import DAY, HOUR, MINUTE
from common.logs.vectors import by_distinct

_IN_RECORD, _HIGH_RESOLUTION, _SYSLOG_HEADER, _DEVICE, _PROJECT = range(len(ZONE_SOURCES))
_IN_USE = np.array(sorted(OFFSETS_IN_USE), dtype=np.int64)


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
        self._precise = precise_stamps(columns.column("precise_time")) if columns.has("precise_time") else None
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
            self._settle_by(*header_stamps(self._columns.column("header")), _SYSLOG_HEADER)
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
        stamps, certain = read_stamps(column, label)
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
            received, valid = read_stamps(self._columns.column("received_time"), "receive time")
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
