"""The published baselines as arrays, looked up by host, segment and time band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from common.coded import encoded
from common.errors import TableError
from common.features.scales import IQR_TO_SIGMA, MAD_TO_SIGMA
from common.features.spec import FeatureSpec, load_spec
from common.lake.host_ranges import ALL_HOSTS, HostRange
from common.lake.publications import Publication
from common.lake.reader import LakeReader
from jobs.fg_c.deviations import column_floors, slice_count

SOURCES = ("none", "host", "segment")
NONE, HOST, SEGMENT = range(len(SOURCES))
STATISTICS = ("median", "mad", "iqr")
SLICE = ("role", "window_label")
COLD_FLAG = "sessions_cnt_cold_start_flag"

HOST_SUBJECT = ("time_band", "segment_id", "host_ip")
SEGMENT_SUBJECT = ("time_band", "segment_id")

_LOADING = Lock()

SEPARATOR = "|"


@dataclass(frozen=True)
class BaselineKey:
    """The baseline to load. Equal keys mean equal rows, because those of a publication never change."""

    lake_uri: str
    publication: Publication
    time_bands: tuple[str, ...]
    hosts: HostRange = ALL_HOSTS


@dataclass(frozen=True)
class Baselines:
    """One row per subject: medians and scales of `deviation_columns`, shape `(n_columns, n_subjects)`, NaN for none.

    A subject is a `subject_keys` text. Where a host is cold, its row already holds its segment's values. The last row
    has none.
    """

    rows: dict[str, int]
    medians: Floats
    scales: Floats
    sources: NDArray[np.int8]

    def rows_of(self, fg_a_rows: pa.Table) -> Integers:
        """The row number for each FG-A row: that of the host, else of its segment, else the last one."""
        nothing = len(self.sources) - 1
        hosts = subject_keys(fg_a_rows, HOST_SUBJECT).to_pylist()
        segments = subject_keys(fg_a_rows, SEGMENT_SUBJECT).to_pylist()
        rows = self.rows
        found = [rows.get(host, rows.get(segment, nothing)) for host, segment in zip(hosts, segments, strict=True)]
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Packed:
    """The statistics of some subjects: which slices are usable, medians and scales."""

    subjects: list[str]
    usable: Flags
    medians: Floats
    scales: Floats


def subject_keys(rows: pa.Table, columns: Sequence[str]) -> pa.ChunkedArray:
    """The subject of each row as one text."""
    return pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in columns), SEPARATOR)


def load_baselines(key: BaselineKey) -> Baselines:
    """The baselines of a key, read once per process, for all its threads.

    Raises:
        TableError: a table is missing or unreadable.
    """
    with _LOADING:
        return _load(key)


@lru_cache(maxsize=4)
def _load(key: BaselineKey) -> Baselines:
    spec = load_spec(key.publication.feature_spec_version)
    lake = LakeReader(key.lake_uri, spec)
    statistics = [f"{metric.name}_{name}" for metric in spec.deviation_metrics for name in STATISTICS]
    packed = []
    for table, subject in (("fg_b/host", HOST_SUBJECT), ("fg_b/segment", SEGMENT_SUBJECT)):
        partition = key.publication.partition
        if partition not in lake.partitions(table):
            raise TableError(
                f"the rows of publication {key.publication.publication_id} are gone from {table} in {lake.uri}",
                "Newer baselines were published twice since this run began: run it again",
            )
        equal = {**partition, "time_band": key.time_bands}
        hosts = key.hosts if "host_ip" in subject else ALL_HOSTS
        rows = lake.arrow(table, [*subject, *SLICE, COLD_FLAG, *statistics], equal=equal, hosts=hosts)
        packed.append(pack(spec, rows, subject))
    return combine(spec, *packed)


def pack(spec: FeatureSpec, rows: pa.Table, subject: Sequence[str]) -> Packed:
    """The rows of a baseline table, one per subject, role and label, as arrays with a column per subject."""
    subjects, column = _encode(subject_keys(rows, subject))
    slices, number = _encode(subject_keys(rows, SLICE))
    order = {f"{role}{SEPARATOR}{label}": place for place, (role, label) in enumerate(_slices(spec))}
    place = np.array([order[name] for name in slices], dtype=np.int64)[number]

    shape = (slice_count(spec), len(spec.deviation_metrics), len(subjects))
    usable = np.zeros((shape[0], shape[2]), dtype=np.bool_)
    usable[place, column] = ~rows[COLD_FLAG].to_numpy().astype(np.bool_)
    spread = {name: np.full(shape, np.nan) for name in STATISTICS}
    for index, metric in enumerate(spec.deviation_metrics):
        for name, values in spread.items():
            values[place, index, column] = rows[f"{metric.name}_{name}"].to_numpy()
    median, mad, iqr = (values.reshape(shape[0] * shape[1], shape[2]) for values in spread.values())
    scales = np.maximum(np.maximum(MAD_TO_SIGMA * mad, IQR_TO_SIGMA * iqr), column_floors(spec, median))
    return Packed(subjects, usable, median, scales)


def combine(spec: FeatureSpec, hosts: Packed, segments: Packed) -> Baselines:
    """The baselines of hosts, with their segment's values in cold slices, followed by those of segments."""
    place = {subject: number for number, subject in enumerate(segments.subjects)}
    homes = [subject.rpartition(SEPARATOR)[0] for subject in hosts.subjects]
    own = np.array([place.get(home, -1) for home in homes], dtype=np.int64)
    segment_usable = np.concatenate([segments.usable, np.zeros((len(segments.usable), 1), dtype=np.bool_)], axis=1)
    fallback = ~hosts.usable & segment_usable[:, own]

    nothing = np.full((len(hosts.medians), 1), np.nan)
    metrics = len(spec.deviation_metrics)
    arrays = []
    for host_values, segment_values in ((hosts.medians, segments.medians), (hosts.scales, segments.scales)):
        padded = np.concatenate([segment_values, nothing], axis=1)
        mixed = np.where(np.repeat(hosts.usable, metrics, axis=0), host_values, np.nan)
        borrowed = np.repeat(fallback, metrics, axis=0)
        np.copyto(mixed, padded[:, own], where=borrowed)
        alone = np.where(np.repeat(segments.usable, metrics, axis=0), segment_values, np.nan)
        arrays.append(np.concatenate([mixed, alone, nothing], axis=1))

    host_sources = np.where(fallback.any(axis=0), SEGMENT, np.where(hosts.usable.any(axis=0), HOST, NONE))
    segment_sources = np.where(segments.usable.any(axis=0), SEGMENT, NONE)
    sources = np.concatenate([host_sources, segment_sources, [NONE]]).astype(np.int8)
    rows = {subject: number for number, subject in enumerate([*hosts.subjects, *segments.subjects])}
    return Baselines(rows, arrays[0], arrays[1], sources)


def _slices(spec: FeatureSpec) -> list[tuple[str, str]]:
    return [(role, label) for label in spec.window_labels for role in spec.roles]


def _encode(texts: pa.ChunkedArray) -> tuple[list[str], Integers]:
    """The distinct texts, and the number of each row's text."""
    coded = encoded(texts)
    return coded.dictionary.to_pylist(), np.asarray(coded.indices).astype(np.int64)
