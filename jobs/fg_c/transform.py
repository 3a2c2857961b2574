"""FG-A rows to FG-C rows: pair features by the engine, deviations in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from common.contracts.types import Table, arrow_schema, ddl
from common.features.computed import check_computed
from common.features.spec import FeatureSpec, load_spec
from common.lake.file_numbers import files_for
from jobs.fg_c.baselines import SOURCES, BaselineKey, load_baselines
from jobs.fg_c.deviations import TRANSFORMS, column_floors, composites, deviation_columns, deviations

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CHUNK_ROWS = 4096
MOST_FILES = 2
COPIED = ("host_ip", "segment_id", "time_band", "window_start_ts", "window_end_ts", "date", "window")
PAIR = ("src_ip", "dst_ip", "dst_port")


def pair_aggregates() -> dict[str, Column]:
    """The pair features by name, over joined rows of pair counts and baseline.

    Rarities are added up as decimals, so that the order of the rows has no influence.
    """
    rarity = F.coalesce(F.col("pair_rarity_score"), F.lit(1.0))
    return {
        "pair_rarity_max": F.max(rarity),
        "pair_rarity_mean": F.sum(rarity.cast("decimal(28,18)")).cast("double") / F.count("*"),
        "new_pair_share": F.avg(F.col("pair_rarity_score").isNull().cast("double")),
    }


def check_computations(spec: FeatureSpec) -> None:
    """Checks that the specification and this stage name the same transforms and pair features.

    Raises:
        SpecError: they do not.
    """
    check_computed(spec, "deviation.transforms", spec.transforms, TRANSFORMS, "jobs/fg_c/deviations.py")
    check_computed(spec, "deviation.pair_features", spec.pair_features, pair_aggregates(), "jobs/fg_c/transform.py")


def pair_features(counts: DataFrame, baseline: DataFrame) -> DataFrame:
    """The rarity of each source's pairs in each window; one row per `host_ip` and `window_start_ts`.

    A pair that the baseline does not know has rarity 1 and is new.
    """
    known = baseline.select(*PAIR, "pair_rarity_score")
    met = counts.select(*PAIR, "window_start_ts").join(known, list(PAIR), "left")
    features = (value.alias(name) for name, value in pair_aggregates().items())
    return met.groupBy(F.col("src_ip").alias("host_ip"), "window_start_ts").agg(*features)


def with_deviations(
    rows: DataFrame, count: int, pairs: Sequence[DataFrame], table: Table, keys: Sequence[BaselineKey]
) -> DataFrame:
    """The rows of `fg_c` for the FG-A rows: deviations, composites and pair features, for each key's horizon.

    `count` is the number of FG-A rows, and `pairs` are the `pair_features` of each key. The rows come in a partition,
    if they are many in `MOST_FILES`, because wide files are expensive to write.
    """
    spec = load_spec(keys[0].publication.feature_spec_version)
    joined = rows.select(*COPIED, *deviation_columns(spec))
    for number, frame in enumerate(pairs):
        renamed = {name: _pair_column(name, number) for name in spec.pair_features}
        joined = joined.join(frame.withColumnsRenamed(renamed), ["host_ip", "window_start_ts"], "left")
    files = min(MOST_FILES, files_for(count * len(keys), table))
    together = joined.repartition(files, "host_ip")
    return together.mapInArrow(_mapper(keys, arrow_schema(table.columns)), ddl(table.columns))


def _pair_column(name: str, number: int) -> str:
    return f"{name}_{number}"


def _mapper(
    keys: Sequence[BaselineKey], schema: pa.Schema
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function that each worker runs; it holds the keys of the baselines, not the baselines."""

    def compute(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        names = load_spec(keys[0].publication.feature_spec_version).pair_features
        for chunk in _chunks(batches):
            for number, key in enumerate(keys):
                pairs = {name: chunk[_pair_column(name, number)] for name in names}
                yield fg_c_rows(chunk, pairs, key, schema)

    return compute


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches, combined to some thousand rows: a window of few hosts is a small batch of many columns."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= CHUNK_ROWS:
            yield pa.Table.from_batches(held).combine_chunks()
            held = []
    if sum(part.num_rows for part in held):
        yield pa.Table.from_batches(held).combine_chunks()


def fg_c_rows(
    rows: pa.Table, pairs: Mapping[str, pa.ChunkedArray], key: BaselineKey, schema: pa.Schema
) -> pa.RecordBatch:
    """The `fg_c` rows of FG-A rows and their pair features."""
    spec = load_spec(key.publication.feature_spec_version)
    baselines = load_baselines(key)
    subject = baselines.rows_of(rows)
    medians = np.take(baselines.medians, subject, axis=1)
    scales = np.take(baselines.scales, subject, axis=1)
    values = np.stack([rows[name].to_numpy() for name in deviation_columns(spec)])
    found = deviations(values, medians, scales, column_floors(spec, medians), spec.z_clip)

    count = rows.num_rows
    columns: dict[str, object] = {name: rows[name].combine_chunks() for name in COPIED}
    columns |= {name: values.combine_chunks() for name, values in pairs.items()}
    columns["baseline_horizon"] = pa.repeat(key.publication.horizon, count)
    columns["baseline_month"] = pa.repeat(key.publication.month, count)
    columns["baseline_source"] = pa.array(np.array(SOURCES)[baselines.sources[subject]].tolist())
    columns |= {name: _nullable(score) for name, score in composites(spec, found[:, 0]).items()}
    flat = found.reshape(-1, count)
    columns |= {name: _nullable(flat[number]) for number, name in enumerate(spec.fg_c_features())}
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _nullable(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> pa.Array:
    return pa.array(values, from_pandas=True)
