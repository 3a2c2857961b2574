"""Columns of times, read as on the wall clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.logs import values
from common.logs.values import DAY, FieldError
from common.logs.vectors import as_text, bounds_of, by_distinct, bytes_of

TIMESTAMP = pa.timestamp("us", "UTC")
NONE = np.int64(np.iinfo(np.int64).min)
"""Stands for the offset of a time that does not name one."""

_PRECISE = (
    r"^(19[7-9][0-9]|2[01][0-9]{2})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,6}"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_USUAL, _USUAL_PRECISE = "0000/00/00 00:00:00", "0000-00-00T00:00:00.000+00:00"
_ABOVE = {"0": 9, "+": 2}
"""How far a character may be above that of the form: 9 above 0, - above +."""


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


def read_stamps(column: pa.Array, name: str) -> tuple[Stamps, Flags]:
    """The times of a column, and which are valid; those that are not usual are read once per distinct value."""
    usual = _micros(column, _USUAL, pa.timestamp("us")) if pa.types.is_string(column.type) else None
    if usual is not None:
        return Stamps(usual, np.full(len(usual), NONE)), np.ones(len(usual), dtype=bool)
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


def _micros(column: pa.StringArray, form: str, arrow_type: pa.DataType) -> Integers | None:
    """The times of a column, in microseconds; None unless all are of the form, and from 1970 to 2199 in every zone."""
    bounds, least = bounds_of(column), np.frombuffer(form.encode(), dtype=np.uint8)
    if column.null_count or (np.diff(bounds) != len(form)).any():
        return None
    characters = bytes_of(column).reshape(-1, len(form))
    if (characters - least > np.array([_ABOVE.get(each, 0) for each in form], dtype=np.uint8)).any():
        return None
    characters = characters.copy()
    characters[:, [at for at, each in enumerate(form) if each == "/"]] = ord("-")
    dashed = pa.StringArray.from_buffers(len(column), pa.py_buffer(bounds - bounds[0]), pa.py_buffer(characters))
    try:
        micros: Integers = dashed.cast(arrow_type).view(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return micros if ((micros >= DAY) & (micros < values.LAST_INSTANT - DAY)).all() else None


def precise_stamps(column: pa.Array) -> tuple[Stamps, Flags]:
    """The high-resolution timestamps, and which rows have one."""
    column = as_text(column)
    instants = _micros(column, _USUAL_PRECISE, TIMESTAMP)
    if instants is not None:
        return Stamps(instants, np.zeros(len(instants), dtype=np.int64)), np.ones(len(instants), dtype=bool)
    usual = pc.match_substring_regex(column, _PRECISE).fill_null(False)
    try:
        usable = column if usual.true_count == len(column) else pc.if_else(usual, column, pa.scalar(None, pa.string()))
        micros = usable.cast(TIMESTAMP).view(pa.int64())
    except pa.ArrowInvalid:
        return read_stamps(column, "high-resolution timestamp")
    wall = micros.fill_null(0).to_numpy(zero_copy_only=False)
    valid = np.asarray(usual)
    own = np.where(valid, 0, NONE)
    rest = np.flatnonzero(~valid & np.asarray(column.is_valid()))
    if len(rest):
        others, right = read_stamps(column.take(pa.array(rest)), "high-resolution timestamp")
        wall, valid = wall.copy(), valid.copy()
        wall[rest], own[rest], valid[rest] = others.wall, others.own, right
    return Stamps(wall, own), valid


def header_stamps(headers: pa.Array) -> tuple[Stamps, Flags]:
    """The times of the syslog headers, and which rows have one."""

    def instant(header: str) -> int | None:
        found = values.header_stamp(header)
        return None if found is None else found[0] - (found[1] or 0)

    found, _ = by_distinct(headers, instant, pa.int64())
    wall: Integers = found.fill_null(0).to_numpy(zero_copy_only=False)
    return Stamps(wall, np.zeros(len(wall), dtype=np.int64)), np.asarray(found.is_valid())
