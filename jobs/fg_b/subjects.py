"""Baselines of one segment and its hosts: the function that runs once per segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from common.contracts import PUBLISHED_PARTITION_NAMES, tables
from common.contracts.types import Column, arrow_schema
from common.features.scales import scale_floors
from common.features.spec import FeatureSpec
from jobs.fg_b.statistics import Statistics, median_and_mad, outliers, statistics

Slice = tuple[str, str]
"""A role and a window label."""


def all_slices(spec: FeatureSpec) -> list[Slice]:
    """Every role and window label."""
    return [(role, label) for label in spec.window_labels for role in spec.roles]


def result_columns(spec: FeatureSpec) -> tuple[Column, ...]:
    """The columns of `segment_baselines`: those of `fg_b/host` without what the stage adds."""
    added = {"reference_ts", *PUBLISHED_PARTITION_NAMES}
    return tuple(column for column in tables(spec)["fg_b/host"].columns if column.name not in added)


def feature_columns(spec: FeatureSpec, slices: Sequence[Slice]) -> list[str]:
    """The FG-A columns of these slices, slice by slice."""
    return [spec.fg_a_name(role, metric, label) for role, label in slices for metric in spec.metric_names]


@dataclass(frozen=True)
class _Row:
    """A future row: its subject (no host for the segment itself), slice, statistics and outliers."""

    host_ip: str | None
    time_band: str
    slice: Slice
    statistics: Statistics
    outlier_count: int


def segment_baselines(spec: FeatureSpec, slices: Sequence[Slice]) -> Callable[[pa.Table], pa.Table]:
    """A function from the FG-A rows of one segment to the baselines of its hosts and of itself.

    It takes `host_ip, segment_id, time_band` and `feature_columns` and returns `result_columns`; rows without a host
    are the segment's own. Outliers among the rows of a segment, time band, role and label are left out of all
    statistics.
    """
    # the rows of a segment have no host, so every column is nullable here
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(result_columns(spec))])

    def baselines(group: pa.Table) -> pa.Table:
        segment = group["segment_id"][0].as_py()
        subjects = _subjects(group)
        rows = [row for one in slices for row in _slice_rows(spec, group, one, subjects)]
        return _to_arrow(spec, schema, segment, rows)

    return baselines


@dataclass(frozen=True)
class _Subjects:
    """The order of the rows by time band and host, and the range of each band and host in it."""

    order: Integers
    bands: list[tuple[str, slice]]
    hosts: dict[str, list[tuple[str, slice]]]


def _subjects(group: pa.Table) -> _Subjects:
    bands = np.array(group["time_band"].to_pylist())
    hosts = np.array(group["host_ip"].to_pylist())
    order = np.lexsort((hosts, bands))
    band_runs = list(_runs(bands[order]))
    host_runs = {band: list(_runs(hosts[order][run])) for band, run in band_runs}
    return _Subjects(order, band_runs, host_runs)


def _runs(values: NDArray[np.str_]) -> Iterator[tuple[str, slice]]:
    starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()]
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        yield str(values[start]), slice(start, end)


def _slice_rows(spec: FeatureSpec, group: pa.Table, one: Slice, subjects: _Subjects) -> Iterator[_Row]:
    values = matrix(group, feature_columns(spec, [one]))[:, subjects.order]
    for band, run in subjects.bands:
        in_band = values[:, run]
        kept_out = _kept_out(spec, in_band)
        yield _Row(None, band, one, statistics(in_band[:, ~kept_out]), int(kept_out.sum()))
        for host, host_run in subjects.hosts[band]:
            out = kept_out[host_run]
            own = in_band[:, host_run]
            yield _Row(host, band, one, statistics(own[:, ~out] if out.any() else own), int(out.sum()))


def matrix(group: pa.Table, columns: Sequence[str]) -> Floats:
    """The columns as rows of a matrix, shape `(n_columns, n_rows)`; null is NaN."""
    return np.stack([group[name].to_numpy() for name in columns]).astype(np.float64, copy=False)


def _kept_out(spec: FeatureSpec, values: Floats) -> Flags:
    rows = [spec.metric_names.index(name) for name in spec.outlier_metrics]
    keys = values[rows]
    median, mad = median_and_mad(keys)
    floors = scale_floors(spec, [spec.metrics[row] for row in rows], median[:, np.newaxis])[:, 0]
    return outliers(keys, floors, median, mad, spec.outlier_z_max)


def _to_arrow(spec: FeatureSpec, schema: pa.Schema, segment: str, rows: Sequence[_Row]) -> pa.Table:
    count = len(rows)
    columns: dict[str, object] = {
        "host_ip": [row.host_ip for row in rows],
        "segment_id": [segment] * count,
        "role": [row.slice[0] for row in rows],
        "time_band": [row.time_band for row in rows],
        "window_label": [row.slice[1] for row in rows],
        "outlier_count": [row.outlier_count for row in rows],
    }
    support = np.stack([row.statistics.support for row in rows])
    named = {name: np.stack([row.statistics.values[name] for row in rows]) for name in rows[0].statistics.values}
    for number, metric in enumerate(spec.metric_names):
        for name, values in named.items():
            columns[f"{metric}_{name}"] = pa.array(values[:, number], from_pandas=True)
        columns[f"{metric}_support_count"] = support[:, number]
        columns[f"{metric}_cold_start_flag"] = support[:, number] < spec.support_min
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)
