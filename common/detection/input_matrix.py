"""The model input, read from the lake: FG-A joined with FG-C, one row per host and window."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers, Matrix
from common.calendar.entries import read_calendar
from common.detection.inputs import ModelFeatures
from common.errors import InputError
from common.lake.host_ranges import ALL_HOSTS, HostRange
from common.lake.reader import LakeReader
from common.windows import WINDOW, Windows

KEYS = ["host_ip", "segment_id", "window_start_ts", "window_end_ts"]
ROWS_AT_ONCE = 20_000
JOIN_KEYS = ["host_ip", "window_end_ts"]


@dataclass(frozen=True, eq=False)
class ModelRows:
    """Some rows of the model input: their keys, values of shape (n_rows, n_features) with NaN for null.

    `unmatched` counts the rows of FG-A that are left out because FG-C has no counterpart.
    """

    keys: pa.Table
    values: Matrix
    unmatched: int


def read_rows(lake: LakeReader, windows: Windows, features: ModelFeatures, horizon: str) -> Iterator[ModelRows]:
    """The model input of the windows in order of window and host, at most a UTC date at a time.

    Raises:
        TableError: a table is missing or unreadable.
        InputError: `fg_c` has no row of that horizon where `fg_a` has rows, or several for one host and window.
    """
    for some in runs(lake, windows):
        rows = rows_of(lake, some, features, horizon)
        if rows is not None:
            yield rows


def runs(lake: LakeReader, windows: Windows) -> Iterator[Windows]:
    """The windows in which `fg_a` has rows, about `ROWS_AT_ONCE` rows and at most a UTC date at a time.

    Raises:
        TableError: the table is missing or unreadable.
    """
    for day in windows.by_day():
        starts = lake.arrow("fg_a", ["window_start_ts"], day)["window_start_ts"]
        for some in _parts(day, len(starts)):
            held = starts.filter(pc.and_(pc.greater_equal(starts, some.start), pc.less(starts, some.end)))
            if len(held):
                bounds = pc.min_max(held).as_py()
                yield Windows(bounds["min"], bounds["max"] + WINDOW)


def _parts(day: Windows, rows: int) -> Iterator[Windows]:
    """The windows of a day in runs of about `ROWS_AT_ONCE` rows."""
    step = max(1, len(day) * ROWS_AT_ONCE // max(rows, 1))
    start = day.start
    while start < day.end:
        end = min(start + step * WINDOW, day.end)
        yield Windows(start, end)
        start = end


def input_digest(lake: LakeReader, windows: Windows) -> str:
    """A digest of the windows and of the files that hold their dates in `fg_a`, `fg_c` and `delta_pair`.

    Entries of the calendar that have begun by the end of the windows are part of it.
    """
    dates = [f"{day:%Y-%m-%d}" for day in windows.days()]
    found = {name: lake.digests(name, "date", dates) for name in ("fg_a", "fg_c", "delta_pair")}
    held = [f"{name} {date} {digests.get(date, '')}" for name, digests in found.items() for date in dates]
    entries = [scope.entry for scope in read_calendar(lake).scopes if scope.entry.start_ts < windows.end]
    held += [f"calendar {json.dumps(entry.given(), sort_keys=True)}" for entry in entries]
    return hashlib.sha256("\n".join([str(windows), *held]).encode()).hexdigest()


def read_matrix(lake: LakeReader, windows: Windows, features: ModelFeatures, horizon: str) -> ModelRows:
    """All rows of the windows as one matrix, grown in place so that it is held only once; the keys are left empty."""
    matrix = np.empty((0, len(features.names)), dtype=np.float32)
    unmatched = 0
    for rows in read_rows(lake, windows, features, horizon):
        filled = len(matrix)
        matrix.resize((filled + len(rows.values), matrix.shape[1]), refcheck=False)
        matrix[filled:] = rows.values
        unmatched += rows.unmatched
    return ModelRows(pa.table({}), matrix, unmatched)


def rows_of(
    lake: LakeReader, windows: Windows, features: ModelFeatures, horizon: str, hosts: HostRange = ALL_HOSTS
) -> ModelRows | None:
    """As `read_rows`, all rows of the windows and hosts at once; None without any."""
    current = lake.arrow("fg_a", [*KEYS, *features.fg_a], windows, hosts=hosts)
    if not len(current):
        return None
    deviations = lake.arrow("fg_c", [*JOIN_KEYS, "baseline_horizon", *features.fg_c], windows, hosts=hosts)
    deviations = deviations.filter(pc.equal(deviations["baseline_horizon"], horizon))
    if not len(deviations):
        raise InputError(
            f"fg_c in {lake.uri} has no rows of horizon {horizon} in {windows}, fg_a has {len(current):,}",
            "Run ndr-fg-c for these windows and that horizon, or set model_horizon in the project parameters",
        )
    current = current.sort_by([("window_end_ts", "ascending"), ("host_ip", "ascending")])
    left, right = _matches(current, deviations, lake, windows)
    values = np.empty((len(left), len(features.names)), dtype=np.float32)
    values[:, : len(features.fg_a)] = _floats(current, features.fg_a)[left]
    values[:, len(features.fg_a) :] = _floats(deviations, features.fg_c)[right]
    return ModelRows(current.select(KEYS).take(pa.array(left)), values, len(current) - len(left))


def _matches(current: pa.Table, deviations: pa.Table, lake: LakeReader, windows: Windows) -> tuple[Integers, Integers]:
    """The matching row numbers of both tables, in the order of the first."""
    left = current.select(JOIN_KEYS).append_column("left", pa.array(np.arange(len(current))))
    right = deviations.select(JOIN_KEYS).append_column("right", pa.array(np.arange(len(deviations))))
    for name, keys in (("fg_a", left), ("fg_c", right)):
        distinct = keys.group_by(JOIN_KEYS).aggregate([])
        if len(distinct) != len(keys):
            raise InputError(
                f"{name} in {lake.uri} has {len(keys) - len(distinct):,} duplicate rows (same host and window) in "
                f"{windows}",
                "Rebuild these windows",
            )
    joined = left.join(right, JOIN_KEYS, join_type="inner").sort_by("left")
    return joined["left"].to_numpy(), joined["right"].to_numpy()


def _floats(table: pa.Table, names: tuple[str, ...]) -> Matrix:
    """The named columns as float32, shape (n_rows, n_names), NaN for null."""
    batch = table.select(list(names)).cast(pa.schema([(name, pa.float64()) for name in names])).combine_chunks()
    if not len(batch):
        return np.empty((0, len(names)), dtype=np.float32)
    tensor = batch.to_batches()[0].to_tensor(null_to_nan=True, row_major=True)
    return np.asarray(tensor.to_numpy(), dtype=np.float32)
